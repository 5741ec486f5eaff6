"""When visits and pageviews count: on the clock and the calendar of their site, and right now."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tracking.models import Site, StaleDay
from tracking.reporting.period import Interval, Period
from tracking.reporting.query import current_visitors
from tracking.reporting.rollups import reckon
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory
from tracking.tests.questions import DAY, NOON, UTC_ZONE, ask, table, visit_with

pytestmark = pytest.mark.django_db


def test_a_visit_counts_when_it_began_and_a_pageview_when_it_happened(site: Site) -> None:
    visit_with(site, ["/", "/", "/"], started_at=datetime(2026, 3, 7, 23, 59, tzinfo=UTC))

    today = ask(site, "visits", "pageviews")
    yesterday = ask(
        site,
        "visits",
        "pageviews",
        period=Period(date(2026, 3, 7), date(2026, 3, 7), UTC_ZONE),
    )

    assert table(yesterday) == [(1, 1)]
    assert table(today) == [(0, 2)]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "UTC", "America/New_York"])
@pytest.mark.parametrize("is_reckoned", [False, True])
def test_the_day_of_a_site_is_that_of_its_date_wherever_the_reader_is(
    zone: str, is_reckoned: bool
) -> None:
    site = SiteFactory(time_zone=zone)
    noon = datetime(2026, 3, 5, 12, tzinfo=site.zone)
    visit_with(site, ["/", "/b"], started_at=noon)
    if is_reckoned:
        for stale in StaleDay.objects.all():
            reckon(stale)
    period = Period(date(2026, 3, 2), date(2026, 3, 8), UTC_ZONE)
    rows = ask(site, "visits", "pageviews", dimensions=("time",), period=period)
    counts = [(row["visits"], row["pageviews"]) for row in rows]
    assert counts == [(0, 0)] * 3 + [(1, 2)] + [(0, 0)] * 3


@pytest.mark.parametrize(
    ("zone", "day", "started_at", "hour"),
    [
        # Before and after the clocks go forward: there is no hour of two o'clock.
        ("America/New_York", date(2026, 3, 8), datetime(2026, 3, 8, 6, 59, tzinfo=UTC), 1),
        ("America/New_York", date(2026, 3, 8), datetime(2026, 3, 8, 7, 0, tzinfo=UTC), 2),
        # Both hours of one o'clock, when they go back.
        ("America/New_York", date(2026, 11, 1), datetime(2026, 11, 1, 5, 30, tzinfo=UTC), 1),
        ("America/New_York", date(2026, 11, 1), datetime(2026, 11, 1, 6, 30, tzinfo=UTC), 2),
        ("America/New_York", date(2026, 11, 1), datetime(2026, 11, 2, 4, 59, tzinfo=UTC), 24),
        ("Asia/Kathmandu", date(2026, 3, 8), datetime(2026, 3, 7, 18, 15, tzinfo=UTC), 0),
        ("Asia/Kathmandu", date(2026, 3, 8), datetime(2026, 3, 8, 18, 14, tzinfo=UTC), 23),
    ],
)
def test_hours_are_the_sites(zone: str, day: date, started_at: datetime, hour: int) -> None:
    site = SiteFactory(time_zone=zone)
    visit_with(site, ["/"], started_at=started_at)

    rows = ask(
        site,
        "visits",
        "pageviews",
        dimensions=("time",),
        period=Period(day, day, site.zone, Interval.HOUR),
    )

    assert [index for index, row in enumerate(rows) if row["visits"]] == [hour]
    assert [index for index, row in enumerate(rows) if row["pageviews"]] == [hour]


def test_days_and_months_are_the_sites_and_none_is_left_out() -> None:
    site = SiteFactory(time_zone="America/New_York")
    visit_with(site, ["/"], started_at=datetime(2026, 3, 1, 4, 59, tzinfo=UTC))  # February there
    visit_with(site, ["/"], started_at=datetime(2026, 3, 1, 5, 0, tzinfo=UTC))
    visit_with(site, ["/"], started_at=datetime(2026, 3, 9, 3, 59, tzinfo=UTC))

    first, last = date(2026, 2, 27), date(2026, 3, 9)
    days = ask(site, "visitors", dimensions=("time",), period=Period(first, last, site.zone))
    months = ask(
        site,
        "visitors",
        dimensions=("time",),
        period=Period(date(2026, 1, 1), last, site.zone, Interval.MONTH),
    )

    assert [row["visitors"] for row in days] == [0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    assert [(row.key[0].first_day.month, row["visitors"]) for row in months] == [
        (1, 0),
        (2, 1),
        (3, 2),
    ]


def test_time_can_be_combined_with_another_dimension(site: Site) -> None:
    visit_with(site, ["/"], country="NP")
    visit_with(site, ["/"], country="US")
    visit_with(site, ["/"], country="US", started_at=NOON - timedelta(days=1))

    rows = ask(
        site,
        "visits",
        dimensions=("time", "country"),
        period=Period(date(2026, 3, 7), DAY, site.zone),
    )

    assert [(row.key[0].first_day.day, row.key[1], row["visits"]) for row in rows] == [
        (7, "US", 1),
        (8, "NP", 1),
        (8, "US", 1),
    ]


def test_a_visit_counts_on_the_day_that_it_is_in_the_sites_time_zone_now(site: Site) -> None:
    visit_with(site, ["/"], started_at=NOON.replace(hour=23))
    site.time_zone = "Asia/Tokyo"
    site.save()
    visit_with(site, ["/"], started_at=NOON, day=DAY - timedelta(days=1))

    period = Period(DAY, DAY + timedelta(days=1), site.zone)
    assert table(ask(site, "visits", period=period)) == [(2,)]
    timeline = ask(site, "visits", dimensions=("time",), period=period)
    assert [row["visits"] for row in timeline] == [1, 1]


def test_what_is_live_counts_who_does_something(site: Site) -> None:
    visit = VisitFactory(site=site, started_at=NOON - timedelta(hours=2), events=2)
    EventFactory(visit=visit, page="/")
    EventFactory(visit=visit, page="/a", time=NOON - timedelta(minutes=3, seconds=10))
    period = Period.live(site.zone, NOON)

    assert table(ask(site, "visitors", "pageviews", period=period)) == [(1, 1)]
    assert table(ask(site, "visitors", dimensions=("page",), period=period)) == [("/a", 1)]
    minutes = ask(site, "visitors", dimensions=("time",), period=period)
    assert [place for place, row in enumerate(minutes) if row["visitors"]] == [25]


def test_current_visitors_did_something_in_the_last_five_minutes(site: Site) -> None:
    for seconds, visitor in ((299, 1), (1, 1), (0, 2), (300, 3), (-1, 4)):
        visit = VisitFactory(site=site, visitor_id=visitor)
        EventFactory(visit=visit, time=NOON - timedelta(seconds=seconds))
    EventFactory(time=NOON)

    assert current_visitors((site,), NOON) == 2
