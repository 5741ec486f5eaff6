"""What ClickHouse tells of its tables."""

from typing import Any

from tracking.clickhouse.schema import TABLES, local_name


def bytes_of_tables(cursor: Any) -> int:
    """On all shards; of each one replica."""
    cluster = cursor.db.cluster
    source = "cluster(%s, system.parts)" if cluster else "system.parts"
    names = [local_name(table) if cluster else table for table in TABLES]
    cursor.execute(
        f"SELECT sum(bytes_on_disk) FROM {source} "  # noqa: S608
        "WHERE active AND database = currentDatabase() AND has(%s, table)",
        [*([cluster] if cluster else []), names],
    )
    return int(cursor.fetchone()[0] or 0)
