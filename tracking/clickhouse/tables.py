"""The tables of visits and events.

Both are ordered by site and day, so that a report reads nothing else, and hold a visit's rows
together. An event has what reports ask of its visit, too: looking for the visits of millions of
events would take most of a report's time. A row that is written again replaces the one before
(`version`), when parts are merged and, until then, whenever it is read. On a cluster each node
has a local table with the rows of its shard, and one that stands for those of all shards.
"""

from dataclasses import dataclass
from typing import Any

from tracking.models import Visit
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
