"""Answers many questions: asks ClickHouse for each, and no statement twice."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np

from tracking.models import Event, Label
from tracking.models.labels import NOBODYS
from tracking.reporting.clickhouse import sql
from tracking.reporting.clickhouse.conditions import Conditions, choose
from tracking.reporting.clickhouse.scope import Scope
from tracking.reporting.clickhouse.statements import Statement, Statements
from tracking.reporting.columns import Numbers
from tracking.reporting.counting import Counts
from tracking.reporting.dimensions import Dimension, Of
from tracking.reporting.question import Query


class ClickHouseBatch:
    """As `tracking.reporting.answering.Batch`."""

    def __init__(self, queries: Sequence[Query]) -> None:
        self.queries = queries
        self.run = cache(sql.run)
        self._numbers: dict[str, int] = {"": 0}  # of texts of properties, from -1 downwards

    def counts(self) -> list[Counts]:
        """The counts of each question, in their order."""
        return [
            Counts.merged(
                [part for scope in scopes_of(query) for part in self.parts(query, scope)],
                len(query.dimensions),
                len(query.measures),
            )
            for query in self.queries
        ]

    def texts(self, labels: Iterable[int]) -> dict[int | None, str]:
        of_properties = {number: text for text, number in self._numbers.items()}
        return Label.objects.texts(label for label in labels if label > 0) | of_properties

    def parts(self, query: Query, scope: Scope) -> list[Counts]:
        pageview = Label.objects.find([Event.PAGEVIEW]).get(Event.PAGEVIEW) or NOBODYS
        conditions = Conditions(scope, query.filters, choose(scope, query.filters))
        statements = Statements(query, conditions, pageview)
        return [
            found
            for statement in statements
            if (found := self.counted(query, statements, statement)) is not None
        ]

    def counted(self, query: Query, statements: Statements, statement: Statement) -> Counts | None:
        columns = self.run(statement.sql)
        if not columns or not len(columns[0]):
            return None
        dimensions = len(query.dimensions)
        labels = [
            self.labels(statements, dimension, keys)
            for dimension, keys in zip(query.told_by, columns[:dimensions], strict=True)
        ]
        rows = len(columns[0])
        values = np.zeros((rows, len(query.measures)), np.int64)
        for name, column in zip(statement.measures, columns[dimensions:], strict=True):
            values[:, query.measures.index(name)] = [value or 0 for value in column]
        some = values.any(axis=1) if dimensions else slice(None)
        told = np.stack(labels, axis=1) if labels else np.zeros((rows, 0), np.int64)
        return Counts(told[some], values[some])

    def labels(self, statements: Statements, dimension: Dimension, keys: Sequence[Any]) -> Numbers:
        if dimension.of is Of.TIME:
            return statements.time(dimension).labels(keys)
        if dimension.of is Of.PROPERTY:
            return np.array([self.number(text) for text in keys], np.int64)
        return np.array(keys, np.int64)

    def number(self, text: str) -> int:
        return self._numbers.setdefault(text, -len(self._numbers))


def property_names(scope: Scope) -> list[str]:
    """The properties that events have."""
    names = "groupUniqArrayArray(mapKeys(props))"
    [[found]] = sql.run(sql.select([names], sql.EVENTS, scope.happened)) or [[()]]
    return sorted(found or ())


def scopes_of(query: Query) -> list[Scope]:
    return Scope.all_of(query.sites, query.period)
