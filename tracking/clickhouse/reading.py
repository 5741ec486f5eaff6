"""What ClickHouse tells of its tables."""

from typing import Any

from tracking.clickhouse.tables import TABLES, local_name


def bytes_of_tables(cursor: Any) -> int:
    """On all shards; of each one replica."""
    return int(told_of_parts(cursor, "sum(bytes_on_disk)", list(TABLES))[0][0] or 0)


def months_of(cursor: Any, table: str) -> list[str]:
    """Of which there are rows on any shard, as 202603."""
    return sorted(month for (month,) in told_of_parts(cursor, "DISTINCT partition_id", [table]))


def told_of_parts(cursor: Any, what: str, tables: list[str]) -> list[tuple[Any, ...]]:
    cluster = cursor.db.cluster
    source = "cluster(%s, system.parts)" if cluster else "system.parts"
    names = [local_name(table) if cluster else table for table in tables]
    cursor.execute(
        f"SELECT {what} FROM {source} "  # noqa: S608
        "WHERE active AND database = currentDatabase() AND has(%s, table)",
        [*([cluster] if cluster else []), names],
    )
    found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
