"""kill -9 of web server and worker under load: what was accepted is stored, once."""

import http.client
import itertools
import random
import threading
import time
import uuid
from collections import Counter
from pathlib import Path

import pytest

from tracking.tests.service import Service, service, wait_for

pytestmark = pytest.mark.service

ROUNDS = 20
SENDERS = 4


class Sender(threading.Thread):
    """Sends page views, each of a page of its own, until told to stop."""

    def __init__(self, running: Service, public_id: str, number: int) -> None:
        super().__init__(daemon=True)
        self.port, self.public_id, self.number = running.port, public_id, number
        self.sent: set[str] = set()
        self.accepted: set[str] = set()
        self.stop = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        for count in itertools.count():
            if self.stop.is_set():
                return
            page = f"/{self.number}/{count}"
            self.sent.add(page)
            try:
                connection.request(
                    "GET",
                    f"/t/{self.public_id}.gif?url=https://example.com{page}",
                    headers={"User-Agent": f"Mozilla/5.0 (X11; rv:1{count % 50}) Firefox/140.0"},
                )
                response = connection.getresponse()
                response.read()
                if response.status == 200:
                    self.accepted.add(page)
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.05)


def test_kill_9_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with service(tmp_path / "data") as running:
        running.manage("createsuperuser", "--noinput", "--email", "owner@example.com")
        running.manage("add_site", "example.com", "--owner", "owner@example.com")
        ((public_id,),) = running.rows("SELECT public_id FROM tracking_site")
        running.execute("UPDATE tracking_site SET hits_a_minute = NULL")
        running.start_web()
        running.start_worker()
        senders = [Sender(running, as_uuid(public_id), number) for number in range(SENDERS)]
        for sender in senders:
            sender.start()
        chance = random.Random(1)
        for name in ["web", "worker"] * ROUNDS:
            time.sleep(chance.uniform(0.05, 0.6))
            running.kill(name)
            running.start_web() if name == "web" else running.start_worker()
        for sender in senders:
            sender.stop.set()
            sender.join(10)
        # Both have died at least so often; whatever the last web process holds is final now.
        running.kill("web")
        wait_for(running.queue_is_empty, 60)
        stored = Counter(page for (page,) in running.rows("SELECT page FROM tracking_event"))

        sent = set().union(*(sender.sent for sender in senders))
        accepted = set().union(*(sender.accepted for sender in senders))
        assert len(accepted) > 1000
        assert accepted - set(stored) == set()
        assert set(stored) - sent == set()
        assert {page for page, count in stored.items() if count > 1} == set()
        ((events, pageviews),) = running.rows(
            "SELECT SUM(events), SUM(pageviews) FROM tracking_visit"
        )
        assert (events, pageviews) == (len(stored), len(stored))
        assert running.rows("SELECT name FROM tracking_queuefile") == []
        # At most the requests in flight at a kill were kept without their sender hearing of it.
        assert len(set(stored) - accepted) <= ROUNDS * SENDERS


def test_sigterm_ends_web_and_worker_within_two_seconds(tmp_path: Path) -> None:
    with service(tmp_path / "data") as running:
        running.start_web()
        running.start_worker()
        time.sleep(2)
        for name in ("web", "worker"):
            began = time.monotonic()
            assert running.kill(name, 15) == 0
            assert time.monotonic() - began < 2


def as_uuid(value: object) -> str:
    """SQLite keeps UUIDs as 32 hexadecimal digits."""
    return str(uuid.UUID(str(value)))
