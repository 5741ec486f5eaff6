"""Whatever is asked: rollups, columns, rows and plain Python give the same answer."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from tracking.models import Site, StaleDay
from tracking.models.labels import remembered
from tracking.reporting.filters import AnyOf, Condition, Did, Filter, Operator, filters_in
from tracking.reporting.metrics import METRICS
from tracking.reporting.period import DAY, Interval, Period, midnight
from tracking.reporting.query import Query, answer, answers
from tracking.reporting.rollups import closed_days, differences, reckon
from tracking.routers import events_are_in_clickhouse
from tracking.tests.clickhouse_rows import forget_events
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory
from tracking.tests.oracle import Oracle, PlainEvent, PlainVisit

pytestmark = pytest.mark.django_db

# In 2026 clocks change in New York on 8 March, in Cairo on 24 April at midnight.
ZONES = ["UTC", "America/New_York", "Asia/Kathmandu", "Africa/Cairo", "Pacific/Kiritimati"]
FIRST_DAYS = [date(2026, 3, 6), date(2026, 10, 30), date(2026, 4, 22), date(2026, 6, 29)]
TEXTS = {
    "page": ["/", "/a", "/Blog/1", "/blog/x/y"],
    "name": ["pageview", "pageview", "pageview", "Sign-up", "Download"],
    "title": ["", "Home"],
    "hostname": ["", "a.example", "b.example"],
    "source": ["", "Google", "t.co"],
    "country": ["", "NP", "US"],
    "browser": ["Firefox", "Chrome"],
}
OF_VISIT = ["source", "country", "browser"]
OF_EVENT = ["page", "name", "title", "hostname"]
DIMENSIONS = [
    *("page", "title", "hostname", "event", "prop:plan"),
    *("source", "country", "browser", "entry_page", "exit_page"),
    *("time", "hour", "weekday"),
]
GOALS = ("event", "prop:plan")


@st.composite
def plain_visits(draw: Any, start: datetime, days: int) -> list[PlainVisit]:
    """Of a few visitors; some go on over midnight."""
    visits = []
    for _ in range(draw(st.integers(0, 7))):
        texts = {name: draw(st.sampled_from(TEXTS[name])) for name in OF_VISIT}
        began = start + timedelta(milliseconds=draw(st.integers(0, days * 86_400_000)))
        visit = PlainVisit(
            visitor=draw(st.integers(1, 3)),
            texts=texts,
            is_bounce=draw(st.booleans()),
            duration=draw(st.integers(0, 10**7)),
        )
        for step in range(draw(st.integers(1, 4))):
            pause = timedelta(milliseconds=draw(st.integers(0, 3 * 3_600_000)))
            began += pause if step else timedelta()
            visit.events.append(
                PlainEvent(
                    visit,
                    began,
                    {name: draw(st.sampled_from(TEXTS[name])) for name in OF_EVENT},
                    draw(st.sampled_from([{}, {"plan": "Pro"}, {"plan": "Free", "size": "9"}])),
                    draw(st.integers(0, 90_000)),
                    draw(st.integers(0, 100)),
                )
            )
        views = [event.texts["page"] for event in visit.events if event.is_view] or [""]
        texts |= {"entry_page": views[0], "exit_page": views[-1]}
        visits.append(visit)
    return visits


filters = st.one_of(
    st.sampled_from(DIMENSIONS[:10]).flatmap(
        lambda name: st.builds(
            Filter,
            st.just(name),
            st.sampled_from(Operator),
            st.lists(
                st.sampled_from(
                    ["", "/", "a", "/blog/*", "**/Y", "NP", "Google", "Sign-up", "Pro", "Chrome"]
                ),
                min_size=1,
                max_size=2,
            ).map(tuple),
        )
    ),
    st.builds(
        Filter,
        st.sampled_from(["hour", "weekday"]),
        st.sampled_from([Operator.IS, Operator.IS_NOT]),
        st.lists(st.integers(0, 23).map(str), min_size=1, max_size=6).map(tuple),
    ),
)
conditions: st.SearchStrategy[Condition] = st.one_of(
    filters,
    filters,
    st.builds(Did, filters, st.booleans()),
    st.builds(
        AnyOf,
        st.lists(st.one_of(filters, st.builds(Did, filters)), min_size=2, max_size=3).map(tuple),
    ),
)


@st.composite
def periods(draw: Any, zone: ZoneInfo, first: date, days: int) -> Period:
    start = first + draw(st.integers(-1, days)) * DAY
    last = start + draw(st.integers(0, days)) * DAY
    period = Period.between(start, last, zone)
    if draw(st.integers(0, 5)) == 0:
        moment = period.start + timedelta(seconds=draw(st.integers(0, 86_400 * 2)))
        return Period.live(zone, moment)
    period = period.by(draw(st.sampled_from([*period.intervals, Interval.MONTH])))
    if draw(st.booleans()):
        part = draw(st.integers(0, int((period.end - period.start).total_seconds())))
        cutoff = period.end - timedelta(seconds=part % 86_400)
        period = replace(period, cutoff=max(period.start, cutoff))
    return period


@st.composite
def questions(
    draw: Any,
    site: Site,
    period: Period,
    wanted: tuple[Condition, ...],
    dimensions: Sequence[str] = DIMENSIONS,
) -> Query:
    told_by = tuple(draw(st.lists(st.sampled_from(dimensions), max_size=2, unique=True)))
    metrics = list(METRICS)
    asked = (*told_by, *(one.dimension for one in filters_in(wanted)))
    if not set(GOALS) & set(asked):
        metrics.remove("conversion_rate")
    chosen = draw(st.lists(st.sampled_from(metrics), min_size=1, max_size=5, unique=True))
    return Query((site,), period, tuple(chosen), told_by, wanted)


@st.composite
def any_questions(draw: Any, site: Site, first: date, days: int) -> list[Query]:
    wanted = st.lists(conditions, max_size=2).map(tuple)
    some = range(draw(st.integers(1, 3)))
    return [
        draw(questions(site, draw(periods(site.zone, first, days)), draw(wanted))) for _ in some
    ]


@st.composite
def questions_of_a_page(draw: Any, site: Site, first: date, days: int) -> list[Query]:
    """About the same visits and events, or those until another moment, by few dimensions."""
    period = draw(periods(site.zone, first, days))
    wanted = tuple(draw(st.lists(conditions, max_size=1)))
    until_its_end = period if period.since else replace(period, cutoff=None)
    moments = st.sampled_from([period, period, until_its_end])
    names = st.sampled_from(("time", "page", "event", *DIMENSIONS))
    dimensions = draw(st.lists(names, min_size=2, max_size=3, unique=True))
    some = range(draw(st.integers(3, 6)))
    return [draw(questions(site, draw(moments), wanted, dimensions)) for _ in some]


@contextmanager
def undone() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        remembered.forget()
        if events_are_in_clickhouse():
            forget_events()


def stored(site: Site, visits: list[PlainVisit]) -> None:
    """The same as rows, as the worker would have stored them."""
    for plain in visits:
        day = site.day_of(plain.started_at)
        visit = VisitFactory(
            site=site,
            # An id belongs to one day.
            visitor_id=day.toordinal() * 10 + plain.visitor,
            started_at=plain.started_at,
            ended_at=plain.events[-1].time,
            duration=plain.duration,
            is_bounce=plain.is_bounce,
            events=len(plain.events),
            pageviews=sum(event.is_view for event in plain.events),
            **plain.texts,
        )
        plain.visitor = visit.visitor_id
        for event in plain.events:
            EventFactory(
                visit=visit,
                time=event.time,
                props=event.props or None,
                engaged=event.engaged,
                scroll=event.scroll,
                **event.texts,
            )


def rows(query: Query) -> dict[Any, Any]:
    found = answer(query)
    keys = [row.key for row in found]
    assert len(keys) == len(set(keys))
    return {
        row.key: {name: approximately(value) for name, value in row.values.items()} for row in found
    }


def approximately(value: float | None) -> Any:
    return value if value is None or isinstance(value, int) else pytest.approx(value)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_all_ways_to_an_answer_are_equal(owner: User, data: st.DataObject) -> None:
    first, days = data.draw(st.sampled_from(FIRST_DAYS)), 4
    with undone():
        site = SiteFactory(owner=owner, time_zone=data.draw(st.sampled_from(ZONES)))
        visits = data.draw(plain_visits(midnight(first, site.zone), days))
        with time_machine.travel(midnight(first + days * DAY, site.zone) + timedelta(hours=30)):
            stored(site, visits)
            strategies = any_questions(site, first, days), questions_of_a_page(site, first, days)
            queries = data.draw(st.one_of(*strategies))
            expected = [Oracle(query, visits).rows() for query in queries]

            assert [rows(query) for query in queries] == expected
            # Some days reckoned, some not; then all that are over. ClickHouse reckons none.
            for part in (2, 1):
                for stale in list(StaleDay.objects.due(datetime.now(UTC)))[::part]:
                    assert reckon(stale)
                assert [rows(query) for query in queries] == expected
            assert list(answers(queries)) == [answer(query) for query in queries]
            if events_are_in_clickhouse():
                return
            assert all(differences(site, day) == [] for day in closed_days(site, None, None))
