"""The tables of visits and events.

Both are ordered by site and day, so that a report reads nothing else, and hold a visit's rows
together. A row that is written again replaces the one before (`version`), when parts are merged
and, until then, whenever it is read. On a cluster each node has a local table with the rows of
its shard, and one that stands for those of all shards.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from clickhouse_backend.backend.schema import DatabaseSchemaEditor as SchemaEditor
from clickhouse_backend.driver.escape import escape_params
from django.db import models

from tracking.models.fields import PropertiesField
from tracking.models.labels import LabelField


@dataclass(frozen=True)
class Table:
    order_by: str
    # Numbers that ascend are kept as what they differ by.
    ascending: tuple[str, ...]
    found_by: str  # outside of reports

    @property
    def partition_by(self) -> str:
        return "toYYYYMM(day)"


TABLES = {
    "tracking_visit": Table("site_id, day, id", ("id", "started_at", "ended_at"), "id"),
    "tracking_event": Table("site_id, day, visit_id, id", ("id", "visit_id", "time"), "visit_id"),
}
# A visit and its events are on the same shard.
SHARDED_BY = "intHash64(visitor_id)"


def local_name(table: str) -> str:
    return f"{table}_local"


class DatabaseSchemaEditor(SchemaEditor):
    def create_model(self, model: type[models.Model]) -> None:
        name = model._meta.db_table
        if name not in TABLES:
            super().create_model(model)
        elif self.connection.cluster:
            self.on_every_node(self.table_of(model, local_name(name)))
            self.on_every_node(
                f'CREATE TABLE IF NOT EXISTS "{name}" AS "{local_name(name)}" ENGINE = Distributed('
                f"'{self.connection.cluster}', currentDatabase(), '{local_name(name)}', "
                f"{SHARDED_BY})"
            )
        else:
            self.execute(self.table_of(model, name))

    def table_of(self, model: type[models.Model], name: str) -> str:
        table = TABLES[model._meta.db_table]
        columns = ", ".join(self.columns_of(model, table))
        return (
            f'CREATE TABLE IF NOT EXISTS "{name}" ({columns}, version UInt64 DEFAULT 0, '
            f"INDEX found {table.found_by} TYPE minmax GRANULARITY 1) "
            f"ENGINE = {self.engine(name)} PARTITION BY {table.partition_by} "
            f"ORDER BY ({table.order_by})"
        )

    def engine(self, name: str) -> str:
        if not self.connection.is_replicated:
            return "ReplacingMergeTree(version)"
        path = "/clickhouse/tables/{shard}/{database}/" + name
        return f"ReplicatedReplacingMergeTree('{path}', '{{replica}}', version)"

    def columns_of(self, model: type[models.Model], table: Table) -> Iterator[str]:
        for field in model._meta.local_concrete_fields:
            definition, _ = self.column_sql(model, field)
            delta = "Delta, " if field.column in table.ascending else ""
            yield f"{self.quote_name(field.column)} {definition} CODEC({delta}ZSTD(1))"

    def column_sql(
        self, model: type[models.Model], field: Any, include_default: bool = False
    ) -> tuple[Any, Any]:
        sql, params = super().column_sql(model, field, include_default)
        if isinstance(field, LabelField | PropertiesField):
            # They have a value for nothing; what may be NULL is read twice.
            sql = field.db_type(self.connection)
        return sql, params

    def delete_model(self, model: type[models.Model]) -> None:
        name = model._meta.db_table
        if name not in TABLES or not self.connection.cluster:
            super().delete_model(model)
            return
        for table in (name, local_name(name)):
            self.on_every_node(f'DROP TABLE IF EXISTS "{table}" SYNC')

    # Indexes are those of other databases.

    def add_index(self, model: type[models.Model], index: models.Index) -> None:
        pass

    def remove_index(self, model: type[models.Model], index: models.Index) -> None:
        pass

    def _model_indexes_sql(self, model: type[models.Model]) -> list[Any]:
        return []

    def on_every_node(self, sql: str, params: Sequence[Any] | None = None) -> None:
        self.connection.nodes.execute(sql % escape_params(params, {}) if params else sql)
