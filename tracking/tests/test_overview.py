from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tracking.reporting.overview import overview
from tracking.reporting.period import Period, Preset
from tracking.reporting.query import Query, answer
from tracking.tests.factories import SiteFactory, VisitFactory

NOW = datetime(2026, 3, 10, 2, 30, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.time_machine(NOW, tick=False)]


def test_counts_a_visitor_once_a_day_on_the_sites_own_calendar() -> None:
    utc = SiteFactory()
    new_york = SiteFactory(time_zone="America/New_York")  # where it is still the ninth
    for site in (utc, new_york):
        VisitFactory(site=site, visitor_id=1, started_at=NOW - timedelta(hours=2))
        VisitFactory(site=site, visitor_id=1, started_at=NOW - timedelta(hours=1))
        VisitFactory(site=site, visitor_id=2, started_at=NOW - timedelta(hours=12))

    found = overview([utc, new_york])

    assert (found[utc.pk].today, found[utc.pk].daily) == (1, [0] * 28 + [1, 1])
    assert (found[new_york.pk].today, found[new_york.pk].daily) == (2, [0] * 29 + [2])


def test_begins_thirty_days_ago() -> None:
    site = SiteFactory()
    VisitFactory(site=site, started_at=datetime(2026, 2, 8, 23, 59, tzinfo=UTC))
    VisitFactory(site=site, started_at=datetime(2026, 2, 9, 0, 0, tzinfo=UTC))

    assert overview([site])[site.pk].daily == [1] + [0] * 29


def test_the_thirty_days_before_are_cut_off_where_today_is() -> None:
    """As on the dashboard: what has happened by half past two is compared with just that."""
    utc, new_york = SiteFactory(), SiteFactory(time_zone="America/New_York")
    for site in (utc, new_york):
        for hours in (-1, 1, 24, 29 * 24):
            VisitFactory(site=site, started_at=NOW - timedelta(days=30, hours=hours))
    now = timezone.now()
    for site in (utc, new_york):
        period = Period.of(Preset.THIRTY_DAYS, site.zone, now)
        before = period.previous().as_far_as(period, now)
        [row] = answer(Query((site,), before, ("visitors",)))
        assert overview([utc, new_york])[site.pk].before == row["visitors"] == 3


def test_knows_each_site_but_no_other() -> None:
    site, other = SiteFactory(), SiteFactory()
    VisitFactory(site=other)

    found = overview([site])

    assert list(found) == [site.pk]
    assert found[site.pk].today == 0


@pytest.mark.not_on_clickhouse
@pytest.mark.parametrize(("sites", "queries"), [(0, 0), (1, 3), (3, 3)])
def test_asks_as_often_for_many_as_for_one(
    sites: int, queries: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    listed = SiteFactory.create_batch(sites)
    for site in listed:
        VisitFactory(site=site)
    with django_assert_num_queries(queries):
        overview(listed)
