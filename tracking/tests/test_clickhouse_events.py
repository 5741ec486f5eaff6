"""Events in ClickHouse have what their visits have, however they come there."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from tracking.clickhouse import writing
from tracking.models import Event, Site, Visit
from tracking.processing import copying
from tracking.processing.store import bare
from tracking.reporting.period import Period
from tracking.reporting.query import Query, answer
from tracking.routers import EVENTS_DB_ALIAS
from tracking.tests.clickhouse_rows import events_that_differ_from_their_visits
from tracking.tests.factories import EventFactory, VisitFactory

pytestmark = pytest.mark.only_on_clickhouse

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# More than a block of rows, of which an index knows from where to where they go.
MANY = 20_000


@pytest.fixture
def tables_on_both_sides() -> Iterator[None]:
    copying.make_tables("default")
    yield
    with connections["default"].schema_editor() as editor:
        for model in (Event, Visit):
            editor.delete_model(model)


def run(sql: str) -> list[Any]:
    with connections[EVENTS_DB_ALIAS].cursor() as cursor:
        cursor.execute(sql)
        found: list[Any] = cursor.fetchall()
    return found


@contextmanager
def no_merges() -> Iterator[None]:
    run("SYSTEM STOP MERGES")
    try:
        yield
    finally:
        run("SYSTEM START MERGES")


def test_only_the_latest_beginning_of_a_visit_counts(site: Site) -> None:
    noon = datetime(2026, 3, 3, 12, tzinfo=UTC)
    event = EventFactory.create(visit=VisitFactory.create(site=site, started_at=noon))
    a_visit, an_event = Visit.objects.values().get(), Event.objects.values().get()

    def write(version: int, began: datetime) -> None:
        visits = [
            bare(Visit, **{**a_visit, "id": n, "visitor_id": n, "started_at": began})
            for n in range(10_000_000, 10_000_000 + MANY)
        ]
        events = [
            bare(Event, **{**an_event, "id": n + MANY, "visit_id": n, "visitor_id": n})
            for n in range(10_000_000, 10_000_000 + MANY)
        ]
        writing.insert_visits(visits, [version] * MANY)
        writing.insert_events(events, visits, [version] * MANY)

    def visits_of(day: date) -> dict[Any, float | None]:
        period = Period(day, day, site.zone)
        rows = answer(Query((site,), period, ("visits",), ("page",)))
        return {row.key: row["visits"] for row in rows}

    with no_merges():
        write(1, noon)
        write(2, noon - 13 * HOUR)
        assert visits_of(noon.date() - DAY) == {(event.page,): MANY}
        assert visits_of(noon.date()) == {(event.page,): 1}


def test_an_event_without_a_visit_is_left_out(site: Site) -> None:
    kept = EventFactory.create(visit=VisitFactory.create(site=site))
    orphan = bare(Event, **{**Event.objects.values().get(), "id": 5, "visit_id": 6})
    writing.insert_events([orphan, bare(Event, **Event.objects.values().get())])
    assert list(Event.objects.values_list("pk", flat=True)) == [kept.pk]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("tables_on_both_sides")
def test_what_is_copied_again_takes_later_events_along(site: Site) -> None:
    began = datetime(2026, 3, 3, 23, 50, tzinfo=UTC)
    visit = VisitFactory.create(site=site, started_at=began, source="Bing")
    first = EventFactory.create(visit=visit, time=began)
    EventFactory.create(visit=visit, time=began + 20 * MINUTE)
    copied(EVENTS_DB_ALIAS, "default")

    # There comes a hit late, which was the first; and another visit, so that the day is copied.
    visits, events = Visit.objects.using("default"), Event.objects.using("default")
    visits.filter(pk=visit.pk).update(started_at=began - 5 * MINUTE)
    values = visits.values().get()
    Visit(**values | {"id": 901, "visitor_id": 5}).save(using="default", force_insert=True)
    late = events.values().get(pk=first.pk) | {"id": 902, "time": began - 5 * MINUTE}
    Event(**late).save(using="default", force_insert=True)
    copied("default", EVENTS_DB_ALIAS)

    assert Visit.objects.get(pk=visit.pk).started_at == began - 5 * MINUTE
    assert run(events_that_differ_from_their_visits()) == [(0,)]


def copied(source: str, target: str) -> None:
    for part in copying.differing(source, target):
        list(copying.copy(part, source, target))
    assert copying.differing(source, target) == {}
