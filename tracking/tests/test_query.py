from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pytest_django import DjangoAssertNumQueries

from tracking.models import Site, Visit
from tracking.reporting.metrics import METRICS
from tracking.reporting.period import Interval, Period
from tracking.reporting.query import Query, Row, answer, current_visitors
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory

UTC_ZONE = ZoneInfo("UTC")
DAY = date(2026, 3, 8)
NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def ask(site: Site, *metrics: str, period: Period | None = None, **about: Any) -> list[Row]:
    period = period or Period(DAY, DAY, site.zone)
    return answer(Query((site,), period, metrics, **about))


def table(rows: list[Row]) -> list[tuple[Any, ...]]:
    return [(*row.key, *row.values.values()) for row in rows]


def visit_with(site: Site, pages: list[str], **fields: Any) -> Visit:
    """A visit of these pages, a minute on each."""
    started_at = fields.pop("started_at", NOON)
    times = [started_at + timedelta(minutes=minute) for minute in range(len(pages))]
    visit = VisitFactory(
        site=site,
        started_at=started_at,
        ended_at=times[-1],
        pageviews=len(pages),
        entry_page=pages[0],
        exit_page=pages[-1],
        **fields,
    )
    for page, time in zip(pages, times, strict=True):
        EventFactory(visit=visit, page=page, time=time)
    return visit


def test_totals_of_a_period(site: Site) -> None:
    visit_with(site, ["/", "/a", "/b"], visitor_id=1)
    visit_with(site, ["/"], visitor_id=1, started_at=NOON + timedelta(hours=2))
    visit_with(site, ["/a"], visitor_id=2)
    visit_with(SiteFactory(), ["/", "/"])

    [row] = ask(site, *METRICS)

    assert dict(row.values) == {
        "visitors": 2,
        "visits": 3,
        "pageviews": 5,
        "views_per_visit": 5 / 3,
        "bounce_rate": 2 / 3,
        "visit_duration": 40.0,
        "events": 5,
    }


def test_nothing_is_zero_and_has_no_mean(site: Site) -> None:
    [row] = ask(site, *METRICS)

    assert dict(row.values) == {
        "visitors": 0,
        "visits": 0,
        "pageviews": 0,
        "views_per_visit": None,
        "bounce_rate": None,
        "visit_duration": None,
        "events": 0,
    }


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


def test_a_visit_without_pageview_is_a_visit(site: Site) -> None:
    visit = VisitFactory(
        site=site, started_at=NOON, pageviews=0, events=1, is_bounce=False, entry_page=""
    )
    EventFactory(visit=visit, name="signup", page="/join")

    assert table(ask(site, "visitors", "visits", "pageviews", "events", "bounce_rate")) == [
        (1, 1, 0, 1, 0)
    ]
    assert table(ask(site, "visits", dimensions=("entry_page",))) == [("", 1)]
    assert ask(site, "visitors", dimensions=("page",)) == []


def test_pages_count_those_who_viewed_them(site: Site) -> None:
    visit_with(site, ["/", "/a", "/a"], visitor_id=1)
    visit_with(site, ["/a"], visitor_id=1, started_at=NOON + timedelta(hours=2))
    visit_with(site, ["/a"], visitor_id=2)

    rows = ask(site, "visitors", "visits", "pageviews", dimensions=("page",))

    assert table(rows) == [("/a", 2, 3, 4), ("/", 1, 1, 1)]


@pytest.mark.parametrize(
    ("dimension", "value"),
    [
        ("entry_page", "/start"),
        ("source", "Google"),
        ("country", "NP"),
        ("browser", "Firefox"),
        ("os", "Linux"),
        ("device", "Desktop"),
    ],
)
def test_what_is_true_of_a_visit_tells_all_metrics_apart(
    site: Site, dimension: str, value: str
) -> None:
    visit_with(
        site,
        ["/start", "/end"],
        source="Google",
        country="NP",
        browser="Firefox",
        os="Linux",
        device="Desktop",
    )

    rows = ask(site, *METRICS, dimensions=(dimension,))

    assert table(rows) == [(value, 1, 1, 2, 2.0, 0.0, 60.0, 2)]


def test_rows_come_by_the_first_metric_then_by_name(site: Site) -> None:
    for source, visits in {"b": 1, "é": 1, "B": 1, "c": 3, "a": 2}.items():
        for _ in range(visits):
            visit_with(site, ["/"], source=source)

    sources = ask(site, "visitors", dimensions=("source",))
    first, second = (
        ask(site, "visitors", dimensions=("source",), limit=2, offset=offset) for offset in (0, 2)
    )
    merged = ask(site, "visitors", "pageviews", dimensions=("source",), limit=2, offset=2)

    assert [row.key[0] for row in sources] == ["c", "a", "B", "b", "é"]
    assert [row.key[0] for row in first + second] == ["c", "a", "B", "b"]
    assert [row.key[0] for row in merged] == ["B", "b"]


def test_rows_can_be_ordered_by_another_metric(site: Site) -> None:
    visit_with(site, ["/", "/"], source="long")
    visit_with(site, ["/"], source="short")
    visit_with(site, ["/"], source="short")

    by_rate = ask(
        site, "visits", "bounce_rate", dimensions=("source",), order="bounce_rate", limit=1
    )
    by_views = ask(
        site, "visits", "views_per_visit", dimensions=("source",), order="views_per_visit", limit=1
    )

    assert table(by_rate) == [("short", 2, 1.0)]
    assert table(by_views) == [("long", 1, 2.0)]


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


def test_days_stored_under_an_earlier_time_zone_are_left_out_of_the_chart(site: Site) -> None:
    visit_with(site, ["/"], day=DAY - timedelta(days=1))

    assert table(ask(site, "visits")) == [(1,)]
    assert [row["visits"] for row in ask(site, "visits", dimensions=("time",))] == [0]


def test_pages_can_be_told_apart_by_what_is_true_of_the_visit(site: Site) -> None:
    visit_with(site, ["/", "/a"], country="NP")
    visit_with(site, ["/"], country="US")

    rows = ask(site, "visitors", "pageviews", dimensions=("page", "country"))

    assert table(rows) == [("/", "NP", 1, 1), ("/", "US", 1, 1), ("/a", "NP", 1, 1)]


def test_several_sites_are_added_up(site: Site) -> None:
    other = SiteFactory()
    visit_with(site, ["/"])
    visit_with(other, ["/"])

    [row] = answer(Query((site, other), Period(DAY, DAY, UTC_ZONE), ("visits", "pageviews")))

    assert dict(row.values) == {"visits": 2, "pageviews": 2}


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"metrics": ("hugs",)}, "There is no metric “hugs”."),
        ({"metrics": ()}, "Ask for one metric at least."),
        ({"metrics": ("visits",), "dimensions": ("mood",)}, "There is no dimension “mood”."),
        (
            {"metrics": ("visits",), "order": "visitors"},
            "Rows can be ordered by “visitors” only if it is asked for.",
        ),
        (
            {"metrics": ("bounce_rate",), "dimensions": ("page",)},
            "“bounce_rate” cannot be told apart by page.",
        ),
    ],
)
def test_a_question_without_answer_is_refused(
    site: Site, about: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Query((site,), Period(DAY, DAY, UTC_ZONE), **about)


@pytest.mark.parametrize("visits", [1, 3])
def test_asks_each_table_once(
    site: Site, visits: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(visits):
        visit_with(site, ["/"], source=f"source {number}")
    with django_assert_num_queries(1):
        ask(site, "visitors", "bounce_rate", dimensions=("source",))
    with django_assert_num_queries(2):
        ask(site, "visitors", "pageviews", dimensions=("source",))


def test_current_visitors_did_something_in_the_last_five_minutes(site: Site) -> None:
    for seconds, visitor in ((299, 1), (1, 1), (0, 2), (300, 3), (-1, 4)):
        visit = VisitFactory(site=site, visitor_id=visitor)
        EventFactory(visit=visit, time=NOON - timedelta(seconds=seconds))
    EventFactory(time=NOON)

    assert current_visitors((site,), NOON) == 2
