"""Rows into ClickHouse, column by column, which is how it keeps them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from django.db import connections, models

from tracking.clickhouse.schema import fields_of_visits
from tracking.models import Event, Visit
from tracking.models.fields import MomentField, PropertiesField, milliseconds
from tracking.models.labels import NONE, LabelField
from tracking.routers import EVENTS_DB_ALIAS

Column: TypeAlias = tuple[str, list[Any]]
Row: TypeAlias = Mapping[str, Any]


def insert_visits(visits: Sequence[Visit], versions: Sequence[int] = ()) -> None:
    """Write these visits, each in the version that stands beside it; an older one goes."""
    rows = [visit.__dict__ for visit in visits]
    insert(Visit, columns_of(Visit._meta.concrete_fields, rows), versions)


def insert_events(
    events: Sequence[Event], versions: Sequence[int] = (), visits: Iterable[Visit] = ()
) -> None:
    """The same of events, with what reports ask of their visits: of these, or of stored ones."""
    rows = [event.__dict__ for event in events]
    known: dict[int, Row] = {visit.id: visit.__dict__ for visit in visits}
    missing = {row["visit_id"] for row in rows} - known.keys()
    if missing:
        known |= stored_visits(missing, {row["site_id"] for row in rows})
    nothing = {field.attname: None for field in fields_of_visits()}
    of_visits = [
        # An event that has lost its visit begins one of which nothing is known.
        known.get(row["visit_id"]) or {**nothing, "started_at": row["time"]}
        for row in rows
    ]
    columns = (
        *columns_of(Event._meta.concrete_fields, rows),
        *columns_of(fields_of_visits(), of_visits),
    )
    insert(Event, columns, versions)


def stored_visits(ids: Iterable[int], sites: Iterable[int]) -> dict[int, Row]:
    names = [field.attname for field in fields_of_visits()]
    visits = Visit.objects.using(EVENTS_DB_ALIAS).filter(site__in=sites, pk__in=ids)
    return {values["id"]: values for values in visits.order_by().values("id", *names)}


def insert(model: type[models.Model], columns: Iterable[Column], versions: Sequence[int]) -> None:
    names, values = zip(*columns, strict=True)
    if not values[0]:
        return
    written = ", ".join(f'"{name}"' for name in names)
    sql = f'INSERT INTO "{model._meta.db_table}" ({written}, version) VALUES'
    with connections[EVENTS_DB_ALIAS].cursor() as cursor:
        cursor.cursor.columnar = True
        cursor.executemany(sql, [*values, list(versions) or [0] * len(values[0])])


def columns_of(fields: Iterable[Any], rows: Sequence[Row]) -> Iterator[Column]:
    for field in fields:
        name, change = field.attname, change_of(field)
        values = [row[name] for row in rows]
        yield field.column, list(map(change, values)) if change else values


def change_of(field: Any) -> Callable[[Any], Any] | None:
    """What the driver wants instead; numbers it takes as they are."""
    if isinstance(field, MomentField):
        return milliseconds
    if isinstance(field, LabelField):
        return lambda label: label or NONE
    if isinstance(field, PropertiesField):
        return lambda properties: properties or {}
    return None
