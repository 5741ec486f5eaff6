"""The rows that tests have stored in ClickHouse, which rolls nothing back."""

from django.db import connections

from tracking.clickhouse.schema import TABLES
from tracking.routers import EVENTS_DB_ALIAS


def forget_events() -> None:
    """All rows of the tests' own tables."""
    operations = connections[EVENTS_DB_ALIAS].ops
    operations.execute_sql_flush([f'TRUNCATE TABLE "{table}"' for table in TABLES])
