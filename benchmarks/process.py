"""How many hits a second does one worker store?

Hits as a busy site sends them: 2.5 a visitor on average, over a day, through two web processes,
with 1,000 User-Agents, cross-site referrers, campaigns, and addresses from everywhere.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tqdm import tqdm

from benchmarks.installation import BASE_DIR, Installation, installation, show
from tracking.spool import Record, encode

AGENTS = (BASE_DIR / "tracking/tests/user_agents.tsv").read_text().splitlines()[1:]
REFERRERS = (
    *["https://www.google.com/"] * 30,
    *["https://www.bing.com/search?q=x", "https://duckduckgo.com/", "https://t.co/abc"] * 3,
    *["https://www.facebook.com/", "https://chatgpt.com/", "https://news.ycombinator.com/item?id=1"]
    * 2,
    *(f"https://blog{number}.example.org/posts/{number}" for number in range(200)),
)
CAMPAIGN = "?utm_source=newsletter&utm_medium=email&utm_campaign=spring"


def user_agents(chance: random.Random, count: int) -> list[str]:
    """Real ones, told apart by their last version number."""
    real = [line.rsplit("\t", 1)[1] for line in AGENTS]
    return [
        f"{agent[:-1]}{number % 10}" if agent[-1:].isdigit() else agent
        for number, agent in enumerate(chance.choices(real, k=count))
    ]


def records(site: int, hits: int, visitors: int) -> Iterator[Record]:
    """In order of time, the last of them now."""
    chance = random.Random(1)
    agents = user_agents(chance, 1000)
    now = datetime.now(UTC)
    start = (now - timedelta(hours=24)).timestamp()
    pages = [f"/articles/{number}/a-title-of-usual-length" for number in range(2000)]
    plans: list[tuple[float, int]] = []
    for visitor in range(visitors):
        began = start + chance.random() * 86_000
        plans.append((began, visitor))
    for _ in range(hits - visitors):
        began, visitor = plans[chance.randrange(visitors)]
        plans.append((began + chance.expovariate(1 / 120), visitor))
    first = set()
    for moment, visitor in sorted(plans):
        is_first = visitor not in first
        first.add(visitor)
        own = random.Random(visitor)
        address = ".".join(str(own.randint(1, 223)) for _ in range(4))
        agent = agents[int(own.paretovariate(0.6)) % 1000]
        page = pages[int(chance.paretovariate(0.8)) % 2000]
        url, referrer = f"https://example.com{page}", "https://example.com/"
        if is_first:
            referrer = chance.choice(REFERRERS) if chance.random() < 0.6 else ""
            url += CAMPAIGN if chance.random() < 0.1 else ""
        fields = {"url": url, "referrer": referrer, "event": "pageview"}
        yield Record(site, moment, address, agent, "https://example.com/", False, fields=fields)


def fill_queue(made: Installation, site: int, hits: int, visitors: int) -> None:
    folder = made.folder / "spool"
    folder.mkdir()
    start = time.time_ns() - 86_500 * 10**9
    with (
        (folder / f"{start}-1-a.log").open("wb") as one,
        (folder / f"{start}-2-b.log").open("wb") as two,
    ):
        progress = tqdm(records(site, hits, visitors), "hits", hits, unit_scale=True)
        for number, record in enumerate(progress):
            (one, two)[number % 2].write(encode(record) + b"\n")


def run_worker(made: Installation) -> dict[str, object]:
    began = time.perf_counter()
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "process_hits", "--once"],
        cwd=BASE_DIR,
        env=made.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout
    told = worker.stdout.read()
    _, status, usage = os.wait4(worker.pid, 0)
    assert status == 0, told
    seconds = time.perf_counter() - began
    stored = int(told.split()[1])
    return {
        "stored": stored,
        "told": told.strip(),
        "seconds": round(seconds, 1),
        "hits/s": round(stored / seconds),
        "CPU µs a hit": round((usage.ru_utime + usage.ru_stime) / stored * 1e6, 1),
        "MiB": usage.ru_maxrss // 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", type=int, default=1_000_000)
    parser.add_argument("--visitors", type=int, default=400_000)
    parser.add_argument("--database", default="", help="the URL of an empty PostgreSQL database")
    parser.add_argument("--geoip", type=Path, help="a city file (.mmdb); without it no places")
    options = parser.parse_args()
    settings = {"GEOIP_PATH": str(options.geoip.resolve())} if options.geoip else {}
    with installation(options.database, settings=settings) as made:
        site, _ = made.add_site()
        fill_queue(made, site, options.hits, options.visitors)
        database = "PostgreSQL" if options.database else "SQLite"
        if os.environ.get("EVENTS_DATABASE_URL"):
            database += " and ClickHouse"
        row = {"database": database, **run_worker(made)}
        file = made.folder / "db.sqlite3"
        if file.exists() and not options.database:
            row["bytes an event"] = round(file.stat().st_size / options.hits)
    show(f"One worker, {options.hits:,} hits of {options.visitors:,} visitors", [row])


if __name__ == "__main__":
    main()
