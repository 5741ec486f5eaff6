"""Asks ClickHouse: statements about the same rows by one look at them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from tracking.reporting.clickhouse import sql
from tracking.reporting.clickhouse.statements import Count, Statement

Columns = Sequence[Sequence[Any]]


def ask(statements: Iterable[Statement]) -> dict[Statement, Columns]:
    """The columns of each statement's answer; none where there are no rows. Keys may come again:
    what they count is to be added up."""
    shared: defaultdict[Any, list[Statement]] = defaultdict(list)
    for one in dict.fromkeys(statements):
        shared[one.source, one.where].append(one)
    found: dict[Statement, Columns] = {}
    for some in shared.values():
        found |= Look(some).answers()
    return found


class Look:
    """One for all of these statements, which have source and `where` in common.

    Each row of the answer has GROUPING(), then all keys and counts of all statements.
    """

    def __init__(self, statements: Sequence[Statement]) -> None:
        self.statements = statements
        self.source, self.where = statements[0].source, statements[0].where
        self.within = next((one.within for one in statements if one.within), "")
        self.keys = unique(key for one in statements for key in one.keys)
        self.counted = unique(
            self.written(one, count) for one in statements for count in one.counted
        )

    @cached_property
    def parts(self) -> list[str]:
        """Which of the rows the statements are about."""
        return unique(sql.all_of(one.part) for one in self.statements)

    def written(self, statement: Statement, count: Count) -> str:
        return count.written(sql.all_of(statement.part) if len(self.parts) > 1 else "")

    @cached_property
    def sets(self) -> list[tuple[str, ...]]:
        """Of keys, that rows could be told apart by. No event is told apart by those of two
        kinds: one set does for both."""
        of_kinds = {(one.kind, one.keys) for one in self.statements if one.kind}
        sets = [one.keys for one in self.statements]
        if len(of_kinds) == len({kind for kind, _ in of_kinds}) == 2:
            sets.append(tuple(key for _, keys in sorted(of_kinds) for key in keys))
        return sets

    def set_of(self, statement: Statement) -> tuple[str, ...]:
        """The keys by which the statement's rows are told apart: more than its own, where those
        of others are asked for anyway, and what it counts adds up or is nobody's."""
        own = set(statement.keys)
        others = [one for one in self.statements if one.kind and one.kind != statement.kind]
        of_others = {key for one in others for key in one.keys}
        finer = [
            keys
            for keys in self.sets
            if own < set(keys)
            and (
                statement.adds_up
                or set(keys) - own == {self.within}
                or (statement.kind and set(keys) - own <= of_others)
            )
        ]
        return max(finer, key=len, default=statement.keys)

    def answers(self) -> dict[Statement, Columns]:
        columns = sql.run(self.sql())
        if not columns:
            return dict.fromkeys(self.statements, ())
        grouping, *values = [np.array(column, dtype=object) for column in columns]
        found: dict[Statement, Columns] = {}
        for one in self.statements:
            rows = grouping == self.grouping(self.set_of(one))
            places = [self.keys.index(key) for key in one.keys]
            places += [
                len(self.keys) + self.counted.index(self.written(one, count))
                for count in one.counted
            ]
            found[one] = [values[place][rows] for place in places]
        return found

    def grouping(self, keys: Sequence[str]) -> int:
        """As GROUPING() tells them: the bits of keys that are not among these; the last is 1."""
        others = enumerate(reversed(self.keys))
        return sum(1 << place for place, key in others if key not in keys)

    def sql(self) -> str:
        names = {key: f"g{number}" for number, key in enumerate(self.keys)}
        within = ["within"] if self.within else []
        sets = unique(
            ", ".join([*within, *(name for key, name in names.items() if key in keys)])
            for keys in map(self.set_of, self.statements)
        )
        inner = sql.select(
            [
                f"grouping({', '.join(names.values())}) AS of" if len(sets) > 1 else "0 AS of",
                # Other words for what may be a key: GROUPING() would take both for one.
                *(f"toUInt16({self.within}) AS {name}" for name in within),
                *(f"{key} AS {name}" for key, name in names.items()),
                *(f"{count} AS c{number}" for number, count in enumerate(self.counted)),
            ],
            self.source,
            [*self.where, sql.any_of(self.parts)],
            grouped_by(sets),
        )
        if not within:
            return inner
        groups = ["of", *names.values()]
        sums = [f"sum(c{number})" for number in range(len(self.counted))]
        return sql.select([*groups, *sums], f"({inner})", group_by=groups)


def grouped_by(sets: Sequence[str]) -> list[str]:
    if len(sets) > 1:
        return [f"GROUPING SETS ({', '.join(f'({one})' for one in sets)})"]
    return list(filter(None, sets))


def unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
