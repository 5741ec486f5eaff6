"""What is older than an installation keeps it goes, and nothing else."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from tracking.models import DailyStat, Event, Site, StaleDay, Visit
from tracking.processing import deletion, retention
from tracking.reporting.period import Period
from tracking.reporting.query import Query, answer
from tracking.reporting.rollups import reckon
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory
from tracking.tests.service import Service, service, wait_for

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
FIRST = date(2026, 4, 1)  # with two months kept
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("now", "months", "first"),
    [
        (NOW, 0, None),
        (NOW, 2, FIRST),
        (NOW, 6, date(2025, 12, 1)),
        (NOW, 18, date(2024, 12, 1)),
        # In Honolulu it is still May.
        (datetime(2026, 6, 1, 11, 59, tzinfo=UTC), 2, date(2026, 3, 1)),
        (datetime(2026, 6, 1, 12, tzinfo=UTC), 2, FIRST),
    ],
)
def test_whole_months_are_kept(
    settings: Settings, now: datetime, months: int, first: date | None
) -> None:
    settings.RETENTION_MONTHS = months
    assert retention.first_kept(now) == first


@pytest.mark.parametrize(("months", "is_refused"), [(-1, True), (0, False), (1201, True)])
def test_what_is_no_number_of_months_is_refused(
    settings: Settings, months: int, is_refused: bool
) -> None:
    settings.RETENTION_MONTHS = months
    assert ("tracking.E005" in [error.id for error in run_checks()]) is is_refused


def visit_at(site: Site, *moments: datetime) -> Visit:
    visit = VisitFactory.create(
        site=site, started_at=moments[0], ended_at=moments[-1], pageviews=len(moments)
    )
    for moment in moments:
        EventFactory.create(visit=visit, time=moment)
    return visit


@pytest.fixture
def visits(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[Visit]:
    """Of two sites; the last two are to stay. One goes on over the midnight at which the kept
    months begin."""
    monkeypatch.setattr(deletion, "AT_ONCE", 2)
    midnight = datetime(2026, 4, 1, tzinfo=UTC)
    with time_machine.travel(NOW):
        return [
            visit_at(site, datetime(2024, 12, 24, tzinfo=UTC)),
            visit_at(site, datetime(2026, 2, 1, tzinfo=UTC)),
            visit_at(site, midnight - 31 * MINUTE),
            visit_at(site, midnight - MINUTE, midnight + MINUTE),
            visit_at(SiteFactory.create(), datetime(2026, 3, 15, tzinfo=UTC)),
            visit_at(site, midnight + MINUTE),
            visit_at(site, NOW - MINUTE),
        ]


def pageviews(site: Site) -> float | None:
    period = Period(date(2024, 1, 1), NOW.date(), site.zone)
    with time_machine.travel(NOW):
        (row,) = answer(Query((site,), period, ("pageviews",)))
    return row["pageviews"]


def test_older_visits_go_with_all_of_their_events(
    site: Site, visits: list[Visit], settings: Settings
) -> None:
    settings.RETENTION_MONTHS = 2
    with time_machine.travel(NOW):
        assert retention.is_due(timezone.now())
        told = StringIO()
        call_command("apply_retention", stdout=told)
        assert "Deleted 5 visits from before 2026-04-01." in told.getvalue()
        assert not retention.is_due(timezone.now())
    kept = [visit.pk for visit in visits[-2:]]
    assert sorted(Visit.objects.values_list("pk", flat=True)) == kept
    assert sorted(Event.objects.values_list("visit", flat=True)) == kept
    assert pageviews(site) == 2


def test_whoever_is_interrupted_goes_on(
    site: Site, visits: list[Visit], settings: Settings
) -> None:
    settings.RETENTION_MONTHS = 2
    next(retention.delete_before(FIRST))
    with time_machine.travel(NOW):
        call_command("apply_retention", verbosity=0)
    assert Visit.objects.count() == 2
    assert Event.objects.count() == 2


@pytest.mark.not_on_clickhouse
def test_figures_that_have_been_reckoned_follow(
    site: Site, visits: list[Visit], settings: Settings
) -> None:
    settings.RETENTION_MONTHS = 2
    with time_machine.travel(NOW):
        for stale in StaleDay.objects.due(timezone.now()):
            assert reckon(stale)
        call_command("apply_retention", verbosity=0)
        assert pageviews(site) == 2
        for stale in StaleDay.objects.due(timezone.now()):
            assert reckon(stale)
        assert pageviews(site) == 2
        assert set(DailyStat.objects.values_list("day", flat=True)) == {FIRST}


def test_without_the_setting_everything_is_kept(visits: list[Visit]) -> None:
    assert not retention.is_due(NOW)
    with pytest.raises(CommandError, match="everything is kept"):
        call_command("apply_retention")
    assert Visit.objects.count() == 7


@pytest.mark.service
def test_it_is_done_beside_the_worker(tmp_path: Path) -> None:
    with service(tmp_path / "data") as running:
        running.manage("createsuperuser", "--noinput", "--email", "owner@example.com")
        running.manage("seed_demo", "--events", "900", "--days", "90")
        running.environment |= {"RETENTION_MONTHS": "1"}
        assert visits_kept(running) == (True, True)
        running.start_worker()
        wait_for(lambda: visits_kept(running) == (False, True))
        assert running.kill("worker", 15) == 0
        assert "Traceback" not in running.log("worker")


def visits_kept(running: Service) -> tuple[bool, bool]:
    """Whether there are any that are too old, and any that are not."""
    this_month = (datetime.now(UTC) - timedelta(hours=12)).date().replace(day=1)
    first = (this_month - timedelta(days=1)).replace(day=1)
    told = running.manage(
        "shell",
        "--no-imports",
        "--command",
        "from tracking.models import Visit; from datetime import date; "
        f"old = Visit.objects.filter(day__lt=date.fromisoformat('{first}')); "
        f"print(old.exists(), Visit.objects.filter(day__gte='{first}').exists())",
    )
    are_old, are_new = told.split()[-2:]
    return are_old == "True", are_new == "True"


@pytest.mark.not_on_clickhouse
def test_rows_of_a_site_that_is_gone_are_not_due_for_ever(site: Site, settings: Settings) -> None:
    settings.RETENTION_MONTHS = 2
    visit_at(site, NOW - timedelta(days=200))
    visit_at(site, NOW)
    StaleDay.objects.all().delete()
    Site.objects.filter(pk=site.pk)._raw_delete("default")
    assert retention.is_due(NOW)
    assert sum(retention.delete_before(FIRST)) == 0
    assert not retention.is_due(NOW)
    assert (Visit.objects.count(), Event.objects.count()) == (1, 1)
    Event.objects.all().delete()
    Visit.objects.all()._raw_delete("default")
