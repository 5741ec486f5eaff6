"""PostgreSQL stopped, its processes killed, two hosts on one: the figures are exact."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracking.tests.load import (
    Sender,
    add_site,
    assert_exact,
    post_all,
    start_senders,
    stop_senders,
)
from tracking.tests.postgres import INITDB, PG_CTL, PostgresServer, postgres_server
from tracking.tests.service import Service, wait_for
from tracking.tests.test_exact import beacon, counted, settle

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(
        not (INITDB and PG_CTL),
        reason="There is no PostgreSQL server here (on Debian: apt install postgresql).",
    ),
]

ROUNDS = 20
SENDERS = 4


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with postgres_server() as started:
        yield started


@pytest.fixture
def hosts(server: PostgresServer, tmp_path: Path) -> Iterator[tuple[Service, Service]]:
    """Two data folders with one secret key, on one database."""
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        host = Service(tmp_path / name, server.url)
        host.environment |= {"TRUSTED_PROXIES": "1", "SECRET_KEY": "the same for both hosts" * 3}
        made.append(host)
    made[0].manage("migrate", "--verbosity", "0")
    one, two = made
    try:
        yield one, two
    finally:
        for host in made:
            for name in list(host.processes):
                host.kill(name)


def test_while_the_server_is_stopped_all_hits_are_accepted_and_none_is_lost(
    server: PostgresServer, hosts: tuple[Service, Service]
) -> None:
    running, _ = hosts
    public_id = add_site(running)
    running.start_web()
    running.start_worker()
    assert post_all(running, public_id, [(0, beacon("/"))]) == {202: 1}
    server.stop()
    answers = post_all(running, public_id, [(visitor, beacon("/")) for visitor in range(300)])
    # A web process that starts meanwhile knows the sites from its list.
    running.kill("web")
    running.start_web()
    answers += post_all(running, public_id, [(visitor, beacon("/b")) for visitor in range(300)])
    assert answers == {202: 600}
    server.start()
    settle(running)
    assert counted(running) == (300, 300, 601)


def test_a_killed_backend_loses_and_doubles_nothing(
    server: PostgresServer, hosts: tuple[Service, Service]
) -> None:
    """The server ends all connections when one of its processes dies, and recovers."""
    running, _ = hosts
    public_id = add_site(running)
    running.start_web()
    running.start_worker()
    senders = start_senders(running, public_id, range(SENDERS))
    chance = random.Random(1)
    killed = 0
    deadline = time.monotonic() + 120
    while killed < ROUNDS and time.monotonic() < deadline:
        time.sleep(chance.uniform(0.1, 0.8))
        killed += server.kill_backend(chance.randrange(100))
    stop_senders(senders)
    assert killed == ROUNDS
    settle(running, 240)  # much has piled up
    assert sum(len(sender.accepted) for sender in senders) > 1000
    assert_exact(running, senders)
    assert running.rows("SELECT name FROM tracking_queuefile") == []


def test_two_hosts_on_one_database_count_exactly(hosts: tuple[Service, Service]) -> None:
    """Each with its own queue and worker; a load balancer keeps a visitor on one host."""
    public_id = add_site(hosts[0])
    for host in hosts:
        host.start_web()
        host.start_worker()
    for load in range(3):
        for number, host in enumerate(hosts):
            hits = [(visitor, beacon(f"/{load}")) for visitor in range(number, 600, 2)]
            bots = [(visitor, beacon("/bot", url="javascript:0")) for visitor in range(50)]
            answers: Counter[int] = post_all(host, public_id, [*hits, *bots])
            assert answers == {202: 350}
    for host in hosts:
        settle(host)
    assert counted(hosts[0]) == (600, 600, 1800)
    assert hosts[0].rows("SELECT reason, hits, kept FROM tracking_excludedday") == [
        ("invalid", 300, 300)
    ]
    assert hosts[0].rows("SELECT COUNT(*) FROM tracking_excludedhit") == [(300,)]


def start_under_load(hosts: tuple[Service, Service], public_id: str) -> list[Sender]:
    """Web server and worker of both, and two who send to each."""
    for host in hosts:
        host.start_web()
        host.start_worker()
    return [
        *start_senders(hosts[0], public_id, range(2)),
        *start_senders(hosts[1], public_id, range(2, 4)),
    ]


def test_of_two_hosts_each_may_be_killed(hosts: tuple[Service, Service]) -> None:
    public_id = add_site(hosts[0])
    senders = start_under_load(hosts, public_id)
    chance = random.Random(2)
    for _ in range(5):
        for host in hosts:
            time.sleep(chance.uniform(0.05, 0.5))
            name = chance.choice(["web", "worker"])
            host.kill(name)
            host.start_web() if name == "web" else host.start_worker()
    stop_senders(senders)
    for host in hosts:
        host.kill("web")
        wait_for(host.queue_is_empty, 60)
    assert_exact(hosts[0], senders, in_flight=10 * SENDERS)


# Deletes whatever has been counted, again and again, as its owner may; then the site.
DELETING = """
import time
from datetime import date
from tracking.models import Site
from tracking.processing import deletion
site, deleted, end = Site.objects.get(), 0, time.monotonic() + 120
while deleted < 1000 and time.monotonic() < end:
    deleted += deletion.delete(site, deletion.Choice(last=date.max))
    time.sleep(0.05)
print(deleted)
"""
WITHOUT_VISIT = """
    SELECT COUNT(*) FROM tracking_event AS event
    LEFT JOIN tracking_visit AS visit ON visit.id = event.visit_id WHERE visit.id IS NULL
"""
MISCOUNTED = """
    SELECT COUNT(*) FROM tracking_visit AS visit WHERE events <>
    (SELECT COUNT(*) FROM tracking_event AS event WHERE event.visit_id = visit.id)
"""


def test_what_is_deleted_under_load_leaves_nothing_behind(hosts: tuple[Service, Service]) -> None:
    """No foreign key watches over visits and events: workers and deleters lock the site."""
    public_id = add_site(hosts[0])
    senders = start_under_load(hosts, public_id)
    deleted = int(hosts[0].manage("shell", "--verbosity", "0", "-c", DELETING))
    assert deleted >= 1000
    wait_for(lambda: hosts[0].rows("SELECT 1 FROM tracking_event LIMIT 1"))
    assert hosts[0].rows(WITHOUT_VISIT) == [(0,)]
    assert hosts[0].rows(MISCOUNTED) == [(0,)]
    site_goes = "from tracking.models import Site; print(Site.objects.get().delete()[0])"
    hosts[0].manage("shell", "--verbosity", "0", "-c", site_goes)
    stop_senders(senders)
    for host in hosts:
        settle(host)
    for table in ("event", "visit", "recenthit", "staleday"):
        assert hosts[0].rows(f"SELECT COUNT(*) FROM tracking_{table}") == [(0,)]
