"""Rows into the database, as fast as each one takes them: columns on ClickHouse, COPY on
PostgreSQL, else executemany.

The caller holds the transaction. Values are taken from the instances as they are: no signals,
no `save()`, no validation.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar

import msgspec
from django.db import connection, models
from django.db.models.fields import DecimalField
from psycopg.types.json import Jsonb

from tracking.clickhouse import writing
from tracking.models import Event, Visit
from tracking.models.fields import NumberOnSQLite
from tracking.routers import events_are_in_clickhouse

AnyField: TypeAlias = "models.Field[Any, Any]"  # Django's classes are generic only for mypy

# What later hits of a visit may change.
CHANGING_FIELDS = (
    "started_at",
    "ended_at",
    "duration",
    "pageviews",
    "events",
    "is_bounce",
    "hostname",
    "entry_page",
    "exit_page",
    "channel",
    "source",
    "referrer",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
)


M = TypeVar("M", bound=models.Model)


def bare(model: type[M], **values: Any) -> M:
    """An instance with these values, by attribute name, and nothing else.

    Django's own initialisation takes longer than all steps of a hit together. Values that are
    missing raise AttributeError when the row is written, as they should.
    """
    instance = model.__new__(model)
    instance.__dict__ = values
    return instance


def insert_visits(visits: Sequence[Visit], versions: Sequence[int] = ()) -> None:
    """Where there are versions, visits that are there are replaced by newer ones."""
    if events_are_in_clickhouse():
        writing.insert_visits(visits, versions)
    else:
        insert(Visit, visits)


def insert_events(
    events: Sequence[Event], visits: Iterable[Visit], versions: Sequence[int] = ()
) -> None:
    """The same of events, of which these are the visits."""
    if events_are_in_clickhouse():
        writing.insert_events(events, visits, versions)
    else:
        insert(Event, events)


def update_visits(visits: Collection[Visit]) -> None:
    """Write the fields of `CHANGING_FIELDS`."""
    update(Visit, visits, CHANGING_FIELDS)


def update_events(events: Collection[Event]) -> None:
    """Write how they were read."""
    update(Event, events, ("engaged", "scroll"))


def update(
    model: type[models.Model], instances: Collection[models.Model], names: Collection[str]
) -> None:
    """Write these fields of rows that exist."""
    if not instances:
        return
    meta = model._meta
    changing = [field for field in meta.concrete_fields if field.name in names]
    written = list(rows(instances, [*changing, meta.pk]))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            update_at_once(cursor, meta, changing, written)
        else:
            assignments = ", ".join(f"{quoted(field)} = %s" for field in changing)
            sql = f"UPDATE {meta.db_table} SET {assignments} WHERE id = %s"  # noqa: S608
            cursor.executemany(sql, written)


def update_at_once(
    cursor: Any, meta: Any, changing: Sequence[AnyField], rows: Iterable[Sequence[Any]]
) -> None:
    """By one statement: to send PostgreSQL thousands takes longer than to carry them out."""
    fields = [*changing, meta.pk]
    names = [field.column for field in fields]
    types, assignments = [], []
    for field in fields:
        is_binary, column = isinstance(field, models.BinaryField), quoted(field)
        types.append(f"{column} {'text' if is_binary else field.db_type(connection)}")
        new = f"decode(new.{column}, 'base64')" if is_binary else f"new.{column}"
        assignments.append(f"{column} = {new}")
    sql = (
        f"UPDATE {meta.db_table} SET {', '.join(assignments[:-1])} "  # noqa: S608
        f"FROM json_to_recordset(%s) AS new ({', '.join(types)}) WHERE {meta.db_table}.id = new.id"
    )
    records = [dict(zip(names, row, strict=True)) for row in rows]
    cursor.execute(sql, [msgspec.json.encode(records).decode()])


def insert(model: type[models.Model], instances: Collection[models.Model]) -> None:
    if not instances:
        return
    fields = model._meta.concrete_fields
    table, columns = model._meta.db_table, ", ".join(map(quoted, fields))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows(instances, fields):
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(fields))
            sql = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608
            cursor.executemany(sql, list(rows(instances, fields)))


def quoted(field: AnyField) -> str:
    return connection.ops.quote_name(field.column or "")


def rows(instances: Iterable[models.Model], fields: Sequence[AnyField]) -> Iterator[Sequence[Any]]:
    """The columns' values of each instance, as the database adapter takes them."""
    values = attrgetter(*(field.attname for field in fields))
    adapt = [
        (index, adapter) for index, field in enumerate(fields) if (adapter := adapter_of(field))
    ]
    for instance in instances:
        row = list(values(instance))
        for index, adapter in adapt:
            row[index] = adapter(row[index])
        yield row


def adapter_of(field: AnyField) -> Callable[[Any], Any] | None:
    """What the values of a field need; psycopg takes Python's own types, SQLite wants numbers."""
    if isinstance(field, models.JSONField):
        return postgres_json if connection.vendor == "postgresql" else sqlite_json
    if connection.vendor == "postgresql":
        return None
    if isinstance(field, NumberOnSQLite):
        return type(field).to_number
    if isinstance(field, DecimalField):
        return partial(
            connection.ops.adapt_decimalfield_value,
            max_digits=field.max_digits,
            decimal_places=field.decimal_places,
        )
    return None


def postgres_json(value: Mapping[str, str] | None) -> Jsonb | None:
    return None if value is None else Jsonb(value)


def sqlite_json(value: Mapping[str, str] | None) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
