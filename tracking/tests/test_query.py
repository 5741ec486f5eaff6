from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pytest_django import DjangoAssertNumQueries

from tracking.models import Site, StaleDay, Visit
from tracking.models.labels import remembered
from tracking.reporting.dimensions import DIMENSIONS
from tracking.reporting.filters import Condition, Did, Filter, Operator
from tracking.reporting.period import Interval, Period
from tracking.reporting.query import Query, Rows, answer, answers, current_visitors
from tracking.reporting.rollups import reckon
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory

UTC_ZONE = ZoneInfo("UTC")
DAY = date(2026, 3, 8)
NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)
FIGURES = (
    "visitors",
    "visits",
    "pageviews",
    "views_per_visit",
    "bounce_rate",
    "visit_duration",
    "events",
)

pytestmark = pytest.mark.django_db


def ask(site: Site, *metrics: str, period: Period | None = None, **about: Any) -> Rows:
    period = period or Period(DAY, DAY, site.zone)
    return answer(Query((site,), period, metrics, **about))


def table(rows: Rows) -> list[tuple[Any, ...]]:
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

    [row] = ask(site, *FIGURES)

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
    [row] = ask(site, *FIGURES)

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

    rows = ask(site, *FIGURES, dimensions=(dimension,))

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


def test_a_visit_counts_on_the_day_that_it_is_in_the_sites_time_zone_now(site: Site) -> None:
    visit_with(site, ["/"], started_at=NOON.replace(hour=23))
    site.time_zone = "Asia/Tokyo"
    site.save()
    visit_with(site, ["/"], started_at=NOON, day=DAY - timedelta(days=1))

    period = Period(DAY, DAY + timedelta(days=1), site.zone)
    assert table(ask(site, "visits", period=period)) == [(2,)]
    timeline = ask(site, "visits", dimensions=("time",), period=period)
    assert [row["visits"] for row in timeline] == [1, 1]


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
            {"metrics": ("conversion_rate",), "dimensions": ("page",)},
            "A conversion rate needs an event: tell apart or filter by it.",
        ),
    ],
)
def test_a_question_without_answer_is_refused(
    site: Site, about: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Query((site,), Period(DAY, DAY, UTC_ZONE), **about)


def test_what_visits_are_stands_beside_the_pages_that_they_viewed(site: Site) -> None:
    visit_with(site, ["/", "/a"])
    visit_with(site, ["/"])

    rows = ask(site, "visits", "bounce_rate", "visit_duration", dimensions=("page",))

    assert table(rows) == [("/", 2, 0.5, 30.0), ("/a", 1, 0.0, 60.0)]


def test_rows_can_be_turned_round_and_sorted_by_name(site: Site) -> None:
    for source, visits in {"b": 1, "a": 2, "c": 3}.items():
        for _ in range(visits):
            visit_with(site, ["/"], source=source)

    def sources(order: str, **about: Any) -> str:
        rows = ask(site, "visits", dimensions=("source",), order=order, **about)
        assert rows.total == 3
        return "".join(row.key[0] for row in rows)

    assert sources("-visits") == "bac"
    assert sources("source") == "abc"
    assert sources("-source") == "cba"
    assert sources("-visits", limit=1, offset=1) == "a"


def test_time_on_page_and_scroll_depth_are_of_the_visits_that_viewed_it(site: Site) -> None:
    one = VisitFactory(site=site, started_at=NOON, entry_page="/", exit_page="/a", events=3)
    EventFactory(visit=one, page="/", engaged=10_000, scroll=40)
    EventFactory(visit=one, page="/", engaged=20_000, scroll=90)
    EventFactory(visit=one, page="/a", engaged=5_000, scroll=0)
    two = VisitFactory(site=site, started_at=NOON, entry_page="/", exit_page="/")
    EventFactory(visit=two, page="/", engaged=2_000, scroll=30)

    metrics = ("pageviews", "time_on_page", "scroll_depth", "exit_rate")
    assert table(ask(site, *metrics, dimensions=("page",))) == [
        ("/", 3, 16.0, 0.6, pytest.approx(1 / 3)),
        ("/a", 1, 5.0, None, 1.0),
    ]
    assert table(ask(site, "exit_rate", dimensions=("exit_page",))) == [
        ("/a", 1.0),
        ("/", pytest.approx(1 / 3)),
    ]


def test_a_conversion_rate_is_of_everybody_under_the_other_filters(site: Site) -> None:
    for country, names in {"NP": ["Sign-up", ""], "US": ["", "", "Sign-up", ""]}.items():
        for name in names:
            visit = visit_with(site, ["/"], country=country)
            if name:
                EventFactory(visit=visit, name=name, props={"plan": "Pro"})
    signed_up = Filter("event", Operator.IS, ("Sign-up",))
    in_nepal = Filter("country", Operator.IS, ("NP",))

    def rates(*dimensions: str, filters: tuple[Condition, ...] = ()) -> list[tuple[Any, ...]]:
        return table(ask(site, "conversion_rate", dimensions=dimensions, filters=filters))

    assert rates("event") == [("Sign-up", 2 / 6)]
    assert rates("prop:plan") == [("Pro", 2 / 6)]
    assert rates("event", filters=(in_nepal,)) == [("Sign-up", 1 / 2)]
    assert rates(filters=(signed_up,)) == [(2 / 6,)]
    assert rates("country", filters=(Did(signed_up),)) == [("NP", 1 / 2), ("US", 1 / 4)]


def test_shares_are_of_all_visitors_under_the_filters(site: Site) -> None:
    for source in ("Google", "Google", "t.co", ""):
        visit_with(site, ["/"], source=source)

    everybody = ask(site, "share", dimensions=("source",), limit=1)
    filtered = ask(
        site,
        "share",
        dimensions=("source",),
        filters=(Filter("source", Operator.IS_NOT, ("",)),),
        limit=1,
    )

    assert table(everybody) == [("Google", 1 / 2)]
    assert table(filtered) == [("Google", 2 / 3)]


def test_what_is_live_counts_who_does_something(site: Site) -> None:
    visit = VisitFactory(site=site, started_at=NOON - timedelta(hours=2), events=2)
    EventFactory(visit=visit, page="/")
    EventFactory(visit=visit, page="/a", time=NOON - timedelta(minutes=3, seconds=10))
    period = Period.live(site.zone, NOON)

    assert table(ask(site, "visitors", "pageviews", period=period)) == [(1, 1)]
    assert table(ask(site, "visitors", dimensions=("page",), period=period)) == [("/a", 1)]
    minutes = ask(site, "visitors", dimensions=("time",), period=period)
    assert [place for place, row in enumerate(minutes) if row["visitors"]] == [25]


@pytest.mark.not_on_clickhouse
@pytest.mark.parametrize("visits", [1, 3])
def test_asks_as_often_for_many_rows_and_panels_as_for_one(
    site: Site, visits: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(visits):
        visit_with(site, ["/"], source=f"source {number}", started_at=NOON - timedelta(days=2))
        visit_with(site, ["/"], source=f"source {number}")
    reckon(StaleDay.objects.get(day=DAY - timedelta(days=2)))
    period = Period(DAY - timedelta(days=9), DAY, site.zone)
    told_by = [(name,) for name in DIMENSIONS]
    plain = [Query((site,), period, ("visitors", "time_on_page"), told) for told in told_by]
    contains = (Filter("source", Operator.CONTAINS, ("source",)),)
    filtered = [replace(query, filters=contains) for query in plain]

    # Which days are stale; figures or columns of the others; visits and events of those; the
    # number of “pageview”, labels that the filter tries, texts of the rows.
    for queries, number in ((plain[:1], 5), (plain, 6), (filtered, 7)):
        remembered.forget()
        with django_assert_num_queries(number):
            answers(queries)


def test_current_visitors_did_something_in_the_last_five_minutes(site: Site) -> None:
    for seconds, visitor in ((299, 1), (1, 1), (0, 2), (300, 3), (-1, 4)):
        visit = VisitFactory(site=site, visitor_id=visitor)
        EventFactory(visit=visit, time=NOON - timedelta(seconds=seconds))
    EventFactory(time=NOON)

    assert current_visitors((site,), NOON) == 2
