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
