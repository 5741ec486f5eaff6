"""Which visits and events of a day a question is about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import overload

import numpy as np

from tracking.reporting.clock import Clock
from tracking.reporting.columns import Day, Numbers
from tracking.reporting.dimensions import WEEKDAY, Dimension, Of, dimension_named
from tracking.reporting.filters import AnyOf, Condition, Did, Filter


@dataclass
class Known:
    """The numbers of the labels that each filter chooses, and of the name of pageviews."""

    pageview: int
    chosen: Mapping[Filter, Numbers] = field(default_factory=dict)


def column_of(dimension: Dimension) -> str:
    """Where a day keeps the labels of a dimension."""
    return f"{'visit' if dimension.is_of_visit else 'event'}.{dimension.column}"


class Selection:
    """`events` hold by themselves; `linked` ones do too, and belong to one of the `visits`.

    Masks over the rows of the day. A visit counts on the day and in the window in which it
    begins, with events that hold whenever they happened, an event when it happened. What is
    live counts the visits with events in the window instead.
    """

    def __init__(
        self,
        day: Day,
        conditions: Iterable[Condition],
        known: Known,
        clock: Clock,
    ) -> None:
        self.day, self.known, self.clock = day, known, clock
        self.visit_mask: Numbers | None = None
        self.event_mask: Numbers | None = None
        for condition in conditions:
            of_visit, mask = self._mask(condition)
            if of_visit:
                self.visit_mask = both(self.visit_mask, mask)
            else:
                self.event_mask = both(self.event_mask, mask)

    @cached_property
    def is_pageview(self) -> Numbers:
        column = self.day.coded("event.name")
        is_pageview: Numbers = column.labels == self.known.pageview
        return is_pageview[column.codes]

    @cached_property
    def passing(self) -> Numbers | None:
        """The events for which all conditions hold; None stands for all."""
        if self.visit_mask is None:
            return self.event_mask
        return both(self.visit_mask[self.day.visit_of], self.event_mask)

    @cached_property
    def visits(self) -> Numbers:
        mask: Numbers = both(self.day.own_visits, self.visit_mask)
        if self.clock.is_live:
            return both(mask, self._some_event(self.within))
        if self.event_mask is not None:
            mask = both(mask, self._some_event(self.event_mask))
        return both(mask, self.clock.covers(self.day.numbers("visit.started")))

    @cached_property
    def within(self) -> Numbers | None:
        """Events that hold, in the window of what is live."""
        if not self.clock.is_live:
            return self.passing
        return both(self.passing, self.clock.covers(self.day.numbers("event.time")))

    @cached_property
    def events(self) -> Numbers:
        covered = self.clock.covers(self.day.numbers("event.time"))
        return both(both(self.day.own_events, covered), self.passing)

    @cached_property
    def linked(self) -> Numbers:
        return both(self.visits[self.day.visit_of], self.within)

    def _some_event(self, events: Numbers | None) -> Numbers:
        """Visits with one of the events."""
        found = np.zeros(self.day.visits, bool)
        found[self.day.visit_of if events is None else self.day.visit_of[events]] = True
        return found

    def _mask(self, condition: Condition) -> tuple[bool, Numbers]:
        """Whether the condition is about visits; and those (else: the events) that it holds for."""
        match condition:
            case AnyOf():
                masks = [self._mask(one) for one in condition.filters]
                of_visit = all(is_of_visit for is_of_visit, _ in masks)
                return of_visit, np.logical_or.reduce(
                    [
                        mask if is_of_visit is of_visit else mask[self.day.visit_of]
                        for is_of_visit, mask in masks
                    ]
                )
            case Did():
                of_visit, mask = self._mask(condition.filter)
                did = mask if of_visit else self._some_event(mask)
                return True, did if condition.done else ~did
            case Filter():
                return self._filter(condition)

    def _filter(self, condition: Filter) -> tuple[bool, Numbers]:
        dimension = dimension_named(condition.dimension)
        if dimension.of is Of.TIME:
            return True, self._time(condition)
        column = self.day.coded(column_of(dimension))
        fits = np.isin(column.labels, self.known.chosen[condition])
        return dimension.is_of_visit, (fits ^ condition.operator.negates)[column.codes]

    def _time(self, condition: Filter) -> Numbers:
        """When the visit began; few did so on another day."""
        is_weekday = condition.dimension == WEEKDAY
        starts = self.day.numbers("visit.started")
        if is_weekday:
            fits = np.full(self.day.visits, condition.accepts(str(self.day.date.weekday())))
        else:
            hours = [condition.accepts(str(hour)) for hour in self.clock.hours_of_clock]
            fits = np.array(hours, bool)[self.clock.hour_of(starts)]
        for visit in np.flatnonzero(~self.day.own_visits):
            start = self.clock.moment(int(starts[visit]))
            fits[visit] = condition.accepts(str(start.weekday() if is_weekday else start.hour))
        return fits


@overload
def both(one: Numbers, other: Numbers | None) -> Numbers: ...
@overload
def both(one: Numbers | None, other: Numbers) -> Numbers: ...
@overload
def both(one: Numbers | None, other: Numbers | None) -> Numbers | None: ...
def both(one: Numbers | None, other: Numbers | None) -> Numbers | None:
    """The rows that are in both masks; None stands for all rows."""
    if one is None or other is None:
        return other if one is None else one
    return one & other
