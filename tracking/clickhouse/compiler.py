"""How queries are written: as django-clickhouse-backend does, but for rows that are deleted, and
events that are stored."""

from typing import Any

from clickhouse_backend.models.sql.compiler import (
    SQLAggregateCompiler,
    SQLCompiler,
    SQLUpdateCompiler,
)
from clickhouse_backend.models.sql.compiler import SQLDeleteCompiler as DeleteCompiler
from clickhouse_backend.models.sql.compiler import SQLInsertCompiler as InsertCompiler

from tracking.clickhouse import writing
from tracking.clickhouse.tables import local_name
from tracking.models import Event

__all__ = [
    "SQLAggregateCompiler",
    "SQLCompiler",
    "SQLDeleteCompiler",
    "SQLInsertCompiler",
    "SQLUpdateCompiler",
]


class SQLInsertCompiler(InsertCompiler):
    """An event is stored with what reports ask of its visit."""

    def execute_sql(self, *args: Any, **kwargs: Any) -> Any:
        if self.query.get_meta().db_table != Event._meta.db_table:
            return super().execute_sql(*args, **kwargs)
        writing.insert_events(self.query.objs)
        return []


class SQLDeleteCompiler(DeleteCompiler):
    """Marks the rows as deleted, which takes milliseconds; they leave the disk when parts are
    merged. On a cluster each node does so with those of its own."""

    def _as_sql(self, query: Any) -> tuple[str, tuple[Any, ...]]:
        table = query.base_table
        where, params = self._compile_where(self.quote_name_unless_alias(table))
        if self.connection.cluster:
            table = local_name(table)
        return f'DELETE FROM "{table}" WHERE {where}', tuple(params)  # noqa: S608

    def execute_sql(self, *args: Any, **kwargs: Any) -> Any:
        if not self.connection.cluster:
            return super().execute_sql(*args, **kwargs)
        self.connection.schema_editor().on_every_node(*self.as_sql())
        return 0
