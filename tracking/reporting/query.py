"""The one way to ask for figures: describe them by a `Query`, and have it answered."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from django.db.models import Count, Min

from tracking.models import Event, Site, Visit
from tracking.reporting.answering import Batch
from tracking.reporting.clickhouse.batch import ClickHouseBatch
from tracking.reporting.metrics import Base
from tracking.reporting.period import DAY
from tracking.reporting.question import Query, Row, Rows
from tracking.reporting.table import Table
from tracking.routers import events_are_in_clickhouse

__all__ = ["Query", "Row", "Rows", "answer", "answers", "current_visitors", "first_day"]

CURRENT = timedelta(minutes=5)


def answer(query: Query) -> Rows:
    """The rows that the query asks for; a query without dimensions has exactly one."""
    [rows] = answers([query])
    return rows


def answers(queries: Sequence[Query]) -> list[Rows]:
    """The answer to each question; what several of them need is read once."""
    asked = list(queries)
    bases: list[dict[Base, int]] = []
    for query in queries:
        bases.append({})
        for base, about in query.bases().items():
            bases[-1][base] = len(asked)
            asked.append(about)
    batch = ClickHouseBatch(asked) if events_are_in_clickhouse() else Batch(asked)
    counts = batch.counts()
    tables = [
        Table(query, counts[number], {base: counts[place] for base, place in places.items()})
        for number, (query, places) in enumerate(zip(queries, bases, strict=True))
    ]
    texts = batch.texts(label for table in tables for label in table.labels())
    return [table.rows(texts) for table in tables]


def current_visitors(sites: Iterable[Site], now: datetime) -> int:
    """How many different visitors caused an event in the last five minutes."""
    # The day is for ClickHouse, which keeps events by that.
    today = {"day__gte": (now - 2 * DAY).date()}
    recent = Event.objects.filter(site__in=sites, time__gt=now - CURRENT, time__lte=now, **today)
    return recent.aggregate(visitors=Count("visitor_id", distinct=True))["visitors"]  # type: ignore[no-any-return]


def first_day(site: Site) -> date | None:
    """The day of the first visit, with which all time begins."""
    visits = Visit.objects.filter(site=site)
    if events_are_in_clickhouse():  # which would look at all of them
        first = visits.order_by("day").values_list("day", flat=True).first()
        visits = visits.filter(day__lte=first + 2 * DAY) if first else visits.none()
    start = visits.aggregate(first=Min("started_at"))["first"]
    return start and site.day_of(start)
