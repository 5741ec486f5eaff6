"""The rows that tests have stored in ClickHouse, which rolls nothing back."""

from django.db import connections

from tracking.clickhouse.tables import TABLES, fields_of_visits
from tracking.routers import EVENTS_DB_ALIAS


def forget_events() -> None:
    """All rows of the tests' own tables."""
    operations = connections[EVENTS_DB_ALIAS].ops
    operations.execute_sql_flush([f'TRUNCATE TABLE "{table}"' for table in TABLES])


def events_that_differ_from_their_visits() -> str:
    """SQL that counts events that have not what their visits have."""
    names = [field.column for field in fields_of_visits()]
    return (
        "SELECT count() FROM tracking_event AS e INNER JOIN tracking_visit AS v "
        f"ON e.visit_id = v.id WHERE ({', '.join(f'e.{name}' for name in names)}) "
        f"<> ({', '.join(f'v.{name}' for name in names)})"
    )
