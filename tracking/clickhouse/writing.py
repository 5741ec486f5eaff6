"""Rows into ClickHouse, column by column, which is how it keeps them; and months of them out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Any, TypeAlias

from django.db import connections, models

from tracking.clickhouse.reading import months_of
from tracking.clickhouse.tables import fields_of_visits, local_name
from tracking.models import Event, Visit
from tracking.models.fields import MomentField, PropertiesField, milliseconds
from tracking.models.labels import NONE, LabelField
from tracking.routers import EVENTS_DB_ALIAS

Column: TypeAlias = tuple[str, Sequence[Any]]
Row: TypeAlias = Mapping[str, Any]


def insert_visits(visits: Sequence[Visit], versions: Sequence[int] = ()) -> None:
    """Write these visits, each in the version that stands beside it; an older one goes."""
    if visits:
        rows = [visit.__dict__ for visit in visits]
        insert(Visit, columns_of(Visit._meta.concrete_fields, rows), versions)


def insert_events(
    events: Sequence[Event], visits: Iterable[Visit] = (), versions: Sequence[int] = ()
) -> None:
    """The same of events, with what reports ask of their visits: of these, or of stored ones.

    Events without a visit are of no report, and are left out.
    """
    known: dict[int, Row] = {visit.id: visit.__dict__ for visit in visits}
    if missing := [event for event in events if event.visit_id not in known]:
        known |= stored_visits(missing)
        places = [place for place, event in enumerate(events) if event.visit_id in known]
        events = [events[place] for place in places]
        versions = [versions[place] for place in places] if versions else ()
    if not events:
        return
    columns = (
        *columns_of(Event._meta.concrete_fields, [event.__dict__ for event in events]),
        *columns_of(fields_of_visits(), [known[event.visit_id] for event in events]),
    )
    insert(Event, columns, versions)


def stored_visits(events: Iterable[Event]) -> dict[int, Row]:
    names = [field.attname for field in fields_of_visits()]
    visits = Visit.objects.using(EVENTS_DB_ALIAS).filter(
        site__in={event.site_id for event in events}, pk__in={event.visit_id for event in events}
    )
    return {values["id"]: values for values in visits.order_by().values("id", *names)}


def insert(model: type[models.Model], columns: Iterable[Column], versions: Sequence[int]) -> None:
    names, values = zip(*columns, strict=True)
    written = ", ".join(f'"{name}"' for name in names)
    sql = f'INSERT INTO "{model._meta.db_table}" ({written}, version) VALUES'
    with connections[EVENTS_DB_ALIAS].cursor() as cursor:
        cursor.cursor.columnar = True
        cursor.executemany(sql, [*values, list(versions) or [0] * len(values[0])])


def columns_of(fields: Sequence[Any], rows: Sequence[Row]) -> Iterator[Column]:
    values = zip(*map(itemgetter(*(field.attname for field in fields)), rows), strict=True)
    for field, column in zip(fields, values, strict=True):
        yield field.column, taken_by_driver(field, column)


def taken_by_driver(field: Any, values: Sequence[Any]) -> Sequence[Any]:
    """Numbers are taken as they are."""
    if isinstance(field, MomentField):
        return [milliseconds(moment) for moment in values]
    if isinstance(field, LabelField):
        return [label or NONE for label in values]
    if isinstance(field, PropertiesField):
        return [properties or {} for properties in values]
    return values


def drop_months(model: type[models.Model], first: date) -> None:
    """All rows of the months before that day, which is the first of one; at once."""
    connection: Any = connections[EVENTS_DB_ALIAS]
    table = model._meta.db_table
    with connection.cursor() as cursor:
        months = [month for month in months_of(cursor, table) if month < f"{first:%Y%m}"]
        for month in months:
            drop = f"ALTER TABLE \"{{}}\" DROP PARTITION ID '{month}'"
            if connection.cluster:
                connection.nodes.execute(drop.format(local_name(table)))
            else:
                cursor.execute(drop.format(table))
