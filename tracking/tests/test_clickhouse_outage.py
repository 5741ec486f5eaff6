"""Visits and events in a real ClickHouse, of one node and of two shards, under load: whatever is
killed, what was accepted is stored once."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from clickhouse_driver import Client

from tracking.tests.clickhouse import ClickHouse, clickhouse
from tracking.tests.clickhouse_rows import events_that_differ_from_their_visits
from tracking.tests.load import Sender, add_site, log_in, start_senders, stop_senders
from tracking.tests.service import Service, service, wait_for

pytestmark = pytest.mark.service

SENDERS = 3
DATABASE = "kills"


@dataclass
class World:
    running: Service
    events: ClickHouse

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Of ClickHouse, as they are read."""
        node = self.events.nodes[0]
        settings = {
            "final": 1,
            "exact_rows_before_limit": 1,
            "distributed_product_mode": "local",
        }
        with Client("127.0.0.1", node.port, database=DATABASE, settings=settings) as client:
            found: list[tuple[object, ...]] = client.execute(sql)
        return found


@pytest.fixture(params=[1, 2], ids=["one node", "two shards"])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    with clickhouse(request.param) as events:
        environment = events.environment(DATABASE)
        with service(tmp_path / "data", environment) as running:
            yield World(running, events)


def assert_exact(world: World, senders: Sequence[Sender], in_flight: int) -> None:
    labels = dict(world.running.rows("SELECT id, text FROM tracking_label"))
    stored = Counter(labels[page] for (page,) in world.rows("SELECT page_id FROM tracking_event"))
    sent = set().union(*(sender.sent for sender in senders))
    accepted = set().union(*(sender.accepted for sender in senders))
    assert accepted - set(stored) == set()
    assert set(stored) - sent == set()
    assert {page for page, count in stored.items() if count > 1} == set()
    assert len(set(stored) - accepted) <= in_flight
    assert world.rows("SELECT sum(events), sum(pageviews) FROM tracking_visit") == [
        (len(stored), len(stored))
    ]
    of_visits = "SELECT id, events FROM tracking_visit ORDER BY id"
    of_events = "SELECT visit_id, count() FROM tracking_event GROUP BY visit_id ORDER BY visit_id"
    assert world.rows(of_visits) == world.rows(of_events)
    assert world.rows(events_that_differ_from_their_visits()) == [(0,)]


def settle(world: World, seconds: float = 90) -> None:
    """What the last web process holds is final once it has ended."""
    world.running.kill("web")
    wait_for(world.running.queue_is_empty, seconds)


class KeptAlive(threading.Thread):
    """Starts nodes again that have died, as whatever runs a server does."""

    def __init__(self, events: ClickHouse) -> None:
        super().__init__(daemon=True)
        self.events = events
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.1):
            for node in self.events.nodes:
                if not node.is_running:
                    node.launch()

    def end(self) -> None:
        self.stop.set()
        self.join(60)
        self.events.start()


def kept_alive(events: ClickHouse) -> KeptAlive:
    keeper = KeptAlive(events)
    keeper.start()
    return keeper


def test_kill_9_of_worker_and_nodes_loses_and_doubles_nothing(world: World) -> None:
    running, events = world.running, world.events
    public_id = add_site(running)
    running.start_web()
    running.start_worker()
    senders = start_senders(running, public_id, range(SENDERS))
    chance = random.Random(1)
    keeper = kept_alive(events)
    for victim in ["worker", "node"] * 8:
        time.sleep(chance.uniform(0.1, 1.2))
        if victim == "worker":
            running.kill("worker")
            running.start_worker()
        elif process := chance.choice(events.nodes).process:
            process.kill()
    stop_senders(senders)
    settle(world)
    keeper.end()
    assert sum(len(sender.accepted) for sender in senders) > 500
    assert_exact(world, senders, in_flight=0)


def test_while_clickhouse_is_away_hits_are_collected_and_pages_say_so(world: World) -> None:
    running, events = world.running, world.events
    public_id = add_site(running)
    running.manage("collectstatic", "--noinput", "--verbosity", "0")
    running.start_web()
    running.start_worker()
    session = log_in(running)
    senders = start_senders(running, public_id, range(SENDERS))
    wait_for(lambda: running.rows("SELECT COUNT(*) FROM tracking_openvisit") > [(20,)])
    events.kill()
    before = sum(len(sender.accepted) for sender in senders)
    wait_for(lambda: sum(len(sender.accepted) for sender in senders) > before + 200)

    report = session.get(f"{running.url}/sites/1/")
    assert (report.status_code, "Hits are collected all the same" in report.text) == (503, True)
    health = session.get(f"{running.url}/admin/health/")
    assert (health.status_code, "Does not answer" in health.text) == (200, True), health.url
    assert health.text.count("not known") == 2  # hits of today: accepted, and stored
    first = session.get(f"{running.url}/admin/")
    assert (first.status_code, "No reports at the moment" in first.text) == (200, True)
    sites = session.get(running.url)
    assert sites.status_code == 503

    keeper = kept_alive(events)
    stop_senders(senders)
    settle(world)
    keeper.end()
    assert_exact(world, senders, in_flight=0)
    running.start_web()
    assert session.get(f"{running.url}/sites/1/").status_code == 200
