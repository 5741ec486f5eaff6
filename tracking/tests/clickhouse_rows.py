"""The rows that tests have stored in ClickHouse, which rolls nothing back."""

from typing import Any

from django.db import connections

from tracking.clickhouse.schema import TABLES, local_name
from tracking.routers import EVENTS_DB_ALIAS


def forget_events() -> None:
    """All rows of the tests' own tables."""
    connection: Any = connections[EVENTS_DB_ALIAS]
    for table in TABLES:
        if connection.cluster:
            connection.schema_editor().on_every_node(f'TRUNCATE TABLE "{local_name(table)}"')
        else:
            with connection.cursor() as cursor:
                cursor.execute(f'TRUNCATE TABLE "{table}"')
