"""The pages of a site: who sees them, adding and changing it, its token, deleting it."""

import shlex
from collections.abc import Callable

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from conftest import Meanwhile
from tracking.forms.sites import SiteForm
from tracking.models import Event, Site, Visit
from tracking.models.sites import token_hash
from tracking.tests.factories import EventFactory, SiteFactory

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
    settings.ALLOWED_HOSTS = ["testserver", "other-name.example.org"]
    assert "is the name of the whole server" in str(errors(site, "other-name.example.org"))
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


# Token


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


# Delete


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
