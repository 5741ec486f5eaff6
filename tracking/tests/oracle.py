"""What a query must be answered, worked out in the plainest way from lists of visits and events."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tracking.reporting.dimensions import Of, dimension_named
from tracking.reporting.filters import AnyOf, Condition, Did, Filter
from tracking.reporting.metrics import METRICS, Base
from tracking.reporting.period import Interval, Period
from tracking.reporting.question import Query

Key = tuple[Any, ...]


@dataclass
class PlainEvent:
    visit: "PlainVisit"
    time: datetime
    texts: dict[str, str]
    props: dict[str, str]
    engaged: int
    scroll: int

    @property
    def is_view(self) -> bool:
        return self.texts["name"] == "pageview"


@dataclass
class PlainVisit:
    visitor: int
    texts: dict[str, str]
    is_bounce: bool
    duration: int
    events: list[PlainEvent] = field(default_factory=list)

    @property
    def started_at(self) -> datetime:
        return min(event.time for event in self.events)


def value_of(name: str, event: PlainEvent) -> str:
    dimension = dimension_named(name)
    match dimension.of:
        case Of.VISIT:
            return event.visit.texts[dimension.column]
        case Of.PROPERTY:
            return event.props.get(dimension.column.removeprefix("prop:"), "")
    return event.texts[dimension.column]


def holds(condition: Condition, event: PlainEvent, period: Period) -> bool:
    match condition:
        case AnyOf():
            return any(holds(one, event, period) for one in condition.filters)
        case Did():
            did = any(holds(condition.filter, one, period) for one in event.visit.events)
            return did is condition.done
        case Filter():
            began = event.visit.started_at.astimezone(period.zone)
            match condition.dimension:
                case "hour":
                    return condition.accepts(str(began.hour))
                case "weekday":
                    return condition.accepts(str(began.weekday()))
            return condition.accepts(value_of(condition.dimension, event))


class Oracle:
    def __init__(self, query: Query, visits: Iterable[PlainVisit]) -> None:
        self.query = query
        self.period = query.period
        self.visits = list(visits)
        self.buckets = query.period.buckets()

    def rows(self) -> dict[Key, dict[str, float | None]]:
        """The values of each row by its key."""
        found: defaultdict[Key, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for measure, key in self.counted():
            found[self.shown(key)][measure] += 1
        for measure, key, amount in self.summed():
            found[self.shown(key)][measure] += amount
        query = self.query
        if query.is_timeline:
            found.update({(one,): found[one,] for one in self.buckets})
        elif not query.dimensions:
            found[()] = found[()]
        bases = {base: Oracle(about, self.visits).rows() for base, about in query.bases().items()}
        return {
            key: {name: self.value(name, key, measures, bases) for name in query.metrics}
            for key, measures in found.items()
            if query.is_timeline
            or not query.dimensions
            or any(measures[one] for one in query.measures)
        }

    def value(
        self, name: str, key: Key, measures: dict[str, int], bases: dict[Base, Any]
    ) -> float | None:
        metric = METRICS[name]
        if not metric.per:
            return measures[metric.measure]
        if metric.base is Base.SAME:
            divisor = measures[metric.per]
        else:
            # What a base is divided by is its only metric, and has the same name.
            row = bases[metric.base].get(self.query.key_in(metric.base, key), {})
            divisor = row.get(metric.per, 0)
        return measures[metric.measure] / divisor * metric.scale if divisor else None

    def passes(self, event: PlainEvent) -> bool:
        return all(holds(one, event, self.period) for one in self.query.filters)

    def covers(self, moment: datetime) -> bool:
        return self.period.start <= moment < self.period.end

    def linked(self) -> Iterator[PlainEvent]:
        """Events that make their visits count."""
        for visit in self.visits:
            if self.period.since or self.covers(visit.started_at):
                for event in visit.events:
                    if self.passes(event) and (not self.period.since or self.covers(event.time)):
                        yield event

    def counted(self) -> Iterator[tuple[str, Key]]:
        """Each thing that counts as one, and the row in which it does."""
        visits, visitors = set(), set()
        for event in self.linked():
            if self.has_dimensions(event):
                key = self.key(event, self.time_of_visit(event))
                visits.add((key, id(event.visit)))
                visitors.add((key, event.visit.visitor))
        yield from (("visits", key) for key, _ in visits)
        yield from (("visitors", key) for key, _ in visitors)
        for visit in self.visits:
            for key in {key for key, other in visits if other == id(visit)}:
                if visit.is_bounce:
                    yield "bounces", key
        for visit in self.visits:
            for event in visit.events:
                if self.passes(event) and self.covers(event.time) and self.has_dimensions(event):
                    key = self.key(event, event.time)
                    yield "events", key
                    if event.is_view:
                        yield "pageviews", key

    def summed(self) -> Iterator[tuple[str, Key, int]]:
        durations, reads = {}, defaultdict(list)
        for event in self.linked():
            if self.has_dimensions(event):
                key = self.key(event, self.time_of_visit(event))
                durations[key, id(event.visit)] = event.visit.duration
                if event.is_view:
                    reads[key, id(event.visit), event.texts["page"]].append(event)
        for (key, _), duration in durations.items():
            yield "milliseconds", key, duration
        for (key, _, page), events in reads.items():
            scroll = max(event.scroll for event in events)
            yield "reads", key, 1
            yield "engaged", key, sum(event.engaged for event in events)
            yield "exits", key, int(events[0].visit.texts["exit_page"] == page)
            yield "scrolled", key, int(scroll > 0)
            yield "scroll", key, scroll

    def time_of_visit(self, event: PlainEvent) -> datetime:
        return event.time if self.period.since else event.visit.started_at

    def has_dimensions(self, event: PlainEvent) -> bool:
        for dimension in self.query.told_by:
            if dimension.of is Of.VIEW and not event.is_view:
                return False
            if dimension.of is Of.NAMED and event.is_view:
                return False
            if dimension.of is Of.PROPERTY and not value_of(dimension.name, event):
                return False
        return True

    def key(self, event: PlainEvent, moment: datetime) -> Key:
        """An hour that comes twice a night stands for two as long as visitors are counted."""
        local = moment.astimezone(self.period.zone)
        key: list[Any] = []
        for name in self.query.dimensions:
            match name:
                case "time":
                    key.append(self.bucket(moment))
                case "hour":
                    minutes = timedelta(minutes=local.minute, seconds=local.second)
                    key.append(moment.replace(microsecond=0) - minutes)
                case "weekday":
                    key.append(str(local.weekday()))
                case _:
                    key.append(value_of(name, event))
        return tuple(key)

    def bucket(self, moment: datetime) -> Any:
        if self.period.interval in (Interval.MINUTE, Interval.HOUR):
            [bucket] = [one for one in self.buckets if one.start <= moment < one.end]
            return bucket
        day = moment.astimezone(self.period.zone).date()
        return [one for one in self.buckets if one.first_day <= day][-1]

    def shown(self, key: Key) -> Key:
        return tuple(
            str(part.astimezone(self.period.zone).hour) if isinstance(part, datetime) else part
            for part in key
        )
