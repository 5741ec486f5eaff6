"""Rows into ClickHouse, column by column, which is how it keeps them."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections, models

from tracking.models.fields import MomentField, PropertiesField, milliseconds
from tracking.models.labels import NONE, LabelField
from tracking.routers import EVENTS_DB_ALIAS


def insert(
    model: type[models.Model], instances: Sequence[Any], versions: Sequence[int] = ()
) -> None:
    """Write these instances, each in the version that stands beside it; an older one goes."""
    if not instances:
        return
    fields = model._meta.concrete_fields
    names = ", ".join(f'"{field.column}"' for field in fields)
    columns = [column_of(field, instances) for field in fields]
    sql = f'INSERT INTO "{model._meta.db_table}" ({names}, version) VALUES'
    with connections[EVENTS_DB_ALIAS].cursor() as cursor:
        cursor.cursor.columnar = True
        cursor.executemany(sql, [*columns, list(versions) or [0] * len(instances)])


def column_of(field: Any, instances: Sequence[Any]) -> list[Any]:
    name = field.attname
    values = [instance.__dict__[name] for instance in instances]
    change = change_of(field)
    return list(map(change, values)) if change else values


def change_of(field: Any) -> Callable[[Any], Any] | None:
    """What the driver wants instead; numbers it takes as they are."""
    if isinstance(field, MomentField):
        return milliseconds
    if isinstance(field, LabelField):
        return lambda label: label or NONE
    if isinstance(field, PropertiesField):
        return lambda properties: properties or {}
    return None
