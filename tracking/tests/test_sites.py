import re
import shlex
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from accounts.tests.factories import UserFactory
from conftest import Meanwhile
from tracking.forms.sites import SiteForm
from tracking.models import Event, Site, Visit
from tracking.models.sites import token_hash
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory

PAGES = ["settings", "token", "delete", "install", "install/status", "install/requests"]


def messages_of(response: object) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]  # type: ignore[attr-defined]


# Who may see what


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_finds_nothing(
    site: Site, stranger_client: Client, page: str, method: str
) -> None:
    response = getattr(stranger_client, method)(
        f"/sites/{site.pk}/{page}/", {"domain": site.domain}
    )

    assert response.status_code == 404
    assert site.domain not in response.content.decode()
    assert list(Site.objects.values_list("pk", "domain", "token_hash")) == [
        (site.pk, "example.com", None)
    ]


@pytest.mark.parametrize("page", PAGES)
def test_an_anonymous_person_is_sent_to_log_in(site: Site, client: Client, page: str) -> None:
    response = client.get(f"/sites/{site.pk}/{page}/")

    assert (response.status_code, response["Location"]) == (
        302,
        f"/account/login/?next=/sites/{site.pk}/{page}/",
    )


def test_an_anonymous_person_cannot_add(client: Client, db: None) -> None:
    response = client.post("/sites/add/", {"domain": "example.com", "time_zone": "UTC"})

    assert (response.status_code, response["Location"]) == (
        302,
        "/account/login/?next=/sites/add/",
    )
    assert not Site.objects.exists()


def test_a_panel_reloads_the_page_once_the_session_has_ended(site: Site, client: Client) -> None:
    response = client.get(f"/sites/{site.pk}/install/status/", headers={"HX-Request": "true"})

    assert (response.content, response["HX-Refresh"]) == (b"", "true")


@pytest.mark.parametrize("page", PAGES[:3])
def test_the_owner_sees_the_page(site: Site, owner_client: Client, page: str) -> None:
    response = owner_client.get(f"/sites/{site.pk}/{page}/")

    assert response.status_code == 200
    assert response.context["site"] == site


# Index


@pytest.mark.parametrize(
    ("is_set_up", "is_open", "offered"),
    [
        (True, True, ["Register", "Log in"]),
        (True, False, ["Log in"]),
        (False, True, ["Set up this server"]),
    ],
)
def test_the_landing_page_offers_what_a_newcomer_can_do(
    client: Client, db: None, settings: Settings, is_set_up: bool, is_open: bool, offered: list[str]
) -> None:
    if is_set_up:
        UserFactory(is_superuser=True)
    settings.REGISTRATION_OPEN = is_open

    html = client.get("/").content.decode()

    hero = html[html.index('<section class="hero">') : html.index("</section>")]
    assert re.findall(r"<a [^>]*>([^<]*)</a>", hero) == offered


class TestList:
    @pytest.fixture
    def now(self, site: Site, stranger: User) -> Iterator[datetime]:
        """Two sites of the owner with visitors, and one of somebody else."""
        shop = SiteFactory(owner=site.owner, domain="a.example", name="The shop")
        SiteFactory(owner=stranger, domain="strange.example")
        now = datetime(2026, 3, 5, 12, tzinfo=UTC)
        for ago, of in ((0, site), (0, site), (1, site), (0, shop), (31, site), (31, shop)):
            VisitFactory(site=of, started_at=now - timedelta(days=ago))
        with time_machine.travel(now, tick=False):
            yield now

    def rows(self, client: Client, query: str = "") -> list[list[str]]:
        page = BeautifulSoup(client.get(f"/{query}").content, "html.parser")
        return [
            [
                " ".join(row.select_one(part).get_text(" ").split())
                for part in ("h2", ".site-visitors strong", ".site-change", ".site-today")
            ]
            for row in page.select(".site-row")
        ]

    @pytest.mark.usefixtures("now")
    def test_has_ones_own_sites_the_busiest_first_and_their_total(
        self, owner_client: Client
    ) -> None:
        assert self.rows(owner_client) == [
            ["All sites", "4", "↑ 100% more", "3 today"],
            ["example.com", "3", "↑ 200% more", "2 today"],
            ["The shop", "1", "", "1 today"],
        ]

    @pytest.mark.usefixtures("now")
    @pytest.mark.parametrize(
        ("search", "names"),
        [("SHOP", ["The shop"]), ("example.com", ["example.com"]), ("strange", [])],
    )
    def test_can_be_searched(self, owner_client: Client, search: str, names: list[str]) -> None:
        assert [row[0] for row in self.rows(owner_client, f"?q={search}")] == names

    def test_is_without_a_total_where_there_is_one_site(
        self, site: Site, owner_client: Client
    ) -> None:
        assert [row[0] for row in self.rows(owner_client)] == ["example.com"]


def test_a_person_without_sites_is_taught_to_add_one(stranger_client: Client, site: Site) -> None:
    response = stranger_client.get("/")

    assert "site-row" not in response.content.decode()
    assert 'href="/sites/add/"' in response.content.decode()


@pytest.mark.not_on_clickhouse
@pytest.mark.parametrize("sites", [1, 3])
def test_the_list_asks_the_database_as_often_for_one_site_as_for_three(
    owner: User,
    owner_client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    sites: int,
) -> None:
    for site in SiteFactory.create_batch(sites, owner=owner):
        VisitFactory(site=site)

    # Session, user, sites, figures.
    with django_assert_num_queries(6):
        owner_client.get("/")


@pytest.mark.parametrize(
    "page", ["", "sites/{pk}/settings/", "sites/{pk}/delete/", "sites/{pk}/install/"]
)
def test_a_hostile_name_is_shown_as_text(owner: User, owner_client: Client, page: str) -> None:
    site = SiteFactory(owner=owner, name="<script>alert(1)</script>")

    html = owner_client.get("/" + page.format(pk=site.pk)).content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>alert(1)" not in html


# Add and change


def test_adding_a_site_leads_to_its_snippet(owner: User, owner_client: Client) -> None:
    response = owner_client.post(
        "/sites/add/", {"domain": "https://www.example.com/", "time_zone": "Asia/Tokyo"}
    )

    site = Site.objects.get()
    assert (site.owner, site.domain, site.time_zone) == (owner, "example.com", "Asia/Tokyo")
    assert response["Location"] == f"/sites/{site.pk}/install/"


def test_a_new_site_begins_with_its_owners_time_zone(owner: User, owner_client: Client) -> None:
    owner.time_zone = "Asia/Tokyo"
    owner.save()

    form = owner_client.get("/sites/add/").context["form"]

    assert form["time_zone"].value() == "Asia/Tokyo"


def test_a_double_is_refused_at_the_domain(site: Site, owner_client: Client) -> None:
    response = owner_client.post("/sites/add/", {"domain": "EXAMPLE.com", "time_zone": "UTC"})

    assert response.context["form"].errors == {"domain": ["example.com has been added already."]}
    assert list(Site.objects.all()) == [site]


def test_a_double_added_meanwhile_is_refused_too(
    owner: User, owner_client: Client, meanwhile: Meanwhile
) -> None:
    meanwhile(SiteForm, lambda: SiteFactory(owner=owner, domain="example.com"))

    response = owner_client.post("/sites/add/", {"domain": "example.com", "time_zone": "UTC"})

    assert response.context["form"].errors == {"domain": ["example.com has been added already."]}
    assert Site.objects.count() == 1


def test_a_change_to_a_domain_taken_meanwhile_is_refused(
    site: Site, owner_client: Client, meanwhile: Meanwhile
) -> None:
    meanwhile(SiteForm, lambda: SiteFactory(owner=site.owner, domain="new.example"))

    response = owner_client.post(
        f"/sites/{site.pk}/settings/", {"domain": "new.example", "time_zone": "UTC"}
    )

    assert response.context["form"].errors == {"domain": ["new.example has been added already."]}
    assert messages_of(response) == []
    site.refresh_from_db()
    assert site.domain == "example.com"


def test_changed_settings_are_stored(site: Site, owner_client: Client) -> None:
    response = owner_client.post(
        f"/sites/{site.pk}/settings/",
        {
            "domain": "new.example",
            "name": "New",
            "time_zone": "Asia/Tokyo",
            "keep_ip": "on",
            "currency": "eur",
            "counting_host": "https://New.stats.example.org/",
        },
    )

    assert response["Location"] == f"/sites/{site.pk}/settings/"
    assert messages_of(response) == ["The settings are saved."]
    columns = ("pk", "domain", "name", "time_zone", "keep_ip", "currency", "counting_host")
    assert list(Site.objects.values(*columns)) == [
        {
            "pk": site.pk,
            "domain": "new.example",
            "name": "New",
            "time_zone": "Asia/Tokyo",
            "keep_ip": True,
            "currency": "EUR",
            "counting_host": "new.stats.example.org",
        }
    ]


def test_what_is_no_currency_is_refused(site: Site, owner_client: Client) -> None:
    given = {"domain": site.domain, "time_zone": "UTC", "currency": "€"}
    response = owner_client.post(f"/sites/{site.pk}/settings/", given)
    assert response.context["form"].errors == {
        "currency": ["Give the three letters of a currency, as in EUR."]
    }


def test_a_host_name_is_of_one_site_or_of_the_server(
    site: Site, owner: User, owner_client: Client, settings: Settings
) -> None:
    settings.BASE_URL = "https://stats.example.org"
    other = SiteFactory(owner=owner)
    SiteFactory(owner=owner, counting_host="taken.example.org")

    def errors(one: Site, host: str) -> object:
        given = {"domain": one.domain, "time_zone": "UTC", "counting_host": host}
        response = owner_client.post(f"/sites/{one.pk}/settings/", given)
        return response.context["form"].errors if response.context else None

    assert errors(site, "stats.example.org") == {
        "counting_host": [
            "stats.example.org is the name of the whole server. Give one of this site alone."
        ]
    }
    assert errors(site, "taken.example.org") == {
        "counting_host": ["Another site has this host name."]
    }
    assert errors(site, "") is None
    assert errors(other, "") is None
    assert Site.objects.filter(counting_host=None).count() == 2


def test_a_refused_change_leaves_the_page_naming_what_is_stored(
    site: Site, owner_client: Client
) -> None:
    response = owner_client.post(
        f"/sites/{site.pk}/settings/", {"domain": "nowhere", "name": "New", "time_zone": "UTC"}
    )

    assert str(response.context["site"]) == "example.com"
    assert "<title>Error: Settings of example.com · Tracking</title>" in response.content.decode()


# Delete


def test_a_token_is_shown_once_and_replaces_the_one_before(
    site: Site, owner_client: Client
) -> None:
    url = f"/sites/{site.pk}/token/"
    assert "Make a token?" in owner_client.get(url).text
    tokens = []
    for _ in range(2):
        page = owner_client.post(url)
        tokens.append(page.context["token"])
        assert page.text.count(tokens[-1]) == 2  # alone, and in a command to try
        site.refresh_from_db()
        assert site.token_hash == token_hash(tokens[-1])
        again = owner_client.get(url).text
        assert "Replace the token?" in again
        assert tokens[-1] not in again
    assert tokens[0] != tokens[1]


def test_the_command_with_the_token_is_taken(site: Site, owner_client: Client) -> None:
    command = owner_client.post(f"/sites/{site.pk}/token/").context["request_with_token"]
    _, url, _, header, _, body = (word for word in shlex.split(command) if word.strip())
    name, _, value = header.partition(": ")
    answer = owner_client.post(
        url.partition("testserver")[2], body, "text/plain", headers={name: value}
    )
    assert answer.status_code == 202


def test_deleting_takes_the_sites_visits_and_no_others(site: Site, owner_client: Client) -> None:
    EventFactory(visit__site=site)
    kept = EventFactory()

    response = owner_client.post(f"/sites/{site.pk}/delete/", {"domain": "example.com"})

    assert response["Location"] == "/"
    assert messages_of(response) == ["example.com and all of its visits are deleted."]
    assert list(Site.objects.all()) == [kept.site]
    assert list(Visit.objects.all()) == [kept.visit]
    assert list(Event.objects.all()) == [kept]


def test_a_mistyped_domain_deletes_nothing(site: Site, owner_client: Client) -> None:
    event = EventFactory(visit__site=site)

    response = owner_client.post(f"/sites/{site.pk}/delete/", {"domain": "example.org"})

    assert response.context["form"].errors == {
        "domain": ["This is another domain. Type example.com to delete this site."]
    }
    assert list(Event.objects.all()) == [event]


@pytest.mark.parametrize("method", ["delete", "put", "patch"])
@pytest.mark.parametrize("page", ["settings", "delete"])
def test_pages_with_a_form_answer_nothing_but_the_form(
    site: Site, owner_client: Client, page: str, method: str
) -> None:
    response = getattr(owner_client, method)(f"/sites/{site.pk}/{page}/")

    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert list(Site.objects.all()) == [site]


def delete_site(site: Site) -> None:
    site.delete()


def delete_sites(site: Site) -> None:
    Site.objects.filter(pk=site.pk).delete()


def delete_owner(site: Site) -> None:
    site.owner.delete()


@pytest.mark.not_on_clickhouse
@pytest.mark.parametrize("delete", [delete_site, delete_sites, delete_owner])
@pytest.mark.parametrize("visits", [1, 3])
def test_no_way_of_deleting_a_site_loads_its_visits(
    site: Site, delete: Callable[[Site], None], visits: int
) -> None:
    for _ in range(visits):
        EventFactory(visit__site=site)

    with CaptureQueriesContext(connection) as queries:
        delete(site)

    about_rows = [
        query["sql"].split(" ")[0]
        for query in queries
        if "tracking_visit" in query["sql"] or "tracking_event" in query["sql"]
    ]
    assert about_rows == ["DELETE", "DELETE"]
    assert not Site.objects.exists()
    assert not Visit.objects.exists()
    assert not Event.objects.exists()


# Install


def test_the_snippet_page_shows_script_and_pixels(
    site: Site, owner_client: Client, settings: Settings
) -> None:
    settings.BASE_URL = "https://stats.example.org"

    context = owner_client.get(f"/sites/{site.pk}/install/").context

    pixel = (
        f'<img src="https://stats.example.org/t/{site.public_id}.gif" alt="" hidden '
        'referrerpolicy="no-referrer-when-downgrade">'
    )
    assert context["script"] == (
        f'<script defer src="https://stats.example.org/t/{site.public_id}.js"></script>\n'
        f"<noscript>{pixel}</noscript>"
    )
    assert context["pixel"] == pixel
    assert context["newsletter_pixel"] == (
        f'<img src="https://stats.example.org/t/{site.public_id}.gif?'
        "url=https%3A%2F%2Fexample.com%2Fnewsletter&amp;event=Newsletter+opened"
        '" alt="" width="1" height="1">'
    )


def test_a_fresh_installation_names_itself_as_the_reader_does(
    site: Site, owner_client: Client, settings: Settings
) -> None:
    settings.BASE_URL = "http://localhost:8000"

    response = owner_client.get(f"/sites/{site.pk}/install/", HTTP_HOST="127.0.0.1:8123")

    assert f'src="http://127.0.0.1:8123/t/{site.public_id}.js"' in response.context["script"]


def test_the_status_is_silent_until_the_first_visit(site: Site, owner_client: Client) -> None:
    VisitFactory()  # of another site

    response = owner_client.get(f"/sites/{site.pk}/install/status/")

    assert (response.status_code, response.content) == (204, b"")


@time_machine.travel(datetime(2026, 3, 5, 12, tzinfo=UTC))
def test_the_status_tells_of_the_first_visit_and_asks_no_more(
    site: Site, owner_client: Client
) -> None:
    VisitFactory(site=site, hostname="example.com", entry_page="/later")
    first = VisitFactory(
        site=site,
        started_at=datetime(2026, 3, 5, 11, 2, 3, tzinfo=UTC),
        hostname="example.com",
        entry_page="/<b>",
        city="Los Angeles",
        postal_code="90001",
    )

    response = owner_client.get(f"/sites/{site.pk}/install/status/")

    html = response.content.decode()
    assert response.context["visit"] == first
    assert "First visit from Los Angeles, 90001: " in html
    assert ">today at 11:02:03</time>, on <code>example.com/&lt;b&gt;</code>." in html
    assert f'href="/sites/{site.pk}/"' in html
    assert "hx-" not in html


def test_the_page_asks_for_the_first_visit_only_while_it_waits(
    site: Site, owner_client: Client
) -> None:
    url = f"/sites/{site.pk}/install/"
    poll = f'hx-get="{url}status/" hx-trigger="every 2s"'

    waiting = owner_client.get(url).content.decode()
    VisitFactory(site=site)
    arrived = owner_client.get(url).content.decode()

    assert poll in waiting
    assert "status/" not in arrived
