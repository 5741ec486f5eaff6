"""Visits that go over midnight, and sites whose days are not the same."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from tracking.models import Site, StaleDay
from tracking.reporting.filters import Condition, Did, Filter, Operator
from tracking.reporting.period import Period
from tracking.reporting.query import Query, answer
from tracking.reporting.rollups import differences, reckon
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory

FRIDAY, SATURDAY = date(2026, 3, 6), date(2026, 3, 7)
MINUTE = timedelta(minutes=1)
DOWNLOADED = Filter("event", Operator.IS, ("Download",))
ON_FRIDAY = Filter("weekday", Operator.IS, ("4",))
LATE_IN_THE_EVENING = Filter("hour", Operator.IS, ("23",))
OF_PRO = Filter("prop:plan", Operator.IS, ("Pro",))


@pytest.fixture
def late(site: Site) -> Site:
    """A site with a visit that downloads something on Friday at 23:50, and views a page on
    Saturday at 0:10."""
    began = datetime(2026, 3, 6, 23, 50, tzinfo=UTC)
    ended = began + 20 * MINUTE
    visit = VisitFactory.create(site=site, started_at=began, ended_at=ended, events=2)
    EventFactory.create(visit=visit, time=began, name="Download", props={"plan": "Pro"})
    EventFactory.create(visit=visit, time=ended)
    return site


@pytest.mark.parametrize(
    "is_reckoned", [False, pytest.param(True, marks=pytest.mark.not_on_clickhouse)]
)
@pytest.mark.parametrize(
    ("condition", "of_both_days", "of_saturday"),
    [
        (ON_FRIDAY, 2, 1),
        (LATE_IN_THE_EVENING, 2, 1),
        (Did(DOWNLOADED), 2, 1),
        (Did(DOWNLOADED, done=False), 0, 0),
        (Did(OF_PRO), 2, 1),
        (Did(OF_PRO, done=False), 0, 0),
        (DOWNLOADED, 1, 0),
    ],
)
def test_an_event_is_of_the_whole_visit(
    late: Site, condition: Condition, of_both_days: int, of_saturday: int, is_reckoned: bool
) -> None:
    if is_reckoned:
        for stale in StaleDay.objects.due(timezone.now()):
            assert reckon(stale)
        assert [differences(late, day) for day in (FRIDAY, SATURDAY)] == [[], []]

    def events(first: date) -> float | None:
        period = Period(first, SATURDAY, late.zone)
        (row,) = answer(Query((late,), period, ("events",), (), (condition,)))
        return row["events"]

    assert (events(FRIDAY), events(SATURDAY)) == (of_both_days, of_saturday)


@pytest.mark.django_db
@pytest.mark.parametrize("hour", [5, 10, 12])
def test_what_is_live_is_so_on_whichever_day_it_is_there(hour: int) -> None:
    now = datetime(2026, 3, 6, hour, 10, tzinfo=UTC)
    zones = ("America/New_York", "UTC", "Pacific/Kiritimati")
    sites = tuple(SiteFactory.create(time_zone=zone) for zone in zones)
    with time_machine.travel(now):
        for site in sites:
            visit = VisitFactory.create(site=site, started_at=now - 20 * MINUTE)
            EventFactory.create(visit=visit, time=now - 3 * MINUTE)
        for asked in (sites, sites[:1], sites[1:2], sites[2:]):
            period = Period.live(sites[0].zone, now)
            (row,) = answer(Query(asked, period, ("visits", "events")))
            assert (row["visits"], row["events"]) == (len(asked), len(asked))
