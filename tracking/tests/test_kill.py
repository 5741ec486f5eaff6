"""kill -9 of web server and worker under load: what was accepted is stored, once."""

import random
import time
from pathlib import Path

import pytest

from tracking.tests.load import add_site, assert_exact, start_senders, stop_senders
from tracking.tests.service import service, wait_for

pytestmark = pytest.mark.service

ROUNDS = 20
SENDERS = 4


def test_kill_9_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with service(tmp_path / "data") as running:
        public_id = add_site(running)
        running.start_web()
        running.start_worker()
        senders = start_senders(running, public_id, range(SENDERS))
        chance = random.Random(1)
        for name in ["web", "worker"] * ROUNDS:
            time.sleep(chance.uniform(0.05, 0.6))
            running.kill(name)
            running.start_web() if name == "web" else running.start_worker()
        stop_senders(senders)
        # Both have died at least so often; whatever the last web process holds is final now.
        running.kill("web")
        wait_for(running.queue_is_empty, 60)
        assert sum(len(sender.accepted) for sender in senders) > 1000
        assert_exact(running, senders, in_flight=ROUNDS * SENDERS)
        assert running.rows("SELECT name FROM tracking_queuefile") == []


def test_sigterm_ends_web_and_worker_within_two_seconds(tmp_path: Path) -> None:
    with service(tmp_path / "data") as running:
        running.start_web()
        running.start_worker()
        wait_for((running.folder / "spool" / "worker.lock").exists)  # it is at work
        for name in ("web", "worker"):
            began = time.monotonic()
            assert running.kill(name, 15) == 0
            assert time.monotonic() - began < 2
