from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from tracking.reporting.period import Interval, Period, Preset, add_months

NEW_YORK = ZoneInfo("America/New_York")
KATHMANDU = ZoneInfo("Asia/Kathmandu")  # UTC+05:45
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def utc(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("preset", "first", "interval", "buckets"),
    [
        (Preset.TODAY, date(2026, 3, 10), Interval.HOUR, 24),
        (Preset.WEEK, date(2026, 3, 4), Interval.DAY, 7),
        (Preset.THIRTY_DAYS, date(2026, 2, 9), Interval.DAY, 30),
        (Preset.YEAR, date(2025, 4, 1), Interval.MONTH, 12),
    ],
)
def test_presets_end_today(preset: Preset, first: date, interval: Interval, buckets: int) -> None:
    period = Period.of(preset, ZoneInfo("UTC"), NOON)

    assert period == Period(first, date(2026, 3, 10), ZoneInfo("UTC"), interval)
    assert len(period.buckets()) == buckets


def test_today_is_the_sites() -> None:
    evening = utc(2026, 3, 10, 18, 30)
    assert Period.of(Preset.TODAY, NEW_YORK, evening).first == date(2026, 3, 10)
    assert Period.of(Preset.TODAY, KATHMANDU, evening).first == date(2026, 3, 11)


def test_bounds_are_the_zones_midnights() -> None:
    winter = Period(date(2026, 1, 10), date(2026, 1, 12), NEW_YORK)
    assert (winter.start, winter.end) == (utc(2026, 1, 10, 5), utc(2026, 1, 13, 5))

    nepal = Period(date(2026, 1, 10), date(2026, 1, 10), KATHMANDU)
    assert (nepal.start, nepal.end) == (utc(2026, 1, 9, 18, 15), utc(2026, 1, 10, 18, 15))


@pytest.mark.parametrize(
    ("zone", "day", "length", "first", "last"),
    [
        ("America/New_York", date(2026, 3, 8), 23, utc(2026, 3, 8, 5), utc(2026, 3, 9, 3)),
        ("America/New_York", date(2026, 11, 1), 25, utc(2026, 11, 1, 4), utc(2026, 11, 2, 4)),
        ("Asia/Kathmandu", date(2026, 3, 8), 24, utc(2026, 3, 7, 18, 15), utc(2026, 3, 8, 17, 15)),
        # Half an hour's change, and a midnight that the clocks skip.
        ("Australia/Lord_Howe", date(2026, 4, 5), 24, utc(2026, 4, 4, 13), utc(2026, 4, 5, 12, 30)),
        ("Africa/Cairo", date(2026, 4, 24), 23, utc(2026, 4, 23, 22), utc(2026, 4, 24, 20)),
    ],
)
def test_a_day_has_the_hours_of_its_clock(
    zone: str, day: date, length: int, first: datetime, last: datetime
) -> None:
    buckets = Period(day, day, ZoneInfo(zone), Interval.HOUR).buckets()

    assert len(buckets) == length
    assert (buckets[0].start, buckets[-1].start) == (first, last)
    assert {bucket.first_day for bucket in buckets} == {day}


@pytest.mark.parametrize("preset", Preset)
@pytest.mark.parametrize("now", [utc(2026, 3, 8, 20), utc(2026, 11, 1, 20)])
def test_buckets_cover_the_period_without_gap(preset: Preset, now: datetime) -> None:
    period = Period.of(preset, NEW_YORK, now)
    buckets = period.buckets()

    assert buckets[0].start == period.start
    assert all(one.end == following.start for one, following in pairwise(buckets))
    assert buckets[-1].end >= period.end


def test_days_around_a_change_of_clocks() -> None:
    buckets = Period(date(2026, 3, 7), date(2026, 3, 9), NEW_YORK).buckets()
    lengths = [(bucket.end - bucket.start) / timedelta(hours=1) for bucket in buckets]
    assert lengths == [24, 23, 24]


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        (Preset.TODAY, date(2026, 3, 9), date(2026, 3, 9)),
        (Preset.WEEK, date(2026, 2, 25), date(2026, 3, 3)),
        (Preset.THIRTY_DAYS, date(2026, 1, 10), date(2026, 2, 8)),
        (Preset.YEAR, date(2024, 4, 1), date(2025, 3, 10)),
    ],
)
def test_the_previous_period_ends_where_this_begins(
    preset: Preset, first: date, last: date
) -> None:
    previous = Period.of(preset, ZoneInfo("UTC"), NOON).previous()
    assert (previous.first, previous.last) == (first, last)


def test_a_period_can_end_at_the_same_time_of_day() -> None:
    now = utc(2026, 3, 9, 16, 30)  # 12:30 in New York, on the day after the change of clocks
    yesterday = Period.of(Preset.TODAY, NEW_YORK, now).previous()

    assert yesterday.until(now).end == utc(2026, 3, 8, 16, 30)
    assert yesterday.previous().until(now).end == utc(2026, 3, 7, 17, 30)
    assert len(yesterday.until(now).buckets()) == 23


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2024, 2, 29), -12, date(2023, 2, 28)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
    ],
)
def test_months_are_added_on_the_calendar(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected
