from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from tracking.models import DailyStat, DayColumn, Event, Site, StaleDay, Visit
from tracking.processing.deletion import Choice, delete
from tracking.reporting import rollups
from tracking.reporting.columns import NAMES
from tracking.reporting.period import Period
from tracking.reporting.query import Query, answer
from tracking.reporting.rollups import STATS, reckon
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.not_on_clickhouse,
    pytest.mark.time_machine("2026-03-10T12:00Z", tick=False),
]

DAY = date(2026, 3, 8)
NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)


def visitors(site: Site) -> Any:
    [row] = answer(Query((site,), Period(DAY, DAY, site.zone), ("visitors",)))
    return row["visitors"]


def stale_days() -> list[date]:
    return list(StaleDay.objects.order_by("day").values_list("day", flat=True))


def reckon_due() -> int:
    return sum(reckon(stale) for stale in StaleDay.objects.due(timezone.now()))


@pytest.fixture
def visit(site: Site) -> Visit:
    visit = VisitFactory(site=site, started_at=NOON)
    EventFactory(visit=visit)
    return visit


def test_a_reckoned_day_is_no_longer_read_from_its_rows(site: Site, visit: Visit) -> None:
    assert reckon_due() == 1
    assert stale_days() == []
    assert set(DailyStat.objects.values_list("name", flat=True)) == set(STATS)
    assert set(DayColumn.objects.values_list("name", flat=True)) == set(NAMES)

    Event.objects.all()._raw_delete("default")  # behind everybody's back
    Visit.objects.all()._raw_delete("default")
    assert visitors(site) == 1


def test_a_day_that_runs_is_not_due(site: Site) -> None:
    VisitFactory(site=site, started_at=timezone.now())
    assert reckon_due() == 0

    with time_machine.travel("2026-03-11T00:01Z"):  # hits may still be on their way
        assert reckon_due() == 0
    with time_machine.travel("2026-03-11T00:03Z"):
        assert reckon_due() == 1


def test_days_end_with_the_sites_midnight() -> None:
    tokyo = SiteFactory(time_zone="Asia/Tokyo")
    VisitFactory(site=tokyo, started_at=datetime(2026, 3, 9, 14, 59, tzinfo=UTC))  # still the 9th
    VisitFactory(site=tokyo, started_at=datetime(2026, 3, 9, 15, 0, tzinfo=UTC))

    assert [stale.day for stale in StaleDay.objects.due(timezone.now())] == [date(2026, 3, 9)]


def test_a_day_that_changes_meanwhile_stays_stale(
    site: Site, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = rollups.Reckoning.of

    def slowly(site: Site, day: date) -> rollups.Reckoning:
        found = original(site, day)
        VisitFactory(site=site, started_at=NOON)
        return found

    monkeypatch.setattr(rollups.Reckoning, "of", slowly)
    assert reckon_due() == 0
    assert (stale_days(), DailyStat.objects.count(), visitors(site)) == ([DAY], 0, 2)
    monkeypatch.undo()
    assert reckon_due() == 1
    assert visitors(site) == 2


def test_a_visit_that_is_deleted_is_no_longer_counted(site: Site, visit: Visit) -> None:
    VisitFactory(site=site, started_at=NOON, source="Google")
    reckon_due()
    visit.delete()
    assert visitors(site) == 1
    reckon_due()
    assert visitors(site) == 1
    delete(site, Choice(source="Google"))
    assert visitors(site) == 0
    assert reckon_due() == 1
    assert not DailyStat.objects.exists()
    assert visitors(site) == 0


def test_all_days_are_stale_after_a_change_of_the_time_zone(site: Site, visit: Visit) -> None:
    reckon_due()
    site.name = "Another name"
    site.save()
    assert stale_days() == []
    site.time_zone = "Asia/Tokyo"
    site.save()
    assert stale_days() == [DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)]


def test_what_is_reckoned_goes_with_the_site(site: Site, visit: Visit) -> None:
    reckon_due()
    VisitFactory(site=site)
    site.delete()
    assert not DailyStat.objects.exists()
    assert not DayColumn.objects.exists()
    assert not StaleDay.objects.exists()


def test_one_day_that_cannot_be_reckoned_does_not_hold_up_the_others(
    site: Site, visit: Visit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    VisitFactory(site=site, started_at=NOON + timedelta(days=1))
    original = rollups.Reckoning.of

    def of(site: Site, day: date) -> rollups.Reckoning:
        if day > DAY:
            raise ValueError("a broken day")
        return original(site, day)

    monkeypatch.setattr(rollups.Reckoning, "of", of)
    with pytest.raises(CommandError, match="1 days could not be reckoned"):
        call_command("rollup")
    assert stale_days() == [DAY + timedelta(days=1)]
    assert "2026-03-09 of example.com could not be reckoned" in caplog.text


# The command


def test_the_command_does_what_is_due(
    site: Site, visit: Visit, capsys: pytest.CaptureFixture[str]
) -> None:
    VisitFactory(site=site, started_at=timezone.now())
    call_command("rollup")
    assert capsys.readouterr().out == "Reckoned 1 days.\n"
    assert stale_days() == [date(2026, 3, 10)]


def test_the_command_does_days_again(
    site: Site, visit: Visit, capsys: pytest.CaptureFixture[str]
) -> None:
    VisitFactory(site=SiteFactory(domain="other.example"), started_at=NOON)
    reckon_due()
    DailyStat.objects.all().delete()
    call_command("rollup", "--site", site.domain, "--from", "2026-03-01", "--to", "2026-03-08")
    assert capsys.readouterr().out == "Reckoned 1 days.\n"
    assert set(DailyStat.objects.values_list("site", "day")) == {(site.pk, DAY)}


def test_the_command_tells_what_differs(
    site: Site, visit: Visit, capsys: pytest.CaptureFixture[str]
) -> None:
    VisitFactory(site=site, started_at=NOON + timedelta(days=1))
    reckon_due()
    call_command("rollup", "--check")
    assert capsys.readouterr().out == "2 days are as their visits and events say.\n"

    visit.browser = "Lynx"
    visit.save()
    message = r"1 of 2 days differ\. Reckon them again"
    with pytest.raises(CommandError, match=message):
        call_command("rollup", "--check")
    assert capsys.readouterr().out == "example.com on 2026-03-08: browser, visit.browser\n"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--site", "nowhere.example"], "There is no site nowhere.example."),
        (["--from", "yesterday"], "yesterday is not a day as in 2026-03-31."),
    ],
)
def test_the_command_says_what_is_wrong(site: Site, options: list[str], complaint: str) -> None:
    with pytest.raises(CommandError) as error:
        call_command("rollup", *options)
    assert complaint in str(error.value)
