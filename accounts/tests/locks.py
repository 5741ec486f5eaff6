from django.db import connection
from django.test.utils import CaptureQueriesContext


def assert_locked_before(queries: CaptureQueriesContext, change: str) -> None:
    """The first query about superusers that follows the lock, and the change, come after it.

    SQLite, which locks the whole database, does not write FOR UPDATE; the query is the same.
    """
    statements = [query["sql"] for query in queries]
    [lock] = [
        place
        for place, sql in enumerate(statements)
        if 'FROM "django_content_type"' in sql and "'accounts'" in sql and "'user'" in sql
    ]
    [changed] = [place for place, sql in enumerate(statements) if sql.startswith(change)]
    assert any('"is_superuser"' in sql for sql in statements[lock + 1 : changed])
    assert lock < changed
    if connection.features.has_select_for_update:
        assert statements[lock].endswith("FOR UPDATE")
