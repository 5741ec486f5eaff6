"""How long does the server work for the first page of each list of the back office?

Fills four sites with `seed_demo` and asks the pages themselves, again and again: what a browser
waits for, without network and web server. Goal: 300 ms with 10 million events.
"""

import argparse
import json
import os
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.installation import Installation, installation, show

SITES = 4
ROUNDS = 7
PAGES = {
    "overview": "/admin/",
    "health": "/admin/health/",
    "visits": "/admin/tracking/visit/",
    "visits of one country": "/admin/tracking/visit/?country=DE",
    "visits of a minute or more": "/admin/tracking/visit/?duration=60",
    "visits with a page": "/admin/tracking/visit/?q=docs",
    "events": "/admin/tracking/event/",
    "events of a name": "/admin/tracking/event/?name=Signup",
    "filtered hits": "/admin/tracking/excludedhit/",
    "sites": "/admin/tracking/site/",
    "users": "/admin/accounts/user/",
    "changes": "/admin/admin/logentry/",
    "queue files": "/admin/tracking/queuefile/",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=90, help="over which they are spread")
    parser.add_argument("--database", default="", help="the URL of an empty PostgreSQL database")
    parser.add_argument(
        "--keep", type=Path, help="a folder that stays, or one that is filled already"
    )
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        return measure()
    with installation(options.database, options.keep) as made:
        count = "from tracking.models import Site; print(Site.objects.count())"
        if made.manage("shell", "--no-imports", "-c", count).split()[-1] == "0":
            fill(made, options.events, options.days)
        made.manage("collectstatic", "--no-input", "--verbosity", "0")
        told = made.run("-m", "benchmarks.back_office", "--measure")
        database = "PostgreSQL" if options.database else "SQLite"
        show(
            f"The back office, {options.events:,} events on {database}",
            json.loads(told.splitlines()[-1]),
        )


def fill(made: Installation, events: int, days: int) -> None:
    made.manage("createsuperuser", "--noinput", "--email", "owner@example.com")
    for number in range(SITES):
        made.manage(
            "seed_demo",
            "--site",
            f"site{number}.example.com",
            "--events",
            str(events // SITES),
            "--days",
            str(days),
            "--seed",
            str(number),
        )
    made.manage("rollup")


def measure() -> None:
    """In a process of its own, that has loaded the application as a web server has."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tracking_project.settings"
    from django.test import Client

    import tracking_project.wsgi  # noqa: F401
    from accounts.models import User

    client = Client(SERVER_NAME="localhost")
    client.force_login(
        User.objects.get(), backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    print(json.dumps([timed(client, title, address) for title, address in PAGES.items()]))


def timed(client: Any, title: str, address: str) -> dict[str, object]:
    from django.db import connection, reset_queries

    seconds = []
    for number in range(ROUNDS + 1):
        connection.force_debug_cursor = number == 0
        reset_queries()
        began = time.perf_counter()
        response = client.get(address)
        seconds.append(time.perf_counter() - began)
        assert response.status_code == 200, response.status_code
        if number == 0:
            queries = len(connection.queries)
    first, *others = seconds
    return {
        "page": title,
        "ms": round(median(others) * 1000),
        "first ms": round(first * 1000),
        "queries": queries,
    }


if __name__ == "__main__":
    main()
