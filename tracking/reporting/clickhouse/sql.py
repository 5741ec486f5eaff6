"""Words of SQL. Values are written into it, since a report has few and repeats them often."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.db import connections

from tracking.models import Event, Visit
from tracking.routers import EVENTS_DB_ALIAS

VISITS, EVENTS = Visit._meta.db_table, Event._meta.db_table
# A page is not waited for any longer.
SETTINGS = {
    "max_execution_time": 30,
    # What sub-queries find is too much to look for it in an index.
    "use_index_for_in_with_subqueries": 0,
    # On a cluster it takes away keys that GROUPING() tells of.
    "optimize_group_by_function_keys": 0,
    # That nothing comes to NULL makes counting half as quick; here it comes to 0.
    "aggregate_functions_null_for_empty": 0,
}


def text(value: str) -> str:
    operations: Any = connections[EVENTS_DB_ALIAS].ops
    return str(operations.literal(value))


def moment(value: datetime) -> str:
    return f"toDateTime64('{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}', 3, 'UTC')"


def day(value: date) -> str:
    return f"toDate('{value.isoformat()}')"


def one_of(column: str, values: Sequence[int] | Sequence[str]) -> str:
    if not values:
        return "0"
    written = ", ".join(text(one) if isinstance(one, str) else str(one) for one in values)
    return f"{column} IN ({written})"


def all_of(conditions: Iterable[str]) -> str:
    return " AND ".join(conditions) or "1"


def any_of(conditions: Sequence[str]) -> str:
    """Of one at least."""
    written = " OR ".join(f"({one})" for one in conditions)
    return f"({written})" if len(conditions) > 1 else conditions[0]


def select(
    columns: Iterable[str], source: str, where: Iterable[str] = (), group_by: Sequence[str] = ()
) -> str:
    grouped = f" GROUP BY {', '.join(group_by)}" if group_by else ""
    conditions = list(where)
    filtered = f" WHERE {all_of(conditions)}" if conditions else ""
    return f"SELECT {', '.join(columns)} FROM {source}{filtered}{grouped}"  # noqa: S608


def run(sql: str) -> list[Sequence[Any]]:
    """The columns of the answer; none where there are no rows."""
    with connections[EVENTS_DB_ALIAS].cursor() as cursor:
        cursor.cursor.columnar = True
        cursor.cursor.set_settings(SETTINGS)
        cursor.execute(sql)
        found: list[Sequence[Any]] = cursor.fetchall()
    return found
