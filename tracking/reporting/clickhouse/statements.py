"""What is asked of ClickHouse for a question: up to three statements, for the measures of visits,
of events, and of how pages were read.

A visit counts in the interval in which it begins and an event in that in which it happens;
what is live counts all when it happens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tracking.models.labels import NOBODYS
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
    "engaged": "sum(read)",
    "scrolled": "countIf(seen > 0)",
    "scroll": "sum(toInt64(seen))",
}


@dataclass(frozen=True)
class Statement:
    """Its columns are one for each of the keys, then one for each of the measures.

    `within` is what rows are told apart by before the counts are added up: the visitors of a day
    are no others' than that day's, and those of few rows are counted in less time.
    """

    keys: tuple[str, ...]
    counted: tuple[str, ...]
    measures: tuple[str, ...]
    source: str
    where: tuple[str, ...] = ()
    within: str = ""

    @property
    def can_share(self) -> bool:
        """Whether statements about the same rows can be one: of visits and events as they are."""
        return self.source in (sql.VISITS, sql.EVENTS)


class Statements:
    def __init__(self, query: Query, conditions: Conditions, pageview: int) -> None:
        self.query = query
        self.conditions = conditions
        self.pageview = pageview
        self.is_live = bool(query.period.since)
        self.dimensions = query.told_by

    def __iter__(self) -> Iterator[Statement]:
        measures = set(self.query.measures)
        of_visits, of_reads = measures & VISIT_MEASURES, measures & READ_MEASURES
        # By one look, where filters make that the dear part; else two are quicker.
        if of_reads and self.is_by_page and self.query.filters:
            yield self.reads(sorted(of_reads | of_visits))
        else:
            if of_visits:
                yield self.visits(sorted(of_visits))
            if of_reads:
                yield self.reads(sorted(of_reads))
        if of_events := measures & EVENT_MEASURES:
            yield self.events(sorted(of_events))

    @property
    def is_by_page(self) -> bool:
        return any(one.name == "page" for one in self.dimensions)

    @cached_property
    def is_by_event(self) -> bool:
        """Whether visits are told apart by what happened in them."""
        return any(
            one.of is not Of.VISIT and (one.of is not Of.TIME or not self.is_asked_of_visits(one))
            for one in self.dimensions
        )

    def visits(self, measures: Sequence[str]) -> Statement:
        if self.is_by_event:
            return self.visits_of_events(measures)
        return Statement(
            tuple(map(self.key_of_visit, self.dimensions)),
            tuple(OF_VISITS[name] for name in measures),
            tuple(measures),
            sql.VISITS,
            tuple(self.conditions.visits),
            within=f"toDate(started_at, {sql.text(str(self.conditions.scope.zone))})",
        )

    def visits_of_events(self, measures: Sequence[str]) -> Statement:
        """Each visit once for each value."""
        where = (*self.conditions.linked, *self.have_dimensions)
        told_by_visits = any(map(self.is_asked_of_visits, self.dimensions))
        if not told_by_visits and set(measures) <= set(OF_VISITS_OF_EVENTS):
            counted = tuple(OF_VISITS_OF_EVENTS[name] for name in measures)
            keys = tuple(map(self.key_of_event, self.dimensions))
            return Statement(keys, counted, tuple(measures), sql.EVENTS, where)
        pairs = sql.select(["DISTINCT visit_id", *self.event_keys], sql.EVENTS, where)
        return Statement(
            self.keys,
            tuple(OF_VISITS[name] for name in measures),
            tuple(measures),
            f"({pairs}) AS pairs INNER JOIN ({self.joined_visits()}) AS visits ON visit_id = id",
        )

    def reads(self, measures: Sequence[str]) -> Statement:
        """By pages as often as they were viewed in different visits, however often in each; and
        told apart by pages, these are visits, too."""
        named = list(zip(self.keys, self.dimensions, strict=True))
        viewed = (*self.conditions.linked, *self.have_dimensions, f"name_id = {self.pageview}")
        names = [key.rpartition(" AS ")[2] for key in self.event_keys]
        page = next((key for key, one in named if one.name == "page"), "page_id")
        told = list(dict.fromkeys(["visit_id", page, *names]))
        pages = sql.select(
            [
                "visit_id",
                *self.event_keys,
                *([page] if page not in names else []),
                *(["any(visitor_id) AS visitor"] if "visitors" in measures else []),
                "sum(engaged) AS read",
                "max(scroll) AS seen",
            ],
            sql.EVENTS,
            viewed,
            told,
        )
        source = f"({pages}) AS pages"
        of_visits = {"exits", "bounces", "milliseconds"} & set(measures)
        if of_visits or any(map(self.is_asked_of_visits, self.dimensions)):
            source += f" INNER JOIN ({self.joined_visits()}) AS visits ON visit_id = id"
        exits = f"countIf({page} = exit_page_id)"
        counts = OF_VISITS | OF_READS | {"visitors": "uniqExact(visitor)", "exits": exits}
        counted = tuple(counts[name] for name in measures)
        return Statement(self.keys, counted, tuple(measures), source)

    def events(self, measures: Sequence[str]) -> Statement:
        """An event that has not what they are told apart by has the key of nobody: so others
        can share the rows."""
        counts = {"events": "count()", "pageviews": f"countIf(name_id = {self.pageview})"}
        counted, rows = tuple(counts[name] for name in measures), self.conditions.events
        if not any(one.of is Of.VISIT for one in self.dimensions):
            keys = tuple(map(self.key_or_nobodys, self.dimensions))
            return Statement(keys, counted, tuple(measures), sql.EVENTS, tuple(rows))
        of_events, of_visits = ["visit_id", "name_id"], ["id"]
        for key, one in zip(self.keys, self.dimensions, strict=True):
            if one.of is Of.VISIT:
                of_visits.append(f"{self.key_of_visit(one)} AS {key}")
            else:
                of_events.append(f"{self.key_of_event(one)} AS {key}")
        events = sql.select(of_events, sql.EVENTS, [*rows, *self.have_dimensions])
        visits = sql.select(of_visits, sql.VISITS, self.conditions.scope.around)
        return Statement(
            self.keys,
            counted,
            tuple(measures),
            f"({events}) AS events INNER JOIN ({visits}) AS visits ON visit_id = id",
        )

    def joined_visits(self) -> str:
        """The visits that count, with what is asked of them."""
        keys = [
            f"{self.key_of_visit(one)} AS {key}"
            for key, one in zip(self.keys, self.dimensions, strict=True)
            if self.is_asked_of_visits(one)
        ]
        columns = ["id", "visitor_id", "is_bounce", "duration", "exit_page_id", *keys]
        conditions = [*self.conditions.scope.began, *self.conditions.of_visits]
        return sql.select(columns, sql.VISITS, conditions)

    # Keys

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(f"k{number}" for number in range(len(self.dimensions)))

    @property
    def event_keys(self) -> list[str]:
        """Those that a linked event tells by itself."""
        return [
            f"{self.key_of_event(one)} AS {key}"
            for key, one in zip(self.keys, self.dimensions, strict=True)
            if not self.is_asked_of_visits(one)
        ]

    def time(self, dimension: Dimension) -> Time:
        return time_of(dimension, self.query.period, self.conditions.scope.zone)

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

    def key_or_nobodys(self, dimension: Dimension) -> str:
        key = self.key_of_event(dimension)
        if dimension.of in (Of.VIEW, Of.NAMED):
            return f"if({self.has(dimension)}, {key}, {NOBODYS})"
        return key

    @property
    def have_dimensions(self) -> list[str]:
        """Events that can be told apart by the dimensions at all."""
        return [has for one in self.dimensions if (has := self.has(one))]

    def has(self, dimension: Dimension) -> str:
        match dimension.of:
            case Of.VIEW:
                return f"name_id = {self.pageview}"
            case Of.NAMED:
                return f"name_id <> {self.pageview}"
            case Of.PROPERTY:
                return f"{column_of(dimension)} <> ''"
        return ""
