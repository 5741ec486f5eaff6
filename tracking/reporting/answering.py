"""Answers many questions at once: plans what to read, reads it once, and counts."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

import numpy as np

from tracking.models import Event, Label, Site
from tracking.reporting.clock import DAILY, Clock
from tracking.reporting.columns import Numbers
from tracking.reporting.counting import Counts, count
from tracking.reporting.dimensions import HOUR, PROPERTY, TIME, WEEKDAY, Of, dimension_named
from tracking.reporting.figures import Figures
from tracking.reporting.filters import Condition, Filter, filters_in
from tracking.reporting.metrics import READ_MEASURES
from tracking.reporting.period import DAY, Interval, Period
from tracking.reporting.properties import Properties
from tracking.reporting.question import Query
from tracking.reporting.selection import Known, Selection, column_of
from tracking.reporting.sources import SiteDay, Sources, Span, Wanted

# Of these it depends what counts at all.
NEEDED = frozenset(
    {
        "visit.own",
        "visit.visitor",
        "visit.started",
        "visit.listed",
        "event.own",
        "event.time",
        "event.name",
    }
)
COLUMNS_OF_MEASURES = {
    "bounces": {"visit.bounce"},
    "milliseconds": {"visit.duration"},
    **{
        measure: {"event.page", "event.engaged", "event.scroll", "visit.exit_page"}
        for measure in READ_MEASURES
    },
}


@dataclass(frozen=True)
class Scope:
    """What questions have in common that are about the same visits and events."""

    site: Site
    period: Period
    filters: tuple[Condition, ...]

    @property
    def days(self) -> list[date]:
        """With the day before what is live, since visits may have begun then."""
        first = self.period.first - DAY if self.period.since else self.period.first
        return [first + n * DAY for n in range((self.period.last - first).days + 1)]

    @property
    def clocks(self) -> list[Clock]:
        return [Clock(day, self.site.zone, self.period) for day in self.days]

    def span(self, first: date | None = None, last: date | None = None) -> Span:
        days = self.days
        return Span(frozenset({self.site.pk}), first or days[0], last or days[-1])


@dataclass(frozen=True)
class Part:
    """A question with its number, and the name of the daily figures that answer it of whole
    days, if there are any."""

    number: int
    query: Query
    stat: str | None

    @classmethod
    def of(cls, number: int, query: Query) -> "Part":
        within_day, names = {HOUR}, []
        if query.period.interval not in DAILY:
            within_day.add(TIME)
        for name in query.dimensions:
            if name in within_day:
                names.append(HOUR)
            elif name not in (TIME, WEEKDAY):
                names.append(name)
        minutes = TIME in query.dimensions and query.period.interval is Interval.MINUTE
        known = len(names) < 2 and not minutes and not any(map(is_property, names))
        stat = "".join(names) if known and not query.filters and not query.period.since else None
        return cls(number, query, stat)

    @property
    def is_within_day(self) -> bool:
        """Whether it tells apart what happened at different times of a day."""
        names = self.query.dimensions
        return HOUR in names or (TIME in names and self.query.period.interval not in DAILY)

    @property
    def columns(self) -> set[str]:
        """What counting it needs of a day."""
        names = set(NEEDED)
        for measure in self.query.measures:
            names |= COLUMNS_OF_MEASURES.get(measure, set())
        filtered = (dimension_named(one.dimension) for one in filters_in(self.query.filters))
        for dimension in (*self.query.told_by, *filtered):
            if dimension.of is Of.PROPERTY:
                names.add("event.id")
            elif dimension.of is not Of.TIME:
                names.add(column_of(dimension))
        return names


class Batch:
    """Questions that are answered together."""

    def __init__(self, queries: Sequence[Query]) -> None:
        self.queries = queries
        self.scopes: defaultdict[Scope, list[Part]] = defaultdict(list)
        for number, query in enumerate(queries):
            for site in query.sites:
                scope = Scope(site, query.period.seen_from(site.zone), query.filters)
                self.scopes[scope].append(Part.of(number, query))
        self.filters = list(
            dict.fromkeys(one for scope in self.scopes for one in filters_in(scope.filters))
        )
        self.properties = Properties(self._properties())
        self.known = Known(0)

    def counts(self) -> list[Counts]:
        """The counts of each question, in their order."""
        found: list[list[Counts]] = [[] for _ in self.queries]
        if self.scopes:
            sources = self._read()
            self.known = self._known(sources)
            for scope, parts in self.scopes.items():
                for number, counts in self._reckoned(scope, parts, sources):
                    found[number].append(counts)
                for clock in scope.clocks:
                    for number, counts in self._count(scope, parts, clock, sources):
                        found[number].append(counts)
        return [
            Counts.merged(some, len(query.dimensions), len(query.measures))
            for some, query in zip(found, self.queries, strict=True)
        ]

    def texts(self, labels: Iterable[int]) -> dict[int | None, str]:
        wanted = set(labels)
        return Label.objects.texts(wanted) | self.properties.texts

    def _read(self) -> Sources:
        sites = {scope.site for scope in self.scopes}
        sources = Sources(sites, reduce(Span.with_, (scope.span() for scope in self.scopes)))
        stats, columns = Wanted(), Wanted()
        raw: defaultdict[SiteDay, set[str]] = defaultdict(set)
        for scope, parts in self.scopes.items():
            ready = {part.stat for part in parts if part.stat is not None}
            if ready:
                stats.add(scope.span(), ready)
            if counted := [part.columns for part in parts if part.stat is None]:
                columns.add(scope.span(), set().union(*counted))
            everything = set().union(*(part.columns for part in parts))
            for clock in scope.clocks:
                if (scope.site.pk, clock.day) in sources.stale:
                    raw[scope.site.pk, clock.day] |= everything
                elif clock.is_cut and ready:
                    columns.add(scope.span(clock.day, clock.day), everything)
        sources.read(stats, columns, raw)
        self.properties.read(sources)
        return sources

    def _properties(self) -> set[str]:
        """The names of the properties that the questions are about."""
        told_by = (name for query in self.queries for name in query.dimensions)
        names = (*told_by, *(one.dimension for one in self.filters))
        return {name.removeprefix(PROPERTY) for name in names if is_property(name)}

    def _known(self, sources: Sources) -> Known:
        """Which labels the filters choose; those of patterns are looked for among all there are."""
        of_labels = [
            one for one in self.filters if dimension_named(one.dimension).of is not Of.TIME
        ]
        exact = [value for one in of_labels if one.operator.is_exact for value in one.values]
        ids = Label.objects.find([Event.PAGEVIEW, *exact])
        occurring = {
            one: sources.labels(column_of(dimension_named(one.dimension)))
            for one in of_labels
            if not one.operator.is_exact or is_property(one.dimension)
        }
        texts = self.texts(label for labels in occurring.values() for label in labels)
        chosen: dict[Filter, Numbers] = {}
        for one in of_labels:
            if one in occurring:
                numbers = [label for label in occurring[one] if one.chooses(texts[label])]
            else:
                numbers = [ids[value] or 0 for value in one.values if value in ids]
            chosen[one] = np.array(numbers, np.int64)
        return Known(ids.get(Event.PAGEVIEW) or 0, chosen)

    def _reckoned(
        self, scope: Scope, parts: Sequence[Part], sources: Sources
    ) -> Iterator[tuple[int, Counts]]:
        """What all days that are reckoned come to, for questions that do not look within days."""
        site = scope.site.pk
        clocks = [one for one in scope.clocks if sources.is_reckoned((site, one.day), one)]
        for part in parts:
            if part.stat is not None and not part.is_within_day:
                days = [
                    (clock, figures)
                    for clock in clocks
                    if (figures := sources.stats.get((site, clock.day, part.stat)))
                ]
                if days:
                    yield part.number, figures_of(part, days)

    def _count(
        self, scope: Scope, parts: Sequence[Part], clock: Clock, sources: Sources
    ) -> Iterator[tuple[int, Counts]]:
        """What a day adds to each question."""
        key = scope.site.pk, clock.day
        as_reckoned = sources.is_reckoned(key, clock)
        selection: Selection | None = None
        for part in parts:
            if as_reckoned and part.stat is not None:
                if part.is_within_day and (figures := sources.stats.get((*key, part.stat))):
                    yield part.number, figures_within_day(part, figures, clock)
            elif key in sources.days:
                selection = selection or Selection(
                    sources.days[key], scope.filters, self.known, clock
                )
                counts = count(selection, part.query.told_by, part.query.measures)
                yield part.number, with_hours_of_clock(part, counts, clock)


def is_property(name: str) -> bool:
    return name.startswith(PROPERTY)


def figures_of(part: Part, days: Sequence[tuple[Clock, Figures]]) -> Counts:
    """The reckoned figures of days as an answer to a question."""
    figures = Figures.joined([one for _, one in days])
    lengths = [len(one) for _, one in days]
    columns = []
    for name in part.query.dimensions:
        if name == WEEKDAY:
            columns.append(np.repeat([clock.day.weekday() for clock, _ in days], lengths))
        elif name == TIME:
            columns.append(np.repeat([clock.bucket_of_day for clock, _ in days], lengths))
        else:
            columns.append(figures.labels)
    return selected(part, columns, figures)


def figures_within_day(part: Part, figures: Figures, clock: Clock) -> Counts:
    """The same of one day, told apart by hours or shorter intervals."""
    columns = []
    for name in part.query.dimensions:
        if name == WEEKDAY:
            columns.append(np.full(len(figures), clock.day.weekday()))
        elif name == TIME and clock.has_whole_days:
            columns.append(np.full(len(figures), clock.bucket_of_day))
        elif name == TIME:
            columns.append(clock.bucket_of(figures.labels.astype(np.int64) * 60))
        else:
            columns.append(figures.labels)
    return with_hours_of_clock(part, selected(part, columns, figures), clock)


def selected(part: Part, columns: Sequence[Numbers], figures: Figures) -> Counts:
    """The measures of which a question is, of values that have any."""
    values = figures.measured(part.query.measures)
    keys = np.stack(columns, axis=1) if columns else np.zeros((len(figures), 0), np.int64)
    some = values.any(axis=1) if columns else slice(None)
    return Counts(keys[some], values[some])


def with_hours_of_clock(part: Part, counts: Counts, clock: Clock) -> Counts:
    """Hours are counted by the minute in which they begin; clocks show some of them twice."""
    if HOUR not in part.query.dimensions:
        return counts
    labels, place = counts.labels.astype(np.int64), part.query.dimensions.index(HOUR)
    shown = np.array(clock.hours_of_clock)
    labels[:, place] = shown[clock.hour_of(labels[:, place] * 60)]
    return Counts(labels, counts.values)
