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
from tracking.reporting.clickhouse.conditions import Conditions, column_of, is_kept_by_visits
from tracking.reporting.clickhouse.times import Time, day_of, time_of
from tracking.reporting.dimensions import Dimension, Of
from tracking.reporting.metrics import EVENT_MEASURES, READ_MEASURES, VISIT_MEASURES
from tracking.reporting.question import Query

UNIQUE = "uniqExact"


@dataclass(frozen=True)
class Count:
    """An aggregate function of an expression, over the rows of which the condition is true."""

    function: str
    of: str = ""
    condition: str = ""

    @property
    def adds_up(self) -> bool:
        """Whether the counts of parts of the rows come to that of all."""
        return self.function != UNIQUE

    def written(self, also: str = "") -> str:
        """As SQL; of rows of which another condition is true, too."""
        conditions = [one for one in (self.condition, also) if one]
        arguments = [self.of] if self.of else []
        if not conditions:
            return f"{self.function}({', '.join(arguments)})"
        return f"{self.function}If({', '.join([*arguments, sql.all_of(conditions)])})"


OF_VISITS = {
    "visitors": Count(UNIQUE, "visitor_id"),
    "visits": Count("count"),
    "bounces": Count("count", condition="is_bounce"),
    "milliseconds": Count("sum", "toInt64(duration)"),
}
# The same of events, without the rows of their visits.
OF_VISITS_OF_EVENTS = {
    "visitors": Count(UNIQUE, "visitor_id"),
    "visits": Count(UNIQUE, "visit_id"),
}
OF_READS = {
    "reads": Count("count"),
    "engaged": Count("sum", "read"),
    "scrolled": Count("count", condition="seen > 0"),
    "scroll": Count("sum", "toInt64(seen)"),
}


@dataclass(frozen=True)
class Statement:
    """Its columns are one for each of the keys, then one for each of the measures.

    `where` says which rows of the source are looked at, and `part` which of these are counted;
    the same look may ask about another part of them. `within` is the day that rows are told
    apart by before the counts are added up: the visitors of a day are no others' than that
    day's, and those of few rows are counted in less time. Of a `kind` of events all others have
    keys of nobody.
    """

    keys: tuple[str, ...]
    measures: tuple[str, ...]
    counted: tuple[Count, ...]
    source: str
    where: tuple[str, ...] = ()
    part: tuple[str, ...] = ()
    within: str = ""
    kind: str = ""

    @property
    def adds_up(self) -> bool:
        return all(one.adds_up for one in self.counted)


class Statements:
    def __init__(self, query: Query, conditions: Conditions, pageview: int) -> None:
        self.query = query
        self.conditions = conditions
        self.scope = conditions.scope
        self.pageview = pageview
        self.is_live = bool(query.period.since)
        self.dimensions = query.told_by

    def __iter__(self) -> Iterator[Statement]:
        measures = set(self.query.measures)
        for wanted, statement in (
            (VISIT_MEASURES, self.visits),
            (READ_MEASURES, self.reads),
            (EVENT_MEASURES, self.events),
        ):
            if some := sorted(measures & wanted):
                yield statement(some)

    @cached_property
    def is_by_event(self) -> bool:
        """Whether visits are told apart by what happened in them."""
        return any(
            self.is_by_moment(one) if one.of is Of.TIME else one.of is not Of.VISIT
            for one in self.dimensions
        )

    @cached_property
    def day_of_visit(self) -> str:
        return day_of("started_at", self.scope.zone)

    def visits(self, measures: Sequence[str]) -> Statement:
        if self.is_by_event:
            return self.visits_of_events(measures)
        return Statement(
            tuple(map(self.key_of_visit, self.dimensions)),
            tuple(measures),
            tuple(OF_VISITS[name] for name in measures),
            sql.VISITS,
            tuple(self.conditions.visits),
            tuple(self.scope.began),
            self.day_of_visit,
        )

    def visits_of_events(self, measures: Sequence[str]) -> Statement:
        """Each visit once for each value."""
        if not self.asked_of_visits and set(measures) <= set(OF_VISITS_OF_EVENTS):
            return Statement(
                tuple(map(self.key_or_nobodys, self.dimensions)),
                tuple(measures),
                tuple(OF_VISITS_OF_EVENTS[name] for name in measures),
                sql.EVENTS,
                (*self.conditions.events, *self.have_properties),
                tuple(self.scope.linked),
                self.day_of_visit,
                self.kind,
            )
        columns = ["DISTINCT visit_id", *self.named_event_keys]
        pairs = sql.select(columns, sql.EVENTS, self.linked)
        return Statement(
            self.names,
            tuple(measures),
            tuple(OF_VISITS[name] for name in measures),
            f"({pairs}) AS pairs {self.joined_visits}",
        )

    def reads(self, measures: Sequence[str]) -> Statement:
        """By pages as often as they were viewed in different visits, however often in each."""
        named = zip(self.names, self.dimensions, strict=True)
        page = next((name for name, one in named if one.name == "page"), "page_id")
        names = [key.rpartition(" AS ")[2] for key in self.named_event_keys]
        others = [] if page in names else [page]
        pages = sql.select(
            [
                "visit_id",
                *self.named_event_keys,
                *others,
                "sum(engaged) AS read",
                "max(scroll) AS seen",
            ],
            sql.EVENTS,
            [*self.linked, f"name_id = {self.pageview}"],
            ["visit_id", *names, *others],
        )
        source = f"({pages}) AS pages"
        if "exits" in measures or self.asked_of_visits:
            source += f" {self.joined_visits}"
        counts = OF_READS | {"exits": Count("count", condition=f"{page} = exit_page_id")}
        counted = tuple(counts[name] for name in measures)
        return Statement(self.names, tuple(measures), counted, source)

    def events(self, measures: Sequence[str]) -> Statement:
        views = Count("count", condition=f"name_id = {self.pageview}")
        counts = {"events": Count("count"), "pageviews": views}
        counted = tuple(counts[name] for name in measures)
        if not self.asked_of_visits:
            keys = tuple(
                self.time(one).expression("time") if one.of is Of.TIME else self.key_or_nobodys(one)
                for one in self.dimensions
            )
            rows = (*self.conditions.events, *self.have_properties)
            part = tuple(self.scope.happened)
            return Statement(keys, tuple(measures), counted, sql.EVENTS, rows, part, kind=self.kind)
        columns = ["visit_id", "name_id"]
        for name, one in zip(self.names, self.dimensions, strict=True):
            if one not in self.asked_of_visits:
                key = self.time(one).expression("time") if one.of is Of.TIME else column_of(one)
                columns.append(f"{key} AS {name}")
        rows = (*self.conditions.events, *self.scope.happened, *self.have_dimensions)
        events = sql.select(columns, sql.EVENTS, rows)
        visits = sql.select(["id", *self.named_visit_keys], sql.VISITS, self.scope.around)
        return Statement(
            self.names,
            tuple(measures),
            counted,
            f"({events}) AS events INNER JOIN ({visits}) AS visits ON visit_id = id",
        )

    @property
    def kind(self) -> str:
        """Of the events that can be told apart by the only dimension, if there is one."""
        kinds = [one.of.name for one in self.dimensions]
        return kinds[0] if kinds in ([Of.VIEW.name], [Of.NAMED.name]) else ""

    @property
    def linked(self) -> list[str]:
        """Events that can be told apart, and make their visits count."""
        return [*self.conditions.events, *self.scope.linked, *self.have_dimensions]

    @property
    def joined_visits(self) -> str:
        """To those of the events, what is asked of visits."""
        columns = ["id", "visitor_id", "is_bounce", "duration", "exit_page_id"]
        where = [*self.scope.visits, *self.scope.began]
        visits = sql.select([*columns, *self.named_visit_keys], sql.VISITS, where)
        return f"INNER JOIN ({visits}) AS visits ON visit_id = id"

    # Keys

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"k{number}" for number in range(len(self.dimensions)))

    @property
    def named_event_keys(self) -> list[str]:
        """Those that a linked event tells by itself."""
        return [
            f"{self.key_of_event(one)} AS {name}"
            for name, one in zip(self.names, self.dimensions, strict=True)
            if one not in self.asked_of_visits
        ]

    @property
    def named_visit_keys(self) -> list[str]:
        return [
            f"{self.key_of_visit(one)} AS {name}"
            for name, one in zip(self.names, self.dimensions, strict=True)
            if one in self.asked_of_visits
        ]

    @cached_property
    def asked_of_visits(self) -> list[Dimension]:
        return list(filter(is_kept_by_visits, self.dimensions))

    def time(self, dimension: Dimension) -> Time:
        return time_of(dimension, self.query.period, self.scope.zone)

    def is_by_moment(self, dimension: Dimension) -> bool:
        """Visits count when they begin, unless what is live is asked about."""
        return self.is_live and self.time(dimension).is_within_day

    def key_of_visit(self, dimension: Dimension) -> str:
        if dimension.of is Of.TIME:
            return self.time(dimension).expression("started_at")
        return column_of(dimension)

    def key_of_event(self, dimension: Dimension) -> str:
        """Of one that makes its visit count."""
        if dimension.of is Of.TIME and self.is_by_moment(dimension):
            return self.time(dimension).expression("time")
        return self.key_of_visit(dimension)

    def key_or_nobodys(self, dimension: Dimension) -> str:
        """An event that has not what they are told apart by has the key of nobody: so others
        can share the rows."""
        key = self.key_of_event(dimension)
        if dimension.of in (Of.VIEW, Of.NAMED):
            return f"if({self.has(dimension)}, {key}, {NOBODYS})"
        return key

    @property
    def have_dimensions(self) -> list[str]:
        """Events that can be told apart by the dimensions at all."""
        return [has for one in self.dimensions if (has := self.has(one))]

    @property
    def have_properties(self) -> list[str]:
        return [self.has(one) for one in self.dimensions if one.of is Of.PROPERTY]

    def has(self, dimension: Dimension) -> str:
        match dimension.of:
            case Of.VIEW:
                return f"name_id = {self.pageview}"
            case Of.NAMED:
                return f"name_id <> {self.pageview}"
            case Of.PROPERTY:
                return f"{column_of(dimension)} <> ''"
        return ""
