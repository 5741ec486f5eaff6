from collections.abc import Iterator, Sequence
from typing import Any

from clickhouse_backend.backend.schema import DatabaseSchemaEditor as SchemaEditor
from clickhouse_backend.driver.escape import escape_params
from django.db import models

from tracking.clickhouse.tables import SHARDED_BY, TABLES, Table, fields_of_visits, local_name
from tracking.models import Event
from tracking.models.fields import PropertiesField
from tracking.models.labels import LabelField


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
        indexes = ", ".join(
            f"INDEX narrow{number} ({columns}) TYPE minmax GRANULARITY 1"
            for number, columns in enumerate(table.narrowed_by)
        )
        return (
            f'CREATE TABLE IF NOT EXISTS "{name}" ({columns}, version UInt64 DEFAULT 0, {indexes}) '
            f"ENGINE = {self.engine(name)} PARTITION BY {table.partition_by} "
            f"ORDER BY ({table.order_by})"
        )

    def engine(self, name: str) -> str:
        if not self.connection.is_replicated:
            return "ReplacingMergeTree(version)"
        path = "/clickhouse/tables/{shard}/{database}/" + name
        return f"ReplicatedReplacingMergeTree('{path}', '{{replica}}', version)"

    def columns_of(self, model: type[models.Model], table: Table) -> Iterator[str]:
        fields = list(model._meta.local_concrete_fields)
        if model._meta.db_table == Event._meta.db_table:
            fields += fields_of_visits()
        for field in fields:
            definition, _ = self.column_sql(model, field)
            delta = "Delta, " if field.column in table.ascending else ""
            codec = "LZ4" if field.column in table.often_read else "ZSTD(1)"
            yield f"{self.quote_name(field.column)} {definition} CODEC({delta}{codec})"

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
