"""What a question to reports is answered: totals, rows told apart, their order, shares."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from tracking.models import Site, StaleDay
from tracking.models.labels import remembered
from tracking.reporting.dimensions import DIMENSIONS
from tracking.reporting.filters import Condition, Did, Filter, Operator
from tracking.reporting.period import Period
from tracking.reporting.query import Query, answer, answers
from tracking.reporting.rollups import reckon
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory
from tracking.tests.questions import DAY, NOON, UTC_ZONE, ask, table, visit_with

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
