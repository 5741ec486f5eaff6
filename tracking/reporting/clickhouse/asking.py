"""Asks ClickHouse: statements about the same rows by one look at them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tracking.reporting.clickhouse import sql
from tracking.reporting.clickhouse.statements import Statement

Columns = Sequence[Sequence[Any]]


def ask(statements: Iterable[Statement]) -> dict[Statement, Columns]:
    """The columns of each statement's answer; none where there are no rows."""
    shared: defaultdict[Any, list[Statement]] = defaultdict(list)
    for one in dict.fromkeys(statements):
        shared[(one.source, one.where, one.within) if one.can_share else one].append(one)
    found: dict[Statement, Columns] = {}
    for some in shared.values():
        found |= ask_together(some)
    return found


def ask_together(statements: Sequence[Statement]) -> dict[Statement, Columns]:
    first = statements[0]
    if len(statements) == 1 and not first.within:
        keys = [f"{key} AS g{number}" for number, key in enumerate(first.keys)]
        groups = [f"g{number}" for number in range(len(keys))]
        counted = [f"{one} AS c{number}" for number, one in enumerate(first.counted)]
        return {first: sql.run(sql.select([*keys, *counted], first.source, first.where, groups))}
    keys = list(dict.fromkeys(key for one in statements for key in one.keys))
    counted = list(dict.fromkeys(count for one in statements for count in one.counted))
    columns = sql.run(together(statements, keys, counted))
    if not columns:
        return dict.fromkeys(statements, ())
    grouping, *values = [np.array(column, dtype=object) for column in columns]
    found: dict[Statement, Columns] = {}
    for one in statements:
        rows = grouping == bits_of(one, keys)
        places = [keys.index(key) for key in one.keys]
        places += [len(keys) + counted.index(count) for count in one.counted]
        found[one] = [values[place][rows] for place in places]
    return found


def bits_of(statement: Statement, keys: Sequence[str]) -> int:
    """As GROUPING() tells them: those of keys that are not the statement's; the last is 1."""
    return sum(1 << place for place, key in enumerate(reversed(keys)) if key not in statement.keys)


def together(statements: Sequence[Statement], keys: Sequence[str], counted: Sequence[str]) -> str:
    """Each row of the answer has GROUPING(), then all keys and counts of all statements."""
    first = statements[0]
    name_of = {key: f"g{number}" for number, key in enumerate(keys)}
    within = [f"{first.within} AS within"] if first.within else []
    sets = {
        ", ".join([*(["within"] if within else []), *(name_of[key] for key in one.keys)])
        for one in statements
    }
    inner = sql.select(
        [
            f"grouping({', '.join(name_of.values())}) AS of" if keys else "0 AS of",
            *within,
            *(f"{key} AS {name}" for key, name in name_of.items()),
            *(f"{count} AS c{number}" for number, count in enumerate(counted)),
        ],
        first.source,
        first.where,
        [f"GROUPING SETS ({', '.join(f'({one})' for one in sorted(sets))})"],
    )
    if not within:
        return inner
    sums = [f"sum(c{number})" for number in range(len(counted))]
    groups = ["of", *name_of.values()]
    return sql.select([*groups, *sums], f"({inner})", group_by=groups)
