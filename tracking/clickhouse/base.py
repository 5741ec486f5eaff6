from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from clickhouse_backend.backend.base import DatabaseWrapper as ClickHouse
from clickhouse_backend.backend.features import DatabaseFeatures as Features

from tracking.clickhouse.creation import DatabaseCreation
from tracking.clickhouse.nodes import Nodes
from tracking.clickhouse.operations import DatabaseOperations
from tracking.clickhouse.schema import DatabaseSchemaEditor

# What makes ClickHouse answer as other databases do, whichever way a query comes.
SETTINGS = {
    # Of a row that was written again only the latest version counts.
    "final": 1,
    # A row's versions lie in the same month.
    "do_not_merge_across_partitions_select_final": 1,
    "use_skip_indexes_if_final": 1,
    # An older version of a row may lie in a block that an index names, and the latest in another.
    "use_skip_indexes_if_final_exact_mode": 1,
    # The sum of nothing is NULL.
    "aggregate_functions_null_for_empty": 1,
    "join_use_nulls": 1,
    # Deleted means gone when the statement returns, stored means on the disks of the shards.
    "mutations_sync": 2,
    "lightweight_deletes_sync": 2,
    "distributed_foreground_insert": 1,
    # A batch of the worker names its visitors, thousands of them.
    "max_query_size": 64 << 20,
    "max_ast_elements": 1_000_000,
    "max_expanded_ast_elements": 5_000_000,
    # Errors are read by people.
    "calculate_text_stack_trace": 0,
    # A visitor's visits and events lie on one shard: sub-queries need not leave it.
    "distributed_product_mode": "local",
}
CLUSTER_SETTINGS = {
    # Answers that lack a shard would be wrong without a word.
    "skip_unavailable_shards": 0,
}


class DatabaseFeatures(Features):
    # Known without asking a server that may be away, or have no database yet.
    supports_json_field = True


class DatabaseWrapper(ClickHouse):
    """`OPTIONS` takes besides those of the driver `cluster`, the name of a cluster that the
    servers know, and `replicated`, whether its shards have several replicas kept by Keeper."""

    data_types = {
        **ClickHouse.data_types,
        "CharField": "String",
        "DateField": "Date",
        "DateTimeField": "DateTime64(3, 'UTC')",
        "GenericIPAddressField": "String",
    }
    SchemaEditorClass = DatabaseSchemaEditor
    creation_class = DatabaseCreation
    features_class = DatabaseFeatures
    ops_class = DatabaseOperations

    def __init__(self, settings_dict: dict[str, Any], alias: str) -> None:
        # Each thread's connection is made of the same settings: they stay as they are.
        options = dict(settings_dict["OPTIONS"])
        self.cluster: str = options.pop("cluster", "")
        self.is_replicated: bool = options.pop("replicated", False)
        options["settings"] = {
            **SETTINGS,
            **(CLUSTER_SETTINGS if self.cluster else {}),
            **options.get("settings", {}),
        }
        super().__init__({**settings_dict, "OPTIONS": options}, alias)
        self.nodes = Nodes(self)

    def prepare_database(self) -> None:
        """Before the first migration."""
        name = self.settings_dict["NAME"]
        with self.without_database():
            sql = f'CREATE DATABASE IF NOT EXISTS "{name}"'
            if self.cluster:
                self.schema_editor().on_every_node(sql)
            else:
                with self.cursor() as cursor:
                    cursor.execute(sql)

    @contextmanager
    def without_database(self) -> Iterator[None]:
        """Connect to the one that every server has."""
        name = self.settings_dict["NAME"]
        self.close()
        self.connection, self.settings_dict["NAME"] = None, "default"
        try:
            yield
        finally:
            self.connection, self.settings_dict["NAME"] = None, name
