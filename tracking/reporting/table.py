"""From counts to the rows that were asked for: metrics, their order, and texts for numbers."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tracking.reporting.counting import Counts
from tracking.reporting.dimensions import Of
from tracking.reporting.metrics import METRICS, Base
from tracking.reporting.period import Bucket
from tracking.reporting.question import Key, Query, Row, Rows

Measures = dict[str, int]


class Table:
    """The rows of a query, as far as they lie in its window or might do so."""

    def __init__(self, query: Query, counts: Counts, bases: Mapping[Base, Counts]) -> None:
        self.query = query
        self.counts = counts
        self.bases = {
            base: dict(zip(map(tuple, found.labels.tolist()), found.values.tolist(), strict=True))
            for base, found in bases.items()
        }
        self.base_measures = {base: query.about(base).measures for base in bases}
        self.total = len(counts.labels)
        self.candidates = self._candidates()

    def labels(self) -> Iterator[int]:
        """The labels that rows will be called by."""
        for place, dimension in enumerate(self.query.told_by):
            if dimension.of is not Of.TIME:
                yield from self.counts.labels[self.candidates, place].tolist()

    def rows(self, texts: Mapping[int | None, str]) -> Rows:
        query = self.query
        if query.is_timeline:
            rows = self._timeline()
        else:
            keys = self._keys(texts)
            rows = Rows(
                Row(key, self._values(number))
                for key, number in zip(keys, self.candidates.tolist(), strict=True)
            )
            self._sort(rows)
        total = len(rows) if query.is_timeline else self.total
        end = None if query.limit is None else query.offset + query.limit
        window = Rows(rows[query.offset : end])
        window.total = total
        return window

    def _timeline(self) -> Rows:
        numbers = {label: row for row, (label,) in enumerate(self.counts.labels.tolist())}
        nothing = dict.fromkeys(self.query.measures, 0)
        return Rows(
            Row(
                (bucket,),
                self._values(numbers[place])
                if place in numbers
                else self._metrics(nothing, (place,)),
            )
            for place, bucket in enumerate(self.query.period.buckets())
        )

    def _keys(self, texts: Mapping[int | None, str]) -> list[Key]:
        buckets = self.query.period.buckets() if "time" in self.query.dimensions else []
        columns = [
            [self._written(label, dimension.name, dimension.of, texts, buckets) for label in column]
            for dimension, column in zip(
                self.query.told_by, self.counts.labels[self.candidates].T.tolist(), strict=True
            )
        ]
        return list(zip(*columns, strict=True)) if columns else [()] * len(self.candidates)

    @staticmethod
    def _written(
        label: int, name: str, of: Of, texts: Mapping[int | None, str], buckets: list[Bucket]
    ) -> Any:
        if name == "time":
            return buckets[label]
        return str(label) if of is Of.TIME else texts[label]

    def _values(self, row: int) -> dict[str, float | None]:
        measures = dict(zip(self.query.measures, self.counts.values[row].tolist(), strict=True))
        return self._metrics(measures, tuple(self.counts.labels[row].tolist()))

    def _metrics(self, measures: Measures, labels: Key) -> dict[str, float | None]:
        return {
            name: METRICS[name].value(measures, self._base(METRICS[name].base, labels))
            for name in self.query.metrics
        }

    def _base(self, base: Base, labels: Key) -> Measures | None:
        if base is Base.SAME:
            return None
        found = self.bases[base].get(self.query.key_in(base, labels))
        return dict(zip(self.base_measures[base], found or (), strict=bool(found)))

    def _candidates(self) -> Any:
        """The rows down to the last of the window, and those equal to it."""
        everything = np.arange(self.total)
        query = self.query
        if query.limit is None or self.total <= query.offset + query.limit:
            return everything
        if query.ordered_by in query.dimensions:
            return everything
        amounts = self._amounts()
        if not query.is_reversed:
            amounts = -amounts
        last = query.offset + query.limit - 1
        return np.flatnonzero(amounts <= np.partition(amounts, last)[last])

    def _amounts(self) -> Any:
        """Of each row what it is ordered by."""
        metric, measures = METRICS[self.query.ordered_by], self.query.measures
        if metric.base in (Base.SAME, Base.ALL):
            amounts = self.counts.values[:, measures.index(metric.measure)].astype(float)
            if metric.per and metric.base is Base.SAME:
                divisor = self.counts.values[:, measures.index(metric.per)]
                amounts = np.divide(
                    amounts, divisor, out=np.zeros_like(amounts), where=divisor != 0
                )
            return amounts
        return np.array([self._values(row)[metric.name] or 0 for row in range(self.total)])

    def _sort(self, rows: Rows) -> None:
        query = self.query
        rows.sort(key=lambda row: row.key)
        if query.ordered_by in query.dimensions:
            place = query.dimensions.index(query.ordered_by)
            rows.sort(key=lambda row: row.key[place], reverse=query.is_reversed)
        else:
            rows.sort(key=lambda row: row[query.ordered_by] or 0, reverse=not query.is_reversed)
