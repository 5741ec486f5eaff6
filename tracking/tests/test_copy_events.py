"""An installation moves to ClickHouse and back, and nothing is lost on the way."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracking.tests.clickhouse import clickhouse
from tracking.tests.load import add_site
from tracking.tests.service import PYTHON, Service, service, wait_for

pytestmark = pytest.mark.service

FIGURES = (
    "from tracking.models import *; from tracking.reporting.query import *; "
    "from tracking.reporting.period import *; from datetime import date; "
    "site = Site.objects.get(); period = Period(date(2020, 1, 1), site.today(), site.zone); "
    "metrics = ('visitors', 'visits', 'pageviews', 'events', 'time_on_page', 'exit_rate'); "
    "ask = lambda *told: sorted((row.key, *row.values.values()) "
    "for row in answer(Query((site,), period, metrics, told))); "
    "print(repr([ask('page'), ask('event'), ask('prop:plan'), ask('source'), ask('country')]))"
)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Service]:
    with service(tmp_path / "data") as made:
        made.environment |= {"EVENTS_DATABASE_URL": "", "EVENTS_CLUSTER": ""}
        made.manage("migrate", "--verbosity", "0")
        add_site(made)
        made.manage("seed_demo", "--site", "example.com", "--events", "20000", "--days", "20")
        yield made


def figures(running: Service) -> str:
    return running.manage("shell", "--no-imports", "-c", FIGURES)


def test_there_and_back(running: Service) -> None:
    before = figures(running)
    with clickhouse() as server:
        running.environment |= server.environment("moved")
        running.manage("migrate", "--verbosity", "0")
        copy = subprocess.Popen(
            [PYTHON, "manage.py", "copy_events", "--to", "clickhouse"],
            env=running.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        rows = "SELECT count() FROM tracking_event"
        wait_for(lambda: server.nodes[0].rows(rows, "moved") > [(0,)])
        copy.send_signal(signal.SIGKILL)
        copy.wait()
        server.kill()
        server.start()

        told = running.manage("copy_events", "--to", "clickhouse")
        assert "every day has as many visits and events there as here" in told
        assert "Copied 0 rows" in running.manage("copy_events", "--to", "clickhouse")
        assert figures(running) == before

        for table in ("event", "visit"):
            running.execute(f"DELETE FROM tracking_{table}")
        running.manage("copy_events", "--to", "default")
    running.environment |= {"EVENTS_DATABASE_URL": "", "EVENTS_CLUSTER": ""}
    running.manage("rollup")
    assert figures(running) == before


def test_nothing_is_copied_while_the_worker_runs(running: Service) -> None:
    running.start_worker()
    wait_for((running.folder / "spool" / "worker.lock").exists)
    time.sleep(0.5)
    with clickhouse() as server:
        running.environment |= server.environment("moved")
        running.manage("migrate", "--verbosity", "0")
        with pytest.raises(AssertionError, match="The worker runs"):
            running.manage("copy_events", "--to", "clickhouse")
