"""Visits that were counted are deleted: those that are meant, after a look at how many."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from tracking.models import Event, Salt, Site, Visit
from tracking.processing import deletion
from tracking.tests.factories import SiteFactory
from tracking.tests.hits import FIREFOX, NOON, process_hits, record
from tracking.tests.test_restore import pageviews
from tracking.tests.test_sites import messages_of

pytestmark = pytest.mark.usefixtures("in_the_afternoon")

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def address(site: Site) -> str:
    return f"/sites/{site.pk}/settings/visits/"


@pytest.fixture
def counted(site: Site) -> Site:
    """Four visits, of which the first has two pageviews."""
    Site.objects.update(keep_ip=True)
    process_hits(
        record(site, NOON - DAY, url="/blog/1", referrer="https://www.google.com/"),
        record(site, NOON - DAY + MINUTE, url="/about"),
        record(site, NOON, url="/blog", referrer="https://spam.example/x"),
        record(site, NOON, ip="8.8.8.8", url="/blogs"),
        record(site, NOON, ip="9.9.9.9", url="/about", user_agent=f"{FIREFOX} Other/1"),
    )
    return site


CHOICES: list[tuple[dict[str, str], list[str]]] = [
    ({"first": "2026-06-15"}, ["/blog/1"]),
    ({"last": "2026-06-14"}, ["/about", "/blog", "/blogs"]),
    ({"first": "2026-06-14", "last": "2026-06-14"}, ["/about", "/blog", "/blogs"]),
    ({"source": "google"}, ["/about", "/blog", "/blogs"]),
    ({"source": "spam.example"}, ["/about", "/blog/1", "/blogs"]),
    ({"page": "/about"}, ["/blog", "/blogs"]),
    ({"page": "/blog/**"}, ["/about", "/blogs"]),
    ({"page": "/blog*"}, ["/about", "/blog/1"]),
    ({"ip": "8.8.8.8"}, ["/about", "/blog", "/blog/1"]),
    ({"page": "/about", "source": "Google"}, ["/about", "/blog", "/blogs"]),
    ({"page": "/nowhere"}, ["/about", "/blog", "/blog/1", "/blogs"]),
]


@pytest.mark.parametrize(("data", "left"), CHOICES)
def test_what_was_chosen_is_previewed_and_deleted(
    counted: Site, owner_client: Client, data: dict[str, str], left: list[str]
) -> None:
    response = owner_client.get(address(counted), data)
    assert response.context["number"] == 4 - len(left)
    assert Visit.objects.count() == 4

    response = owner_client.post(address(counted), data)

    assert response.status_code == 302
    assert sorted(visit.entry_page for visit in Visit.objects.all()) == left
    visits = set(Visit.objects.values_list("pk", flat=True))
    assert set(Event.objects.values_list("visit_id", flat=True)) == visits


def test_the_preview_says_how_much_goes(counted: Site, owner_client: Client) -> None:
    response = owner_client.get(address(counted), {"source": "Google"})
    html = response.content.decode()
    assert "1 visit would be deleted" in html
    assert "2 events go with them." in html
    assert [visit.entry_page for visit in response.context["visits"]] == ["/blog/1"]


def test_ones_own_visits_are_known_by_address_and_browser(site: Site, owner_client: Client) -> None:
    process_hits(
        record(site, NOON - DAY, url="/mine"),
        record(site, url="/mine"),
        record(site, url="/of-another-browser", user_agent=f"{FIREFOX} Other/1"),
        record(site, ip="8.8.8.8", url="/of-another-address"),
    )
    me: dict[str, Any] = {"REMOTE_ADDR": "1.2.3.4", "HTTP_USER_AGENT": FIREFOX}
    assert owner_client.get(address(site), {"own": "on"}, **me).context["number"] == 2
    response = owner_client.post(address(site), {"own": "on"}, **me)
    assert messages_of(response) == ["2 visits are deleted."]
    assert sorted(visit.entry_page for visit in Visit.objects.all()) == [
        "/of-another-address",
        "/of-another-browser",
    ]


def test_where_no_salt_is_left_no_visit_is_ones_own(counted: Site, owner_client: Client) -> None:
    Salt.objects.all().delete()
    assert owner_client.get(address(counted), {"own": "on"}).context["number"] == 0


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("data", "errors"),
    [
        ({"source": ""}, {"__all__": ["Choose which visits you mean."]}),
        ({"first": "2026-06-15", "last": "2026-06-14"},
         {"last": ["This is before the first day."]}),
        ({"first": "soon"}, {"first": ["Enter a valid date."]}),
        ({"ip": "1.2.3"}, {"ip": ["Enter a valid IPv4 or IPv6 address."]}),
        ({"page": "blog"}, {"page": [
            "“blog” is no path: it begins with a slash, as in /imprint or /blog/**, and has "
            "neither https:// nor a host name."
        ]}),
    ],
)  # fmt: skip
def test_a_choice_that_makes_no_sense_deletes_nothing(
    counted: Site,
    owner_client: Client,
    method: str,
    data: dict[str, str],
    errors: dict[str, list[str]],
) -> None:
    response = getattr(owner_client, method)(address(counted), data)
    assert response.status_code == 200
    assert response.context["form"].errors == errors
    assert Visit.objects.count() == 4


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_path_that_means_too_many_pages_is_refused(
    counted: Site, owner_client: Client, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(deletion, "MAX_PAGES", 1)
    response = getattr(owner_client, method)(address(counted), {"page": "/**"})
    assert response.context["form"].errors == {"page": ["Too many pages match this. Choose fewer."]}
    assert Visit.objects.count() == 4


def test_much_is_deleted_in_parts(counted: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "AT_ONCE", 1)
    assert deletion.delete(counted, deletion.Choice(page="/**")) == 4
    assert (Visit.objects.count(), Event.objects.count()) == (0, 0)


def test_visits_of_ones_other_site_are_left_alone(counted: Site, owner_client: Client) -> None:
    other = SiteFactory(owner=counted.owner)
    assert owner_client.get(address(other), {"page": "/**"}).context["number"] == 0
    owner_client.post(address(other), {"page": "/**"})
    assert Visit.objects.count() == 4


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_finds_nothing(counted: Site, stranger_client: Client, method: str) -> None:
    response = getattr(stranger_client, method)(address(counted), {"page": "/**"})
    assert response.status_code == 404
    assert Visit.objects.count() == 4


def test_an_anonymous_person_is_sent_to_log_in(counted: Site, client: Client) -> None:
    response = client.post(address(counted), {"page": "/**"})
    assert response["Location"] == f"/account/login/?next={address(counted)}"
    assert Visit.objects.count() == 4


def test_the_owner_sees_the_empty_page(site: Site, owner_client: Client) -> None:
    response = owner_client.get(address(site))
    assert (response.status_code, response.context["form"].errors) == (200, {})


def test_figures_of_a_day_that_has_been_reckoned_follow(counted: Site) -> None:
    call_command("rollup", stdout=StringIO())
    assert pageviews(counted) == 5
    deletion.delete(counted, deletion.Choice(source="Google"))
    assert pageviews(counted) == 3
    call_command("rollup", stdout=StringIO())
    assert pageviews(counted) == 3
    call_command("rollup", "--check", stdout=StringIO())
