"""How much of the database each site's visits and events take: an estimate.

Visits are counted, which takes a look at the whole index: once an hour at most. The bytes of
both tables are shared among the sites by that number.
"""

from django.core.cache import cache
from django.db import connections
from django.db.models import Count

from tracking.clickhouse.reading import bytes_of_tables
from tracking.models import Event, Visit
from tracking.routers import events_database

SECONDS_REMEMBERED = 3600
KEY = "storage-of-sites"


def storage() -> dict[int, int]:
    """Bytes by the id of the site; a site without visits has none."""
    found: dict[int, int] | None = cache.get(KEY)
    if found is None:
        found = estimate()
        cache.set(KEY, found, SECONDS_REMEMBERED)
    return found


def estimate() -> dict[int, int]:
    counted = Visit.objects.order_by().values_list("site_id").annotate(number=Count("pk"))
    visits = dict(counted)
    total = sum(visits.values())
    size = tables_bytes() if visits else 0
    return {site: size * number // total for site, number in visits.items()}


def tables_bytes() -> int:
    """Of SQLite the whole file, of which little else is in there."""
    connection = connections[events_database()]
    with connection.cursor() as cursor:
        if connection.vendor == "clickhouse":
            return bytes_of_tables(cursor)
        if connection.vendor == "sqlite":
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
            size: int = cursor.fetchone()[0]
            return size
        tables = [model._meta.db_table for model in (Visit, Event)]
        cursor.execute(
            "SELECT SUM(pg_total_relation_size(name::regclass)) FROM UNNEST(%s::text[]) name",
            [tables],
        )
        return int(cursor.fetchone()[0])
