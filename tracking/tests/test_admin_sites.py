"""Sites in the back office: what the list tells of each, and what staff do with them."""

import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.core.management import call_command
from django.template.defaultfilters import filesizeformat
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from conftest import Overlooked
from tracking.admin import SiteAdmin
from tracking.models import Event, ExcludedDay, Site, StaleDay, Visit
from tracking.reporting.storage import storage, tables_bytes
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory
from tracking.tests.hits import process_hits, record

SITES = "/admin/tracking/site/"


def row_of(client: Client) -> dict[str, Any]:
    """What the columns of the only site say."""
    [site] = client.get(SITES).context["cl"].result_list
    columns = SiteAdmin(Site, admin.site)
    return {
        "visitors": columns.visitors(site).partition("<svg")[0],
        "state": columns.state(site),
        "owner": columns.person(site),
        "last event": columns.last_event(site),
        "stored": columns.stored(site),
    }


def address(site: Site, action: str) -> str:
    return f"{SITES}{site.pk}/{action}/"


def act(client: Client, action: str, *sites: Site) -> Any:
    form = {"action": action, "_selected_action": [site.pk for site in sites]}
    return client.post(SITES, form, follow=True)


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def logged() -> list[str]:
    entries = LogEntry.objects.order_by("pk")
    return [entry.get_change_message() for entry in entries]


# The list


def test_the_list_tells_how_each_site_does(analyst_client: Client, site: Site) -> None:
    cache.clear()
    now = timezone.now()
    for days in (0, 3, 3, 40):
        moment = now - timedelta(days=days)
        EventFactory(visit=VisitFactory(site=site, started_at=moment), time=moment)
    row = row_of(analyst_client)
    assert row["visitors"] == '<span class="trend"><span>3</span>'
    assert row["state"] == (False, "Collecting")
    assert row["owner"] == ["Olive Owner", "owner@example.com"]
    assert row["last event"] == [f"{now:%-d %b %Y}", f"{now:%H:%M}"]
    assert row["stored"] == filesizeformat(tables_bytes())


def test_a_site_without_anything_says_so(analyst_client: Client, site: Site) -> None:
    cache.clear()
    row = row_of(analyst_client)
    assert row["visitors"] == '<span class="trend"><span>0</span>'
    assert (row["last event"], row["stored"]) == (["None yet"], "0\xa0bytes")


@pytest.mark.not_on_clickhouse
def test_more_sites_ask_no_more(
    staff_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in (1, 3):
        while Site.objects.count() < number:
            EventFactory(visit=VisitFactory(site=SiteFactory()))
        cache.clear()
        with django_assert_num_queries(11):
            staff_client.get(SITES)


@pytest.mark.django_db
def test_storage_is_shared_by_visits() -> None:
    cache.clear()
    VisitFactory.create_batch(3, site=(big := SiteFactory()))
    VisitFactory(site=(small := SiteFactory()))
    size = tables_bytes()
    assert storage() == {big.pk: size * 3 // 4, small.pk: size // 4}


# Pausing


def test_a_paused_site_counts_what_it_drops(
    operator_client: Client, owner_client: Client, site: Site
) -> None:
    assert said(act(operator_client, "pause", site)) == ["1 site is paused."]
    site.refresh_from_db()
    assert site.is_paused
    process_hits(record(site), record(site))
    assert not Event.objects.exists()
    assert ExcludedDay.objects.values_list("reason", "hits", "kept").get() == ("paused", 2, 0)
    assert "Collecting is paused" in owner_client.get(site.get_absolute_url()).text

    assert said(act(operator_client, "resume", site)) == ["1 site collects again."]
    site.refresh_from_db()
    process_hits(record(site))
    assert Event.objects.count() == 1
    assert "Collecting is paused" not in owner_client.get(site.get_absolute_url()).text
    assert logged() == ["Paused collecting.", "Resumed collecting."]


# Rollups


@pytest.mark.not_on_clickhouse
def test_rollups_are_rebuilt(operator_client: Client, site: Site) -> None:
    VisitFactory(site=site, started_at=timezone.now() - timedelta(days=3))
    StaleDay.objects.all().delete()
    response = act(operator_client, "rebuild", site)
    assert said(response) == ["The worker rebuilds 3 days; reports are right meanwhile, if slower."]
    assert StaleDay.objects.filter(site=site).count() == 3
    assert logged() == ["Asked for rollups to be rebuilt."]


@pytest.mark.not_on_clickhouse
def test_rollups_that_differ_are_named(operator_client: Client, site: Site) -> None:
    day = site.today() - timedelta(days=2)
    VisitFactory(site=site, started_at=timezone.now() - timedelta(days=2))
    StaleDay.objects.note(site, [day])
    call_command("rollup", verbosity=0, stdout=StringIO())
    assert said(act(operator_client, "check_rollups", site)) == ["2 days are checked."]
    VisitFactory(site=site, started_at=timezone.now() - timedelta(days=2))
    StaleDay.objects.all().delete()
    assert said(act(operator_client, "check_rollups", site)) == [
        f"example.com: the rollups of {date_format(day)} differ. Rebuild them.",
        "2 days are checked.",
    ]


# Deleting data of a period


def visits_of_march(site: Site) -> None:
    for day in (1, 2, 2, 3):
        visit = VisitFactory(site=site, started_at=datetime(2026, 3, day, 12, tzinfo=UTC))
        EventFactory(visit=visit)
        EventFactory(visit=visit)


def test_data_of_a_period_is_deleted_after_saying_how_much(
    operator_client: Client, site: Site
) -> None:
    visits_of_march(site)
    visits_of_march(SiteFactory())
    page = address(site, "empty")
    days = {"first": "2026-03-02", "last": "2026-03-02"}
    confirmation = operator_client.post(page, days)
    assert confirmation.context["found"] == {"visits": 2, "events": 4}
    assert "there are 2 visits with 4 events. There is no way back." in confirmation.text
    assert Visit.objects.count() == 8

    done = operator_client.post(page, days | {"confirmed": "1"}, follow=True)
    text = "Deleted 2 visits of 2 Mar 2026 to 2 Mar 2026, with all events."
    assert said(done) == logged() == [text]
    left = Visit.objects.filter(site=site).order_by("pk").values_list("started_at", flat=True)
    assert [moment.day for moment in left] == [1, 3]
    assert Event.objects.count() == 12


@pytest.mark.parametrize(
    ("days", "errors"),
    [
        ({"first": "2026-03-02"}, {"last"}),
        ({"first": "x", "last": "2026-03-02"}, {"first"}),
        ({"first": "2026-03-03", "last": "2026-03-02"}, {"__all__"}),
    ],
)
def test_senseless_periods_delete_nothing(
    operator_client: Client, site: Site, days: dict[str, str], errors: set[str]
) -> None:
    visits_of_march(site)
    response = operator_client.post(address(site, "empty"), days | {"confirmed": "1"})
    assert set(response.context["form"].errors) == errors
    assert Visit.objects.count() == 4


def test_where_there_is_nothing_nothing_is_offered(operator_client: Client, site: Site) -> None:
    days = {"first": "2026-03-02", "last": "2026-03-02"}
    response = operator_client.post(address(site, "empty"), days)
    assert "There is nothing to delete on these days." in response.text
    assert 'name="confirmed"' not in response.text


# Transfer


def test_a_site_is_given_to_somebody_else(
    operator_client: Client, site: Site, stranger: User, owner_client: Client
) -> None:
    form = {"email": "Stranger@example.com"}
    response = operator_client.post(address(site, "transfer"), form, follow=True)
    site.refresh_from_db()
    assert site.owner == stranger
    text = "Transferred from owner@example.com to stranger@example.com."
    assert said(response) == logged() == [text]
    assert owner_client.get(site.get_absolute_url()).status_code == 404


def test_a_site_is_not_given_where_it_cannot_go(
    operator_client: Client, site: Site, stranger: User, owner: User
) -> None:
    def error(email: str) -> list[str]:
        response = operator_client.post(address(site, "transfer"), {"email": email})
        return response.context["form"].errors["email"]

    nobody = ["Nobody who is active has this address."]
    assert error("nobody@example.com") == nobody
    assert error("no address") == ["Enter a valid email address."]
    SiteFactory(owner=stranger, domain=site.domain)
    assert error(stranger.email) == ["This person has a site of this domain already."]
    User.objects.filter(pk=stranger.pk).update(is_active=False)
    assert error(stranger.email) == nobody
    site.refresh_from_db()
    assert site.owner == owner


# Who may


def test_who_may_act_on_sites(
    client: Client, analyst_client: Client, stranger_client: Client, owner_client: Client,
    operator_client: Client, staff_client: Client, site: Site, stranger: User,
) -> None:  # fmt: skip
    for action in ("empty", "transfer"):
        page = address(site, action)
        statuses = [
            person.get(page, follow=True).status_code
            for person in (analyst_client, stranger_client, owner_client, operator_client,
                           staff_client)
        ]  # fmt: skip
        assert statuses == [403, 403, 403, 200, 200]
        assert client.get(page, follow=True).redirect_chain[-1][0].startswith("/account/login/")
        assert analyst_client.post(page, {"email": stranger.email}).status_code == 403
    for person in (client, analyst_client, stranger_client, owner_client):
        act(person, "pause", site)
        act(person, "rebuild", site)
        assert "days are checked" not in act(person, "check_rollups", site).text
    assert not logged()
    site.refresh_from_db()
    assert (site.is_paused, site.owner_id != stranger.pk) == (False, True)
    assert "/empty/" in operator_client.get(f"{SITES}{site.pk}/change/").text
    assert "/empty/" not in analyst_client.get(f"{SITES}{site.pk}/change/").text
    assert operator_client.get(address(Site(pk=99), "empty")).status_code == 404


@pytest.mark.only_on_clickhouse
def test_where_nothing_is_reckoned_nothing_is_rebuilt(staff_client: Client, site: Site) -> None:
    page = staff_client.get(SITES).text
    assert "Pause collecting" in page
    assert "rollups" not in page


# Adding, opening, deleting


def test_a_site_is_added_for_anybody_with_its_domain_cleaned(
    staff_client: Client, owner: User
) -> None:
    form = {"domain": "https://www.Bücher.example/x", "owner": owner.pk, "time_zone": "Asia/Tokyo"}
    response = staff_client.post(f"{SITES}add/", form)
    assert response.status_code == 302
    site = Site.objects.get()
    assert (site.domain, site.owner, site.time_zone) == ("bücher.example", owner, "Asia/Tokyo")

    again = staff_client.post(f"{SITES}add/", form)
    assert again.context["errors"] == [["You have added this site already."]]
    assert Site.objects.count() == 1
    wrong = staff_client.post(f"{SITES}add/", form | {"domain": "no domain"})
    assert wrong.context["adminform"].errors == {
        "domain": ["“no domain” is not a domain. Give it as in example.com."]
    }


def test_a_site_added_meanwhile_is_not_added_again(
    staff_client: Client, site: Site, owner: User, overlooked: Overlooked
) -> None:
    overlooked(Site, "validate_constraints")
    form = {"domain": "example.com", "owner": owner.pk, "time_zone": "UTC"}
    response = staff_client.post(f"{SITES}add/", form)
    assert response.context["errors"] == [["You have added this site already."]]
    assert Site.objects.count() == 1


@pytest.mark.parametrize("value", ["x", "9" * 23])
def test_an_address_fills_nothing_in(staff_client: Client, value: str) -> None:
    response = staff_client.get(f"{SITES}add/?owner={value}&domain={value}")
    assert response.status_code == 200
    form = response.context["adminform"].form
    assert (form["owner"].value(), form["domain"].value()) == (None, None)


def test_a_dashboard_is_linked_only_for_those_who_may_see_it(
    staff_client: Client, staff: User, site: Site
) -> None:
    own = SiteFactory(owner=staff)
    text = staff_client.get(SITES).text
    assert re.findall(r'href="(/sites/\d+/)"', text) == [own.get_absolute_url()]

    def has_link(shown: Site) -> bool:
        page = staff_client.get(f"{SITES}{shown.pk}/change/")
        return shown.get_absolute_url() in page.text

    assert (has_link(own), has_link(site)) == (True, False)


def test_a_site_is_deleted_with_all_it_has(staff_client: Client, event: Event) -> None:
    kept = EventFactory()
    address = f"{SITES}{event.site.pk}/delete/"
    confirmation = staff_client.get(address)
    assert "example.com, with all of its visits and events" in confirmation.text
    staff_client.post(address, {"post": "yes"})
    assert list(Site.objects.all()) == [kept.site]
    assert list(Visit.objects.all()) == [kept.visit]
    assert list(Event.objects.all()) == [kept]
