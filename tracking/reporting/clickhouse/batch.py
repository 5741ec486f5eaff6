"""Answers many questions: asks ClickHouse for what all of them need, and counts nothing itself."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tracking.models import Event, Label
from tracking.models.labels import NOBODYS
from tracking.reporting.clickhouse import sql
from tracking.reporting.clickhouse.asking import Columns, ask
from tracking.reporting.clickhouse.conditions import Conditions
from tracking.reporting.clickhouse.scope import Scope
from tracking.reporting.clickhouse.statements import Statement, Statements
from tracking.reporting.columns import Numbers
from tracking.reporting.counting import Counts
from tracking.reporting.dimensions import Dimension, Of
from tracking.reporting.period import DAY
from tracking.reporting.question import Query

RECENT = 3 * DAY


@dataclass(frozen=True)
class Part:
    """A statement, and whose question it belongs to."""

    number: int
    query: Query
    statements: Statements
    statement: Statement


class ClickHouseBatch:
    """As `tracking.reporting.answering.Batch`."""

    def __init__(self, queries: Sequence[Query]) -> None:
        self.queries = queries
        self.conditions = cache(Conditions.of)
        self._numbers: dict[str, int] = {"": 0}  # of texts of properties, from -1 downwards

    def counts(self) -> list[Counts]:
        """The counts of each question, in their order."""
        found: list[list[Counts]] = [[] for _ in self.queries]
        parts = list(self.parts())
        answers = ask(part.statement for part in parts)
        for part in parts:
            columns = answers[part.statement]
            if len(columns) and len(columns[0]):
                found[part.number].append(self.counted(part, columns))
        return [
            Counts.merged(some, len(query.dimensions), len(query.measures))
            for some, query in zip(found, self.queries, strict=True)
        ]

    def parts(self) -> Iterator[Part]:
        pageview = Label.objects.find([Event.PAGEVIEW]).get(Event.PAGEVIEW) or NOBODYS
        for number, query in enumerate(self.queries):
            for scope in Scope.all_of(query.sites, query.period):
                statements = Statements(query, self.conditions(scope, query.filters), pageview)
                for statement in statements:
                    yield Part(number, query, statements, statement)

    def texts(self, labels: Iterable[int]) -> dict[int | None, str]:
        of_properties = {number: text for text, number in self._numbers.items()}
        return Label.objects.texts(label for label in labels if label > 0) | of_properties

    def counted(self, part: Part, columns: Columns) -> Counts:
        query, rows = part.query, len(columns[0])
        labels, some = np.zeros((rows, len(query.dimensions)), np.int64), np.ones(rows, bool)
        for place, dimension in enumerate(query.told_by):
            labels[:, place] = found = self.labels(part.statements, dimension, columns[place])
            if dimension.of in (Of.VIEW, Of.NAMED):
                some &= found != NOBODYS
            elif dimension.of is Of.PROPERTY:
                some &= found != 0
        values = np.zeros((rows, len(query.measures)), np.int64)
        counted = columns[len(query.dimensions) :]
        for name, column in zip(part.statement.measures, counted, strict=True):
            values[:, query.measures.index(name)] = column
        if query.dimensions:
            some &= values.any(axis=1)
        return Counts(labels[some], values[some])

    def labels(self, statements: Statements, dimension: Dimension, keys: Sequence[Any]) -> Numbers:
        if dimension.of is Of.TIME:
            return statements.time(dimension).labels(keys)
        if dimension.of is Of.PROPERTY:
            return np.array([self.number(text) for text in keys], np.int64)
        return np.array(keys, np.int64)

    def number(self, text: str) -> int:
        return self._numbers.setdefault(text, -len(self._numbers))


def property_names(scope: Scope) -> list[str]:
    """The properties that events of the period's last days have; of all its days, if those have
    none."""
    last = scope.period.last
    recent = [f"day >= {sql.day(last - RECENT)}"]
    for where in (recent, []):
        names = "groupUniqArrayArray(mapKeys(props))"
        columns = sql.run(sql.select([names], sql.EVENTS, [*scope.events, *scope.happened, *where]))
        if columns and (found := columns[0][0]):
            return sorted(found)
    return []
