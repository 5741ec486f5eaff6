"""What is asked of ClickHouse for a question: up to three statements, for the measures of visits,
of events, and of how pages were read.

A visit counts in the interval in which it begins and an event in that in which it happens;
what is live counts all when it happens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tracking.reporting.clickhouse import sql
from tracking.reporting.clickhouse.conditions import Conditions, column_of
from tracking.reporting.clickhouse.times import Time, time_of
from tracking.reporting.dimensions import Dimension, Of
from tracking.reporting.metrics import EVENT_MEASURES, READ_MEASURES, VISIT_MEASURES
from tracking.reporting.question import Query

OF_VISITS = {
    "visitors": "uniqExact(visitor_id)",
    "visits": "count()",
    "bounces": "countIf(is_bounce)",
    "milliseconds": "sum(toInt64(duration))",
}
# The same of events, without the rows of their visits.
OF_VISITS_OF_EVENTS = {"visitors": "uniqExact(visitor_id)", "visits": "uniqExact(visit_id)"}
OF_READS = {
    "reads": "count()",
    "engaged": "sum(engaged)",
    "exits": "countIf(page_id = exit_page_id)",
    "scrolled": "countIf(scroll > 0)",
    "scroll": "sum(toInt64(scroll))",
}


@dataclass(frozen=True)
class Statement:
    """Its columns are one for each dimension, then one for each of the measures."""

    sql: str
    measures: tuple[str, ...]


class Statements:
    def __init__(self, query: Query, conditions: Conditions, pageview: int) -> None:
        self.query = query
        self.conditions = conditions
        self.pageview = pageview
        self.is_live = bool(query.period.since)
        self.dimensions = query.told_by

    def __iter__(self) -> Iterator[Statement]:
        measures = set(self.query.measures)
        if wanted := measures & VISIT_MEASURES:
            names = tuple(sorted(wanted))
            by_event = self.is_by_event or (self.is_live and self.is_within_day)
            yield Statement(self.visits_of_events(names) if by_event else self.visits(names), names)
        if wanted := measures & EVENT_MEASURES:
            names = tuple(sorted(wanted))
            yield Statement(self.events(names), names)
        if wanted := measures & READ_MEASURES:
            names = tuple(sorted(wanted))
            yield Statement(self.reads(names), names)

    def time(self, dimension: Dimension) -> Time:
        return time_of(dimension, self.query.period, self.conditions.scope.zone)

    @cached_property
    def is_within_day(self) -> bool:
        return any(self.time(one).is_within_day for one in self.dimensions if one.of is Of.TIME)

    @cached_property
    def is_by_event(self) -> bool:
        return any(one.of not in (Of.VISIT, Of.TIME) for one in self.dimensions)

    @property
    def keys(self) -> list[str]:
        return [f"k{number}" for number in range(len(self.dimensions))]

    def visits(self, measures: Sequence[str]) -> str:
        keys = [self.key_of_visit(one) for one in self.dimensions]
        return sql.select(
            [*named(keys), *(OF_VISITS[name] for name in measures)],
            sql.VISITS,
            self.conditions.visits,
            self.keys,
        )

    def visits_of_events(self, measures: Sequence[str]) -> str:
        """By what their events are told apart by: each visit once for each value."""
        where = [*self.conditions.linked, *self.have_dimensions]
        told_by_visits = any(map(self.is_asked_of_visits, self.dimensions))
        if not told_by_visits and set(measures) <= set(OF_VISITS_OF_EVENTS):
            keys = [self.key_of_event(one) for one in self.dimensions]
            counted = [OF_VISITS_OF_EVENTS[name] for name in measures]
            return sql.select([*named(keys), *counted], sql.EVENTS, where, self.keys)
        of_events = self.event_keys
        pairs = sql.select([f"DISTINCT {', '.join([*of_events, 'visit_id'])}"], sql.EVENTS, where)
        return sql.select(
            [*self.keys, *(OF_VISITS[name] for name in measures)],
            f"({pairs}) AS pairs INNER JOIN ({self.joined_visits(counted=True)}) AS visits "
            "ON visit_id = id",
            group_by=self.keys,
        )

    def events(self, measures: Sequence[str]) -> str:
        counted = {"events": "count()", "pageviews": f"countIf(name_id = {self.pageview})"}
        where = [*self.conditions.events, *self.have_dimensions]
        if not any(one.of is Of.VISIT for one in self.dimensions):
            keys = [self.key_of_event(one) for one in self.dimensions]
            return sql.select(
                [*named(keys), *(counted[name] for name in measures)],
                sql.EVENTS,
                where,
                self.keys,
            )
        of_events = [
            f"{self.key_of_event(one)} AS {key}"
            for key, one in zip(self.keys, self.dimensions, strict=True)
            if one.of is not Of.VISIT
        ]
        of_visits = [
            f"{self.key_of_visit(one)} AS {key}"
            for key, one in zip(self.keys, self.dimensions, strict=True)
            if one.of is Of.VISIT
        ]
        rows = sql.select([*of_events, "visit_id", "name_id"], sql.EVENTS, where)
        visits = sql.select(["id", *of_visits], sql.VISITS, self.conditions.scope.around)
        return sql.select(
            [*self.keys, *(counted[name] for name in measures)],
            f"({rows}) AS events INNER JOIN ({visits}) AS visits ON visit_id = id",
            group_by=self.keys,
        )

    def reads(self, measures: Sequence[str]) -> str:
        """By pages as often as they were viewed in different visits, however often in each."""
        where = [
            *self.conditions.linked,
            *self.have_dimensions,
            f"name_id = {self.pageview}",
        ]
        read = ["sum(engaged) AS engaged", "max(scroll) AS scroll"]
        inner = [key.rpartition(" AS ")[2] for key in self.event_keys]
        pages = sql.select(
            [*self.event_keys, "visit_id", "page_id", *read],
            f"(SELECT * FROM {sql.EVENTS} WHERE {sql.all_of(where)}) AS events",  # noqa: S608
            group_by=[*inner, "visit_id", "page_id"],
        )
        source = f"({pages}) AS pages"
        if "exits" in measures or any(map(self.is_asked_of_visits, self.dimensions)):
            source += f" INNER JOIN ({self.joined_visits()}) AS visits ON visit_id = id"
        return sql.select(
            [*self.keys, *(OF_READS[name] for name in measures)], source, group_by=self.keys
        )

    def joined_visits(self, *, counted: bool = False) -> str:
        """The visits that count, with what is asked of them."""
        keys = [
            f"{self.key_of_visit(one)} AS {key}"
            for key, one in zip(self.keys, self.dimensions, strict=True)
            if self.is_asked_of_visits(one)
        ]
        columns = ["visitor_id", "is_bounce", "duration"] if counted else ["exit_page_id"]
        conditions = [*self.conditions.scope.began, *self.conditions.of_visits]
        return sql.select(["id", *columns, *keys], sql.VISITS, conditions)

    @property
    def event_keys(self) -> list[str]:
        """Those that a linked event tells by itself."""
        return [
            f"{self.key_of_event(one)} AS {key}"
            for key, one in zip(self.keys, self.dimensions, strict=True)
            if not self.is_asked_of_visits(one)
        ]

    def is_asked_of_visits(self, dimension: Dimension) -> bool:
        """Visits count when they begin, unless what is live is asked about."""
        if dimension.of is not Of.TIME:
            return dimension.of is Of.VISIT
        return not (self.is_live and self.time(dimension).is_within_day)

    def key_of_visit(self, dimension: Dimension) -> str:
        if dimension.of is Of.TIME:
            return self.time(dimension).expression("started_at")
        return column_of(dimension)

    def key_of_event(self, dimension: Dimension) -> str:
        if dimension.of is Of.TIME:
            return self.time(dimension).expression("time")
        return column_of(dimension)

    @property
    def have_dimensions(self) -> Iterator[str]:
        """Events that can be told apart by the dimensions at all."""
        for dimension in self.dimensions:
            match dimension.of:
                case Of.VIEW:
                    yield f"name_id = {self.pageview}"
                case Of.NAMED:
                    yield f"name_id <> {self.pageview}"
                case Of.PROPERTY:
                    yield f"{column_of(dimension)} <> ''"


def named(keys: Sequence[str]) -> list[str]:
    return [f"{key} AS k{number}" for number, key in enumerate(keys)]
