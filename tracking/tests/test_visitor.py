from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from tracking.models import Salt, Site, Visit
from tracking.processing.visitor import Visitors
from tracking.tests.hits import NOON, process_hits, record


@pytest.mark.usefixtures("in_the_afternoon")
def test_ids_of_a_day_are_the_same_for_every_worker_and_others_on_another_day(site: Site) -> None:
    process_hits(record(site, NOON))
    process_hits(record(site, NOON + timedelta(hours=2)))
    process_hits(record(site, NOON - timedelta(days=1)))
    third, first, second = Visit.objects.order_by("started_at").values_list("visitor_id", flat=True)
    assert first == second
    assert second != third


@pytest.mark.django_db
def test_a_salt_is_random_and_lasts() -> None:
    one = Visitors().salt(date(2026, 6, 15))
    assert len(one) == 32
    assert Visitors().salt(date(2026, 6, 15)) == one
    assert Visitors().salt(date(2026, 6, 16)) != one


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("now", "kept"),
    [
        (datetime(2026, 6, 15, 23, 59, tzinfo=UTC), [13, 14, 15]),
        (datetime(2026, 6, 16, 0, 0, tzinfo=UTC), [14, 15]),
    ],
)
def test_salts_are_destroyed_two_days_after_their_day(now: datetime, kept: list[int]) -> None:
    visitors = Visitors()
    salts = {day: visitors.salt(date(2026, 6, day)) for day in (10, 11, 12, 13, 14, 15, 25)}
    with time_machine.travel(now, tick=False):
        visitors.forget_salts(now)
    days = Salt.objects.order_by("day").values_list("day", flat=True)
    assert [day.day for day in days] == kept
    assert visitors.salt(date(2026, 6, 11)) != salts[11]
    assert visitors.salt(date(2026, 6, 15)) == salts[15]


# Days of the site's calendar

ZONES_AND_MIDNIGHTS = [
    ("UTC", datetime(2026, 6, 16, 0, 0, tzinfo=UTC)),
    ("Pacific/Kiritimati", datetime(2026, 6, 15, 10, 0, tzinfo=UTC)),  # 14 hours ahead
    ("Pacific/Niue", datetime(2026, 6, 16, 11, 0, tzinfo=UTC)),  # 11 hours behind
    ("Asia/Kathmandu", datetime(2026, 6, 15, 18, 15, tzinfo=UTC)),
    # The nights after the clocks went forward, and back: days of 23 and of 25 hours.
    ("Europe/Berlin", datetime(2026, 3, 29, 22, 0, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 23, 0, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 2, 5, 0, tzinfo=UTC)),
    # Here they went forward at midnight: the day begins at one o'clock.
    ("America/Santiago", datetime(2026, 9, 6, 4, 0, tzinfo=UTC)),
]


@pytest.mark.parametrize(("zone", "midnight"), ZONES_AND_MIDNIGHTS)
def test_a_visitor_is_another_one_from_the_sites_midnight_on(
    site: Site, zone: str, midnight: datetime
) -> None:
    Site.objects.update(time_zone=zone)
    hour, second = timedelta(hours=1), timedelta(seconds=1)
    with time_machine.travel(midnight + 25 * hour):
        process_hits(
            *(
                record(site, midnight + moment)
                for moment in (-20 * hour, -second, 10 * hour, 22 * hour)
            )
        )
    first, second_, third, fourth = Visit.objects.order_by("started_at")
    assert (first.visitor_id, third.visitor_id) == (second_.visitor_id, fourth.visitor_id)
    assert first.visitor_id != third.visitor_id
    assert (first.day, third.day - first.day) == (second_.day, timedelta(days=1))


@pytest.mark.parametrize(("zone", "midnight"), ZONES_AND_MIDNIGHTS)
def test_a_visit_goes_on_over_the_sites_midnight(site: Site, zone: str, midnight: datetime) -> None:
    Site.objects.update(time_zone=zone)
    minute = timedelta(minutes=1)
    with time_machine.travel(midnight + 20 * minute):
        process_hits(record(site, midnight - 10 * minute))
        process_hits(record(site, midnight + 10 * minute))
    visit = Visit.objects.get()
    assert (visit.pageviews, visit.started_at) == (2, midnight - 10 * minute)


@pytest.mark.parametrize("zone", sorted({zone for zone, _ in ZONES_AND_MIDNIGHTS}))
@pytest.mark.parametrize(
    "change", [datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)]
)
def test_salts_live_for_as_long_as_they_are_needed_and_no_longer(
    site: Site, zone: str, change: datetime
) -> None:
    """Around the days on which clocks change, each hour: today's and yesterday's salts stay the
    same, and none is older than that of the day before the day before yesterday."""
    site.time_zone = zone
    visitors, known = Visitors(), dict[date, bytes]()
    for hours in range(24 * 6):
        now = change + timedelta(hours=hours)
        with time_machine.travel(now, tick=False):
            visitors.forget_salts(now)
            today = site.today()
            for day in (today, today - timedelta(days=1)):
                assert visitors.salt(day) == known.setdefault(day, visitors.salt(day))
            oldest = Salt.objects.earliest("day").day
            assert today - timedelta(days=3) <= oldest <= today - timedelta(days=1)
