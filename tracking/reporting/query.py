"""The one way to ask for figures: describe them by a `Query`, and have it answered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.db.models import F, QuerySet

from tracking.models import Event, Site, Visit
from tracking.reporting.dimensions import (
    DIMENSIONS,
    MOMENT,
    TIME,
    ByteOrder,
    Dimension,
    buckets_by_column,
    interval_column,
)
from tracking.reporting.metrics import MEASURES, METRICS, Metric, Table
from tracking.reporting.period import Period

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
    order: str = ""
    limit: int | None = None
    offset: int = 0

    def __post_init__(self) -> None:
        for names, known, kind in (
            (self.metrics, METRICS, "metric"),
            ((self.order,) if self.order else (), METRICS, "metric"),
            (self.dimensions, DIMENSIONS, "dimension"),
        ):
            for name in names:
                if name not in known:
                    raise ValueError(f"There is no {kind} “{name}”.")
        if not self.metrics:
            raise ValueError("Ask for one metric at least.")
        if self.order and self.order not in self.metrics:
            raise ValueError(f"Rows can be ordered by “{self.order}” only if it is asked for.")
        self.sources()

    @property
    def told_by(self) -> tuple[Dimension, ...]:
        return tuple(DIMENSIONS[name] for name in self.dimensions)

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
                        table in dimension.columns for dimension in self.told_by
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
            else F(dimension.columns[table])
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


def rows_of(query: Query, table: Table) -> "QuerySet[Any]":
    """The rows of a table that lie in the query's period and have its dimensions."""
    moment = MOMENT[table]
    return table.objects.filter(
        *(dimension.rows for dimension in query.told_by),
        **{
            "site__in": query.sites,
            f"{moment}__gte": query.period.start,
            f"{moment}__lt": query.period.end,
        },
    )
