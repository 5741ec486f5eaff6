"""The tables of visits and events.

Both are ordered by site and day, so that a report reads nothing else, and hold a visit's rows
together. An event has what reports ask of its visit, too: looking for the visits of millions of
events would take most of a report's time. A row that is written again replaces the one before
(`version`), when parts are merged and, until then, whenever it is read. On a cluster each node
has a local table with the rows of its shard, and one that stands for those of all shards.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from clickhouse_backend.backend.schema import DatabaseSchemaEditor as SchemaEditor
from clickhouse_backend.driver.escape import escape_params
from django.db import models

from tracking.models import Event, Visit
from tracking.models.fields import PropertiesField
from tracking.models.labels import LabelField
from tracking.reporting.dimensions import DIMENSIONS


@dataclass(frozen=True)
class Table:
    order_by: str
    # Numbers that ascend are kept as what they differ by.
    ascending: tuple[str, ...]
    # What nearly every report reads: a third more bytes, and half of the time.
    often_read: tuple[str, ...]
    # Blocks of rows tell from where to where these go, so that others need not be read.
    narrowed_by: tuple[str, ...]

    @property
    def partition_by(self) -> str:
        return "toYYYYMM(day)"


TABLES = {
    "tracking_visit": Table(
        "site_id, day, id",
        ("id", "started_at", "ended_at"),
        ("id", "site_id", "day", "visitor_id", "started_at", "duration", "is_bounce"),
        ("id",),
    ),
    "tracking_event": Table(
        "site_id, day, visit_id, id",
        ("id", "visit_id", "time", "started_at"),
        (
            "id",
            "site_id",
            "day",
            "visit_id",
            "visitor_id",
            "time",
            "started_at",
            "name_id",
            "page_id",
            "engaged",
            "scroll",
        ),
        ("visit_id", "time, started_at"),
    ),
}
# What an event has of its visit: what that is told apart by, but for what each of its hits changes.
OF_VISITS = (
    "started_at",
    *(
        dimension.column
        for dimension in DIMENSIONS.values()
        if dimension.is_of_visit and dimension.column != "exit_page"
    ),
)
# A visit and its events are on the same shard.
SHARDED_BY = "intHash64(visitor_id)"


def fields_of_visits() -> list[Any]:
    return [Visit._meta.get_field(name) for name in OF_VISITS]


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
