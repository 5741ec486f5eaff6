"""The worker has days reckoned that are over, by a process beside it."""

from pathlib import Path

import pytest

from tracking.tests.service import Service, service, wait_for

pytestmark = [pytest.mark.service, pytest.mark.not_on_clickhouse]

ALL_STALE = """
from tracking.models import DailyStat, Event, Site, StaleDay
DailyStat.objects.all().delete()
StaleDay.objects.note(Site.objects.get(), Event.objects.values_list("day", flat=True).distinct())
"""


def days_of(running: Service, table: str) -> set[str]:
    return {str(day) for (day,) in running.rows(f"SELECT DISTINCT day FROM tracking_{table}")}


def test_days_that_are_over_are_reckoned_beside_the_worker(tmp_path: Path) -> None:
    with service(tmp_path / "data") as running:
        running.manage("createsuperuser", "--noinput", "--email", "owner@example.com")
        running.manage("seed_demo", "--events", "500")
        running.manage("shell", "--command", ALL_STALE)
        days = days_of(running, "event")
        assert (days_of(running, "staleday"), days_of(running, "dailystat")) == (days, set())
        running.start_worker()
        # All but today, if something has happened today.
        wait_for(lambda: len(days - days_of(running, "dailystat")) <= 1)
        assert days_of(running, "staleday") == days - days_of(running, "dailystat")
        assert running.kill("worker", 15) == 0
        assert "Traceback" not in running.log("worker")
