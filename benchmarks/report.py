"""How long does the server work for the whole dashboard page, with all of its panels?

Fills a site with `seed_demo`, lets closed days be reckoned, and asks the view itself for the page,
again and again: what a browser waits for, without network and web server. In seconds of wall clock
and of processor time, the database server's included where it is one (PostgreSQL on this machine).
"""

import argparse
import contextlib
import json
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from benchmarks.installation import Installation, installation, show
from tracking.tests.clickhouse import clickhouse

# As many events, over as many days.
SIZES = {
    "S": (100_000, 30),
    "M": (1_000_000, 30),
    "L": (10_000_000, 90),
    "XL": (100_000_000, 360),
}
PAGES = {
    "today": "period=today",
    "30 days": "period=30d",
    "12 months": "period=12mo",
    "30 days, one country": "period=30d&f=country,is,{country}",
    "30 days, one page": "period=30d&f=page,is,{page}",
    "30 days, one source": "period=30d&f=source,is,{source}",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="S")
    parser.add_argument("--database", default="", help="the URL of an empty PostgreSQL database")
    parser.add_argument(
        "--engine",
        choices=["", "clickhouse"],
        default="",
        help="visits and events in a ClickHouse of the benchmark’s own",
    )
    parser.add_argument("--shards", type=int, default=1, help="of the ClickHouse cluster")
    parser.add_argument(
        "--keep", type=Path, help="a folder that stays, or one that is filled already"
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.rounds)
        return
    with contextlib.ExitStack() as stack:
        settings = {}
        if options.engine:
            folder = options.keep / "clickhouse" if options.keep else None
            server = stack.enter_context(clickhouse(options.shards, folder))
            settings = server.environment("tracking")
        made = stack.enter_context(installation(options.database, options.keep, settings))
        count = "from tracking.models import Site; print(Site.objects.count())"
        if made.manage("shell", "--no-imports", "-c", count).split()[-1] == "0":
            fill(made, *SIZES[options.size])
        made.manage("collectstatic", "--no-input", "--verbosity", "0")
        database = "PostgreSQL" if options.database else "SQLite"
        if options.engine:
            database = f"ClickHouse, {options.shards} shards"
        told = made.run("-m", "benchmarks.report", "--measure", "--rounds", str(options.rounds))
        measured = json.loads(told.splitlines()[-1])
        show(f"The dashboard, {options.size} on {database}", measured["pages"])
        show("Bytes an event", [measured["bytes"]])


def fill(made: Installation, events: int, days: int) -> None:
    made.add_site()
    made.manage("seed_demo", "--site", "example.com", "--events", str(events), "--days", str(days))
    made.manage("rollup", "--verbosity", "0")


def measure(rounds: int) -> None:
    """In a process of its own, that has loaded the application as a web server has."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tracking_project.settings"
    from django.test import Client

    import tracking_project.wsgi  # noqa: F401
    from tracking.models import Site

    site = Site.objects.get()
    client = Client(SERVER_NAME="localhost")
    client.force_login(site.owner, backend="allauth.account.auth_backends.AuthenticationBackend")
    names, dashboard = busiest(site), site.get_absolute_url()
    print(
        json.dumps(
            {
                "pages": [
                    timed(client, title, f"{dashboard}?{query.format(**names)}", rounds)
                    for title, query in PAGES.items()
                ],
                "bytes": dict(bytes_an_event()),
            }
        )
    )


def busiest(site: Any) -> dict[str, str]:
    """Of each dimension that is filtered by, what most visitors have."""
    from django.utils import timezone

    from tracking.reporting.period import Period, Preset
    from tracking.reporting.query import Query, answer

    period = Period.of(Preset.THIRTY_DAYS, site.zone, timezone.now())
    return {
        name: quote(
            next(
                row.key[0]
                for row in answer(Query((site,), period, ("visitors",), (name,), limit=5))
                if row.key[0]
            ),
            safe="",
        )
        for name in ("country", "page", "source")
    }


def timed(client: Any, title: str, address: str, rounds: int) -> dict[str, object]:
    from django.db import connection, reset_queries

    seconds, cpu, queries = [], [], 0
    for number in range(rounds + 2):
        connection.force_debug_cursor = number == 0
        reset_queries()
        began, spent = time.perf_counter(), processor_seconds()
        response = client.get(address, secure=False)
        took, used = time.perf_counter() - began, processor_seconds() - spent
        assert response.status_code == 200, response.status_code
        if number == 0:
            queries = len(connection.queries)
        elif number > 1:
            seconds.append(took)
            cpu.append(used)
    return {
        "page": title,
        "ms": round(median(seconds) * 1000),
        "CPU ms": round(median(cpu) * 1000),
        "most ms": round(max(seconds) * 1000),
        "queries": queries,
        "kB of HTML": round(len(response.content) / 1000),
    }


def processor_seconds() -> float:
    """Of this process, and of the server of its connection to PostgreSQL."""
    from django.db import connection

    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = usage.ru_utime + usage.ru_stime
    if connection.vendor == "postgresql" and connection.connection is not None:
        process = connection.connection.info.backend_pid
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1].split()
        spent += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return spent


def bytes_an_event() -> Iterator[tuple[str, float]]:
    """Of each table, with and without its indexes."""
    from django.db import connections, router

    from tracking.models import DailyStat, DayColumn, Event, Label, Visit

    events = Event.objects.count()
    total = 0.0
    for model in (Event, Visit, Label, DailyStat, DayColumn):
        table, connection = model._meta.db_table, connections[router.db_for_read(model)]
        with connection.cursor() as cursor:
            for name, size in sizes(cursor, connection.vendor, table):
                total += size / events
                yield name, round(size / events, 2)
    yield "in all", round(total, 1)


def sizes(cursor: Any, vendor: str, table: str) -> Iterator[tuple[str, int]]:
    if vendor == "clickhouse":
        cursor.execute(
            "SELECT %s, SUM(bytes_on_disk) FROM cluster('shards', system.parts) "
            "WHERE active AND database = 'tracking' AND startsWith(table, %s)",
            [table, table],
        )
    elif vendor == "postgresql":
        cursor.execute("SELECT pg_table_size(%s)", [table])
        yield table, cursor.fetchone()[0]
        cursor.execute(
            "SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM pg_index "
            "WHERE indrelid = %s::regclass",
            [table],
        )
    else:
        cursor.execute(
            "SELECT s.name, SUM(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name "
            "WHERE m.tbl_name = %s GROUP BY s.name",
            [table],
        )
    yield from cursor.fetchall()


if __name__ == "__main__":
    main()
