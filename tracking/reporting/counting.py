"""Counts a day's visits and events, told apart by dimensions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tracking.reporting.columns import Coded, Numbers
from tracking.reporting.dimensions import HOUR, TIME, WEEKDAY, Dimension, Of
from tracking.reporting.metrics import EVENT_MEASURES, READ_MEASURES, VISIT_MEASURES
from tracking.reporting.selection import Selection, column_of

# Values of several dimensions are numbered through, unless there were so many more numbers than
# rows.
ROOM = 1 << 16


@dataclass(frozen=True)
class Counts:
    """One row for each value: the labels by dimension, the figures by measure."""

    labels: Numbers
    values: Numbers

    @classmethod
    def merged(cls, parts: Sequence["Counts"], dimensions: int, measures: int) -> "Counts":
        """The same labels of several days become one row. There is one where nothing is told
        apart, even if there was nothing to count."""
        labels = np.concatenate([np.zeros((0, dimensions), np.int64), *(p.labels for p in parts)])
        values = np.concatenate([np.zeros((0, measures), np.int64), *(p.values for p in parts)])
        if not dimensions:
            return cls(np.zeros((1, 0), np.int64), values.sum(axis=0, keepdims=True))
        if dimensions == 1:
            unique, rows = np.unique(labels[:, 0], return_inverse=True)
            unique = unique[:, np.newaxis]
        else:
            unique, rows = np.unique(labels, axis=0, return_inverse=True)
        sums = [np.bincount(rows, column, len(unique)) for column in values.T]
        return cls(unique, np.stack(sums, axis=1).astype(np.int64))


def count(selection: Selection, dimensions: Sequence[Dimension], measures: Sequence[str]) -> Counts:
    """The measures of each value; a value of which all are zero is left out."""
    tally = Tally(selection, dimensions)
    figures = tally.figures(set(measures))
    values = np.stack([figures[measure] for measure in measures], axis=1)
    some = values.any(axis=1) if dimensions else slice(None)
    return Counts(tally.labels[some], values[some])


class Tally:
    """Numbers the values of the dimensions, and counts by those numbers.

    What is true of whole visits is counted by visits, anything else by different pairs of a
    value and a visit. A visit counts in the interval in which it begins and an event in that in
    which it happens: two keys to the same numbers. What is live counts all when it happens.
    """

    def __init__(self, selection: Selection, dimensions: Sequence[Dimension]) -> None:
        self.selection = selection
        self.day = selection.day
        self.dimensions = dimensions
        is_live = selection.clock.is_live
        within_day = any(map(self._is_within_day, dimensions))
        self.by_event = any(one.of not in (Of.VISIT, Of.TIME) for one in dimensions) or (
            is_live and within_day
        )
        views = [View(events=self.by_event, at_start=not is_live)]
        if within_day and not is_live:
            views.append(View(events=True, at_start=False))
        self.keys, self.labels = self._numbered(views)
        self.visit_key = self.keys[0]

    @cached_property
    def event_key(self) -> Numbers:
        if len(self.keys) > 1 or self.by_event:
            return self.keys[-1]
        return self.visit_key[self.day.visit_of]

    @cached_property
    def chosen(self) -> Numbers:
        """The events that can be told apart by the dimensions at all."""
        chosen = np.ones(len(self.day.visit_of), bool)
        for dimension in self.dimensions:
            chosen &= self._have(dimension)
        return chosen

    def figures(self, wanted: set[str]) -> dict[str, Numbers]:
        """Each measure by the number of the value."""
        figures: dict[str, Numbers] = {}
        if wanted & VISIT_MEASURES:
            figures |= self._visits(wanted)
        if wanted & EVENT_MEASURES:
            figures |= self._events()
        if wanted & READ_MEASURES:
            figures |= self._reads()
        return figures

    def _visits(self, wanted: set[str]) -> dict[str, Numbers]:
        key, visit = self._pairs()
        figures = {"visits": self._sum(key)}
        if "bounces" in wanted:
            figures["bounces"] = self._sum(key, self.day.numbers("visit.bounce")[visit])
        if "milliseconds" in wanted:
            figures["milliseconds"] = self._sum(key, self.day.numbers("visit.duration")[visit])
        if "visitors" in wanted:
            # Only those who came more than once could be counted twice.
            once = self.day.comes_once[visit]
            visitors = self.day.numbers("visit.visitor")
            again, _ = distinct(key[~once], visitors[visit[~once]], self.day.visits)
            figures["visitors"] = self._sum(key[once]) + self._sum(again)
        return figures

    def _pairs(self) -> tuple[Numbers, Numbers]:
        """Of all pairs of a value and a visit the value's number, and the visit's place."""
        if not self.by_event:
            visits = np.flatnonzero(self.selection.visits)
            return self.visit_key[visits], visits
        events = np.flatnonzero(self.selection.linked & self.chosen)
        return distinct(self.visit_key[events], self.day.visit_of[events], self.day.visits)

    def _events(self) -> dict[str, Numbers]:
        events = np.flatnonzero(self.selection.events & self.chosen)
        key, is_view = self.event_key[events], self.selection.is_pageview[events]
        return {"events": self._sum(key), "pageviews": self._sum(key[is_view])}

    def _reads(self) -> dict[str, Numbers]:
        """By pages as often as they were viewed in different visits, however often in each."""
        views = np.flatnonzero(self.selection.linked & self.chosen & self.selection.is_pageview)
        visit = self.day.visit_of[views]
        key = self.visit_key[views if self.by_event else visit].astype(np.int64)
        pages = self.day.coded("event.page")
        page = pages.codes[views]
        reading = (key * self.day.visits + visit) * len(pages.labels) + page
        order = np.argsort(reading, kind="stable")
        starts = np.flatnonzero(np.diff(reading[order], prepend=-1))
        first = order[starts]
        exits = self.day.coded("visit.exit_page")
        is_exit = exits.labels[exits.codes[visit[first]]] == pages.labels[page[first]]
        scroll = np.zeros(0, np.int64)
        if len(starts):
            scroll = np.maximum.reduceat(self.day.numbers("event.scroll")[views][order], starts)
        return {
            "reads": self._sum(key[first]),
            "engaged": self._sum(key, self.day.numbers("event.engaged")[views]),
            "exits": self._sum(key[first], is_exit),
            "scrolled": self._sum(key[first], scroll > 0),
            "scroll": self._sum(key[first], scroll),
        }

    def _sum(self, key: Numbers, amounts: Numbers | None = None) -> Numbers:
        """Of the amounts (else: of the rows) with the number of each value."""
        return np.bincount(key, amounts, len(self.labels)).astype(np.int64)

    def _is_within_day(self, dimension: Dimension) -> bool:
        clock = self.selection.clock
        return dimension.name == HOUR or (dimension.name == TIME and not clock.has_whole_days)

    def _numbered(self, views: Sequence["View"]) -> tuple[list[Numbers], Numbers]:
        """For each view the numbers of its rows' values; and the labels behind the numbers."""
        if len(views) == len(self.dimensions) == 1:
            column = self._column(self.dimensions[0], views[0])
            return [column.codes], column.labels[:, np.newaxis]
        lengths = [len(self.day.visit_of) if view.events else self.day.visits for view in views]
        codes, labels = np.zeros(sum(lengths), np.int64), np.zeros((1, 0), np.int64)
        for dimension in self.dimensions:
            columns = [self._column(dimension, view) for view in views]
            own = columns[0].labels
            codes = codes * len(own) + np.concatenate([column.codes for column in columns])
            labels = np.column_stack(
                [np.repeat(labels, len(own), axis=0), np.tile(own, len(labels))]
            )
            if len(labels) > len(codes) + ROOM:
                present, codes = np.unique(codes, return_inverse=True)
                labels = labels[present]
        return np.split(codes, np.cumsum(lengths)[:-1]), labels

    def _column(self, dimension: Dimension, view: "View") -> Coded:
        if dimension.of is Of.TIME:
            return self._time(dimension, view)
        column = self.day.coded(column_of(dimension))
        if view.events and dimension.of is Of.VISIT:
            return Coded(column.labels, column.codes[self.day.visit_of])
        return column

    def _time(self, dimension: Dimension, view: "View") -> Coded:
        """Labelled by the number of the period's interval, or the minute in which an hour begins,
        or the weekday."""
        clock = self.selection.clock
        if not self._is_within_day(dimension):
            number = clock.day.weekday() if dimension.name == WEEKDAY else clock.bucket_of_day
            rows = len(self.day.visit_of) if view.events else self.day.visits
            return Coded(np.array([number]), np.zeros(rows, np.uint8))
        moments = self.day.numbers("event.time" if not view.at_start else "visit.started")
        if view.events and view.at_start:
            moments = moments[self.day.visit_of]
        if dimension.name == HOUR:
            return Coded(clock.hour_starts // 60, clock.hour_of(moments))
        return Coded(np.arange(len(clock.bucket_starts)), clock.bucket_of(moments))

    def _have(self, dimension: Dimension) -> Numbers | bool:
        match dimension.of:
            case Of.VIEW:
                return self.selection.is_pageview
            case Of.NAMED:
                return ~self.selection.is_pageview
            case Of.PROPERTY:
                column = self.day.coded(column_of(dimension))
                has_it: Numbers = column.labels != 0
                return has_it[column.codes]
        return True


@dataclass(frozen=True)
class View:
    """Rows of visits, or of events at their own time or at the beginning of their visits."""

    events: bool
    at_start: bool


def distinct(key: Numbers, other: Numbers, others: int) -> tuple[Numbers, Numbers]:
    """The different pairs of two numbers, of which the second is less than `others`."""
    pairs = np.sort(key.astype(np.int64) * max(others, 1) + other)
    pairs = pairs[np.flatnonzero(np.diff(pairs, prepend=-1))]
    return np.divmod(pairs, max(others, 1))
