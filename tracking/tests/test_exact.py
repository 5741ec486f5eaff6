"""Counting is exact also where that is hard: beacons at the same instant, a locked database, a
dashboard that is being read. Through the real server and the real worker."""

import http.client
import json
import sqlite3
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tracking.tests.load import add_site, log_in, post_all, start_senders, stop_senders
from tracking.tests.service import Service, service, wait_for

pytestmark = pytest.mark.service

MILLION = 1_000_000


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Service]:
    with service(tmp_path / "data") as made:
        made.environment["TRUSTED_PROXIES"] = "1"
        yield made


def beacon(page: str, **more: object) -> bytes:
    return json.dumps({"url": f"https://example.com{page}", **more}).encode()


def counted(running: Service) -> tuple[int, int, int]:
    """Visits, visitors, and pageviews."""
    ((visits, visitors, pageviews),) = running.rows(
        "SELECT COUNT(*), COUNT(DISTINCT visitor_id), SUM(pageviews) FROM tracking_visit"
    )
    return visits, visitors, pageviews


def settle(running: Service, seconds: float = 60) -> None:
    """End the web server, so that the queue's last file is final, and wait for the worker."""
    running.kill("web", 15)
    wait_for(running.queue_is_empty, seconds)


def test_two_page_loads_at_the_same_instant_are_one_visit(running: Service) -> None:
    public_id = add_site(running)
    running.start_web()
    running.start_worker()
    loads = [(visitor, beacon(f"/{load}")) for visitor in range(300) for load in range(2)]
    assert post_all(running, public_id, loads) == {202: 600}
    settle(running)
    assert counted(running) == (300, 300, 600)


def test_engagement_adds_neither_visit_nor_pageview(running: Service) -> None:
    public_id = add_site(running)
    running.start_web()
    running.start_worker()
    visitors = range(600)
    assert post_all(running, public_id, [(n, beacon("/a")) for n in visitors]) == {202: 600}
    for _ in range(2):
        beats = [(n, beacon("/a", event="engagement", engaged=3000, scroll=70)) for n in visitors]
        assert post_all(running, public_id, beats) == {202: 600}
    settle(running)
    assert counted(running) == (600, 600, 600)
    assert running.rows("SELECT COUNT(*), SUM(engaged), MIN(scroll) FROM tracking_event") == [
        (600, 600 * 6000, 70)
    ]
    assert running.rows("SELECT reason, hits FROM tracking_excludedday") == []


def lock(running: Service) -> sqlite3.Connection:
    connection = sqlite3.connect(running.folder / "db.sqlite3", isolation_level=None, timeout=20)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


def test_while_the_database_is_locked_all_hits_are_accepted_and_none_is_lost(
    running: Service,
) -> None:
    if not running.database_url.startswith("sqlite"):
        pytest.skip("Of a stopped PostgreSQL test_postgres tells.")
    public_id = add_site(running)
    running.start_web()
    # The first hit of a process waits until it knows the sites.
    assert post_all(running, public_id, [(0, beacon("/"))]) == {202: 1}
    running.start_worker()
    with closing(lock(running)):
        hits = [(visitor, beacon("/")) for visitor in range(300)]
        assert post_all(running, public_id, hits) == {202: 300}
    settle(running)
    assert counted(running) == (300, 300, 301)


def fill(running: Service, rows: int) -> None:
    """Visits of one pageview each, over the last 300 days, without going through the queue."""
    with closing(sqlite3.connect(running.folder / "db.sqlite3")) as connection, connection:
        columns = {
            table: [row[1] for row in connection.execute(f"PRAGMA table_info(tracking_{table})")]
            for table in ("visit", "event")
        }
        (label,) = connection.execute("SELECT MIN(id) FROM tracking_label").fetchone()
        now = int(time.time() * 1000)
        moment, day = f"{now} - n * {300 * 86_400_000 // rows}", "({}) / 86400000"
        values = {
            "id": "n", "site_id": "1", "visitor_id": "n", "visit_id": "n",
            "started_at": moment, "ended_at": moment, "time": moment, "day": day.format(moment),
            "duration": "0", "pageviews": "1", "events": "1", "is_bounce": "1",
            "engaged": "0", "scroll": "0", "currency": "''", "name_id": str(label),
        }  # fmt: skip
        for table, names in columns.items():
            connection.execute(
                f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers "
                f"LIMIT {rows}) INSERT INTO tracking_{table} ({', '.join(names)}) "
                f"SELECT {', '.join(values.get(name, 'NULL') for name in names)} FROM numbers"
            )


class Reader(threading.Thread):
    """Opens the dashboard again and again."""

    def __init__(self, running: Service, session: requests.Session) -> None:
        super().__init__(daemon=True)
        self.url, self.session = f"{running.url}/sites/1/?period=12mo", session
        self.opened, self.stop = 0, threading.Event()

    def run(self) -> None:
        while not self.stop.is_set():
            assert self.session.get(self.url, timeout=120).status_code == 200
            self.opened += 1


def test_a_dashboard_over_a_million_events_does_not_slow_collecting(running: Service) -> None:
    """Neither does the collector wait for it, nor the worker, which writes what it reads."""
    if not running.database_url.startswith("sqlite"):
        pytest.skip("This is about readers and writers of SQLite.")
    public_id = add_site(running)
    running.manage("collectstatic", "--noinput", "--verbosity", "0")
    running.start_web()
    running.start_worker()
    assert post_all(running, public_id, [(0, beacon("/"))]) == {202: 1}
    wait_for(lambda: running.rows("SELECT id FROM tracking_event"))
    running.execute("DELETE FROM tracking_event")
    running.execute("DELETE FROM tracking_visit")
    fill(running, MILLION)
    reader = Reader(running, log_in(running))
    reader.start()
    wait_for(lambda: reader.opened, 120)
    senders = start_senders(running, public_id, range(2))
    delays = []
    opened = reader.opened
    for number in range(100):
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
        connection.request("GET", f"/t/{public_id}.gif?url=https://example.com/probe/{number}")
        assert connection.getresponse().status == 200
        delays.append(time.monotonic() - began)
        time.sleep(0.05)
    stop_senders(senders)
    wait_for(lambda: reader.opened > opened, 120)
    # The worker keeps up while the dashboard is read.
    accepted = sum(len(sender.accepted) for sender in senders)
    wait_for(
        lambda: running.rows("SELECT COUNT(*) FROM tracking_event") == [(MILLION + accepted,)], 60
    )
    reader.stop.set()
    reader.join(120)
    assert all(len(sender.sent) - len(sender.accepted) <= 1 for sender in senders)
    assert accepted > 500
    assert statistics.median(delays) < 0.1
