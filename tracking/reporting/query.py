"""The one way to ask for figures: describe them by a `Query`, and have it answered."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from itertools import chain
from operator import or_
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, CharField, F, Func, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.db.models.sql.compiler import SQLCompiler

from tracking.models import Event, Site, Visit
from tracking.reporting.dimensions import TIME, Dimension, Of, dimension_named
from tracking.reporting.filters import AnyOf, Condition, Did, Filter, Operator
from tracking.reporting.metrics import MEASURES, METRICS, Metric, Table
from tracking.reporting.period import Bucket, Interval, Period

CURRENT = timedelta(minutes=5)
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Query:
    """Which metrics, of which sites and period, told apart by which dimensions.

    The rows with the greatest `order` come first (by default that is the first metric), equal
    ones by their dimensions. Rows told apart by time alone come in order of time, and include
    the intervals in which nothing happened.
    """

    sites: tuple[Site, ...]
    period: Period
    metrics: tuple[str, ...]
    dimensions: tuple[str, ...] = ()
    filters: tuple[Condition, ...] = ()
    order: str = ""
    limit: int | None = None
    offset: int = 0

    def __post_init__(self) -> None:
        for names, known, kind in (
            (self.metrics, METRICS, "metric"),
            ((self.order,) if self.order else (), METRICS, "metric"),
        ):
            for name in names:
                if name not in known:
                    raise ValueError(f"There is no {kind} “{name}”.")
        for name in self.dimensions:
            dimension_named(name)
        if not self.metrics:
            raise ValueError("Ask for one metric at least.")
        if self.order and self.order not in self.metrics:
            raise ValueError(f"Rows can be ordered by “{self.order}” only if it is asked for.")
        self.sources()

    @property
    def told_by(self) -> tuple[Dimension, ...]:
        return tuple(dimension_named(name) for name in self.dimensions)

    @property
    def window(self) -> slice:
        return slice(self.offset, None if self.limit is None else self.offset + self.limit)

    @property
    def ordered_by(self) -> Metric:
        return METRICS[self.order or self.metrics[0]]

    def sources(self) -> dict[Table, list[str]]:
        """Which measures to take from which table: from visits what they can tell."""
        sources: dict[Table, list[str]] = {}
        for metric in self.metrics:
            for measure in METRICS[metric].measures:
                for table in (Visit, Event):
                    if table in MEASURES[measure] and all(
                        table is Event or dimension.of in (Of.VISIT, Of.TIME)
                        for dimension in self.told_by
                    ):
                        if measure not in sources.setdefault(table, []):
                            sources[table].append(measure)
                        break
                else:
                    raise ValueError(
                        f"“{metric}” cannot be told apart by {' and '.join(self.dimensions)}."
                    )
        return sources


@dataclass(frozen=True)
class Row:
    """`key` has a value for each dimension of the query (a `Bucket` for time)."""

    key: Key
    values: Mapping[str, float | None]

    def __getitem__(self, metric: str) -> float | None:
        return self.values[metric]


def answer(query: Query) -> list[Row]:
    """The rows that the query asks for; a query without dimensions has exactly one."""
    sources = query.sources()
    nothing = dict.fromkeys(chain.from_iterable(sources.values()), 0)
    cut_by_database = (
        len(sources) == 1
        and not query.ordered_by.per
        and bool(query.dimensions)
        and TIME not in query.dimensions
    )
    measured: dict[Key, dict[str, int]] = {}
    if query.dimensions == (TIME,):
        measured = {(bucket,): dict(nothing) for bucket in query.period.buckets()}
    elif not query.dimensions:
        measured = {(): dict(nothing)}
    for table, measures in sources.items():
        for key, values in groups(query, table, measures, cut=cut_by_database):
            measured.setdefault(key, dict(nothing)).update(values)

    rows = [
        Row(key, {name: METRICS[name].value(values) for name in query.metrics})
        for key, values in measured.items()
    ]
    if cut_by_database:
        return rows
    if query.dimensions != (TIME,):
        rows.sort(key=lambda row: (-(row[query.ordered_by.name] or 0), row.key))
    return rows[query.window]


def answers(queries: Sequence[Query]) -> list[list[Row]]:
    """The answer to each question; what several of them need is read once."""
    return [answer(query) for query in queries]


def current_visitors(sites: tuple[Site, ...], now: datetime) -> int:
    """How many different visitors caused an event in the last five minutes."""
    recent = Event.objects.filter(site__in=sites, time__gt=now - CURRENT, time__lte=now)
    return recent.aggregate(visitors=MEASURES["visitors"][Event])["visitors"]  # type: ignore[no-any-return]


def groups(
    query: Query, table: Table, measures: list[str], *, cut: bool
) -> Iterator[tuple[Key, dict[str, int]]]:
    """What a table has to say to the query: for each key the measures.

    `cut` asks for no more than the query's window, in the query's order.
    """
    names = {dimension: f"by_{dimension}" for dimension in query.dimensions}
    aggregates = {measure: MEASURES[measure][table] for measure in measures}
    rows = rows_of(query, table)
    if not names:
        yield (), rows.aggregate(**aggregates)
        return
    grouped = rows.values(
        **{
            names[dimension.name]: interval_column(table, query.period)
            if dimension.name == TIME
            else F(column_of(dimension, table))
            for dimension in query.told_by
        }
    ).annotate(**aggregates)
    if cut:
        grouped = grouped.order_by(
            f"-{query.ordered_by.measure}", *(ByteOrder(name) for name in names.values())
        )[query.window]
    buckets = buckets_by_column(query.period) if TIME in names else {}
    for group in grouped:
        if TIME in names:
            # A day that the period lacks was stored before the site changed its time zone.
            if group[names[TIME]] not in buckets:
                continue
            group[names[TIME]] = buckets[group[names[TIME]]]
        key = tuple(group[column] for column in names.values())
        yield key, {measure: group[measure] for measure in measures}


def column_of(dimension: Dimension, table: Table) -> str:
    return (
        f"visit__{dimension.column}__text"
        if dimension.is_of_visit and table is Event
        else f"{dimension.column}__text"
    )


def rows_of(query: Query, table: Table) -> "QuerySet[Any]":
    """The rows of a table that lie in the query's period and have its dimensions."""
    moment = MOMENT[table]
    return table.objects.filter(
        *(ROWS.get(dimension.of, Q()) for dimension in query.told_by),
        *(condition_on(condition, table) for condition in query.filters),
        **{
            "site__in": query.sites,
            f"{moment}__gte": query.period.start,
            f"{moment}__lt": query.period.end,
        },
    )


ROWS = {Of.VIEW: Q(name=Event.PAGEVIEW), Of.NAMED: ~Q(name=Event.PAGEVIEW)}
MOMENT: dict[Table, str] = {Visit: "started_at", Event: "time"}
LOOKUPS = {
    Operator.IS: "in",
    Operator.IS_NOT: "in",
    Operator.CONTAINS: "icontains",
    Operator.CONTAINS_NOT: "icontains",
    Operator.STARTS_WITH: "istartswith",
    Operator.MATCHES: "iregex",
}


def condition_on(condition: Condition, table: Table) -> Q:
    if isinstance(condition, AnyOf):
        return reduce(or_, (condition_on(one, table) for one in condition.filters))
    if isinstance(condition, Did):
        visits = Event.objects.filter(condition_on(condition.filter, Event)).values("visit_id")
        did = Q(**{"pk__in" if table is Visit else "visit_id__in": visits})
        return did if condition.done else ~did
    dimension = dimension_named(condition.dimension)
    if table is Visit and not dimension.is_of_visit:
        return condition_on(Did(condition), Visit)
    field = f"{column_of(dimension, table)}__{LOOKUPS[condition.operator]}"
    if condition.operator.is_exact:
        found = Q(**{field: condition.values})
    else:
        found = reduce(or_, (Q(**{field: written(condition, one)}) for one in condition.values))
    return ~found if condition.operator.negates else found


def written(condition: Filter, value: str) -> str:
    if condition.operator is not Operator.MATCHES:
        return value
    return "^" + re.escape(value).replace(r"\*\*", ".*").replace(r"\*", "[^/]*") + "$"


def interval_column(table: Table, period: Period) -> Combinable:
    """In which interval of the period does a row lie? Its day, or the interval's number.

    The stored day is the quickest answer. Hours and months are compared with their bounds,
    since databases differ in what they know of time zones, and SQLite knows nothing.
    """
    if period.interval is Interval.DAY:
        return F("day")
    return Case(
        *(
            When(**{f"{MOMENT[table]}__lt": bucket.end}, then=Value(number))
            for number, bucket in enumerate(period.buckets())
        ),
        output_field=IntegerField(),
    )


def buckets_by_column(period: Period) -> dict[date | int, Bucket]:
    """The intervals of the period by what `interval_column` calls them."""
    return {
        bucket.first_day if period.interval is Interval.DAY else number: bucket
        for number, bucket in enumerate(period.buckets())
    }


class ByteOrder(Func):
    """Sorts text alike on every database and in Python, whatever the database's locale."""

    template = "%(expressions)s"
    output_field = CharField()

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, Sequence[Any]]:
        return self.as_sql(compiler, connection, template='%(expressions)s COLLATE "C"')
