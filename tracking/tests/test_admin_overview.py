"""The first page of the back office: totals over all sites, the busiest, the newest, health."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.tests.factories import UserFactory
from tracking.admin.overview import Overview
from tracking.models import Site
from tracking.models.labels import remembered
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)


@pytest.fixture
def at_noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


def visits(site: Site, count: int, days_ago: int = 0) -> None:
    for _ in range(count):
        started = NOON - timedelta(days=days_ago, hours=1)
        EventFactory(visit=VisitFactory(site=site, started_at=started))


def overview(client: Client, query: str = "") -> Overview:
    response = client.get(f"/admin/{query}")
    assert response.status_code == 200
    found: Overview = response.context["overview"]
    return found


@pytest.mark.usefixtures("at_noon")
def test_the_totals_are_of_all_sites_and_say_how_they_changed(
    staff_client: Client, site: Site
) -> None:
    visits(site, 3)
    visits(SiteFactory(), 2, days_ago=6)
    visits(site, 4, days_ago=8)
    totals = overview(staff_client, "?period=7d").totals
    assert totals is not None
    assert [(f.metric.name, f.value, f.before, str(f.change)) for f in totals.figures] == [
        ("visitors", 5, 4, "25% more"),
        ("visits", 5, 4, "25% more"),
        ("pageviews", 5, 4, "25% more"),
        ("events", 5, 4, "25% more"),
    ]
    bars = totals.chart.bars
    assert [bar.value for bar in bars] == [2, 0, 0, 0, 0, 0, 3]
    assert [bar.before for bar in bars] == [0, 0, 0, 0, 0, 4, 0]
    assert (bars[0].name, bars[-1].name) == ("Mon 9 Mar", "Sun 15 Mar")
    assert (bars[0].height, bars[0].top, totals.chart.top) == (50.0, 50.0, 4)


@pytest.mark.usefixtures("at_noon")
def test_what_is_to_come_is_no_zero(staff_client: Client, site: Site) -> None:
    visits(site, 1)
    text = staff_client.get("/admin/?period=today&metric=events").text
    assert "Events of all sites" in text
    assert "13:00: to come" in text.replace("\n", "")
    assert "10:00: 0" in text


@pytest.mark.usefixtures("at_noon")
@pytest.mark.parametrize("query", ["", "?period=nonsense", "?period=all&metric=bounce_rate"])
def test_the_last_thirty_days_are_shown_unless_chosen(
    staff_client: Client, site: Site, query: str
) -> None:
    found = overview(staff_client, query)
    assert (found.preset, found.metric.name, found.period.days) == ("30d", "visitors", 30)


@pytest.mark.usefixtures("at_noon")
def test_the_busiest_sites_come_first(staff_client: Client, site: Site) -> None:
    busy, quiet = SiteFactory(), SiteFactory()
    visits(site, 1)
    visits(busy, 2)
    visits(quiet, 5, days_ago=40)
    found = overview(staff_client).busiest
    assert found is not None
    assert [(each.site, each.visitors, each.visits) for each in found] == [
        (busy, 2, 2),
        (site, 1, 1),
    ]


@pytest.mark.usefixtures("at_noon")
def test_new_users_and_sites_are_counted_and_the_newest_named(
    staff_client: Client, staff: User
) -> None:
    User.objects.filter(pk=staff.pk).update(date_joined=NOON - timedelta(days=50))
    people = [UserFactory(date_joined=NOON - timedelta(days=day)) for day in (40, 6, 5, 4, 3, 2, 1)]
    SiteFactory(owner=people[0], created_at=NOON - timedelta(days=40))
    new = SiteFactory(owner=people[0], created_at=NOON - timedelta(days=1))
    found = overview(staff_client)
    assert found.new_users is not None
    assert found.new_sites is not None
    assert (found.new_users.count, found.new_users.rows) == (6, people[:1:-1])
    assert (found.new_sites.count, found.new_sites.rows) == (1, [new])
    assert overview(staff_client, "?period=12mo").new_sites.count == 2


def test_problems_stand_on_the_first_page(staff_client: Client, site: Site) -> None:
    text = staff_client.get("/admin/").text
    assert "things need attention" in text
    assert "Start it: manage.py process_hits." in text


@pytest.mark.not_on_clickhouse
def test_analysts_see_all_of_it_in_fewer_than_fifteen_queries(
    analyst_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        visits(SiteFactory(created_at=timezone.now()), 2)
        remembered.forget()  # as in a process that has just begun
        with django_assert_num_queries(13):
            response = analyst_client.get("/admin/")
    assert response.context["overview"].totals is not None


def test_sites_without_visits_get_words_instead_of_a_chart(
    staff_client: Client, site: Site
) -> None:
    words = "finds its tracking code under “Install”"
    assert words in staff_client.get("/admin/").text
    visits(site, 1)
    with time_machine.travel(NOON + timedelta(days=1)):
        assert words not in staff_client.get("/admin/").text
