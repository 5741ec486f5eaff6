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
    ("preset", "first", "last", "interval", "buckets"),
    [
        (Preset.TODAY, date(2026, 3, 10), date(2026, 3, 10), Interval.HOUR, 24),
        (Preset.YESTERDAY, date(2026, 3, 9), date(2026, 3, 9), Interval.HOUR, 24),
        (Preset.WEEK, date(2026, 3, 4), date(2026, 3, 10), Interval.DAY, 7),
        (Preset.FOUR_WEEKS, date(2026, 2, 11), date(2026, 3, 10), Interval.DAY, 28),
        (Preset.THIRTY_DAYS, date(2026, 2, 9), date(2026, 3, 10), Interval.DAY, 30),
        (Preset.THIRTEEN_WEEKS, date(2025, 12, 10), date(2026, 3, 10), Interval.DAY, 91),
        (Preset.WEEK_TO_DATE, date(2026, 3, 9), date(2026, 3, 10), Interval.DAY, 2),
        (Preset.MONTH, date(2026, 3, 1), date(2026, 3, 31), Interval.DAY, 31),
        (Preset.MONTH_TO_DATE, date(2026, 3, 1), date(2026, 3, 10), Interval.DAY, 10),
        (Preset.CALENDAR_YEAR, date(2026, 1, 1), date(2026, 12, 31), Interval.MONTH, 12),
        (Preset.YEAR_TO_DATE, date(2026, 1, 1), date(2026, 3, 10), Interval.MONTH, 3),
        (Preset.YEAR, date(2025, 4, 1), date(2026, 3, 10), Interval.MONTH, 12),
    ],
)
def test_presets(preset: Preset, first: date, last: date, interval: Interval, buckets: int) -> None:
    period = Period.of(preset, ZoneInfo("UTC"), NOON)

    assert (period.first, period.last, period.interval) == (first, last, interval)
    assert len(period.buckets()) == buckets


def test_a_month_or_year_can_be_another_one() -> None:
    month = Period.of(Preset.MONTH, NEW_YORK, NOON, on=date(2024, 2, 29))
    year = Period.of(Preset.CALENDAR_YEAR, NEW_YORK, NOON, on=date(2024, 2, 29))

    assert (month.first, month.last) == (date(2024, 2, 1), date(2024, 2, 29))
    assert (year.first, year.last) == (date(2024, 1, 1), date(2024, 12, 31))


def test_a_custom_period_has_the_days_that_are_given() -> None:
    first, last = date(2025, 12, 24), date(2026, 1, 2)
    period = Period.of(Preset.CUSTOM, NEW_YORK, NOON, first=first, last=last)

    assert (period.first, period.last, period.interval) == (first, last, Interval.DAY)
    with pytest.raises(ValueError, match="The period ends before it begins"):
        Period.of(Preset.CUSTOM, NEW_YORK, NOON, first=last, last=first)
    with pytest.raises(ValueError, match="0001-01-01 lies outside of what can be reported on"):
        Period.of(Preset.CUSTOM, NEW_YORK, NOON, first=date.min, last=last)


def test_all_time_begins_with_the_first_day() -> None:
    period = Period.of(Preset.ALL, NEW_YORK, NOON, first=date(2023, 5, 17))
    nothing_yet = Period.of(Preset.ALL, NEW_YORK, NOON)

    assert (period.first, period.last) == (date(2023, 5, 17), date(2026, 3, 10))
    assert period.buckets()[0].first_day == date(2023, 5, 17)
    assert period.buckets()[1].first_day == date(2023, 6, 1)
    assert nothing_yet.first == nothing_yet.last == date(2026, 3, 10)


def test_live_is_the_last_thirty_minutes() -> None:
    now = utc(2026, 3, 10, 0, 4, 30)
    period = Period.of(Preset.LIVE, ZoneInfo("UTC"), now)
    buckets = period.buckets()

    assert (period.start, period.end) == (utc(2026, 3, 9, 23, 35), utc(2026, 3, 10, 0, 5))
    assert (period.first, period.last) == (date(2026, 3, 9), date(2026, 3, 10))
    assert (len(buckets), buckets[0].start, buckets[-1].end) == (30, period.start, period.end)
    assert (period.previous().start, period.previous().end) == (
        utc(2026, 3, 9, 23, 5),
        utc(2026, 3, 9, 23, 35),
    )
    assert period.year_before().start == utc(2025, 3, 10, 23, 35)


@pytest.mark.parametrize(
    ("preset", "intervals"),
    [
        (Preset.LIVE, "minute"),
        (Preset.TODAY, "minute hour"),
        (Preset.WEEK, "hour day"),
        (Preset.THIRTY_DAYS, "day week"),
        (Preset.YEAR, "day week month"),
    ],
)
def test_intervals_fit_the_period(preset: Preset, intervals: str) -> None:
    assert " ".join(Period.of(preset, NEW_YORK, NOON).intervals) == intervals


def test_another_interval_is_taken_if_it_fits() -> None:
    period = Period.of(Preset.THIRTY_DAYS, ZoneInfo("UTC"), NOON)
    weeks = period.by(Interval.WEEK)

    assert [bucket.first_day.isoformat() for bucket in weeks.buckets()] == [
        "2026-02-09",
        "2026-02-16",
        "2026-02-23",
        "2026-03-02",
        "2026-03-09",
    ]
    assert period.by(Interval.MINUTE) == period
    day = Period.of(Preset.TODAY, NEW_YORK, utc(2026, 3, 8, 12)).by(Interval.MINUTE)
    assert len(day.buckets()) == 23 * 60


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
        (Preset.WEEK_TO_DATE, date(2026, 3, 2), date(2026, 3, 3)),
        (Preset.MONTH, date(2026, 2, 1), date(2026, 2, 28)),
        (Preset.MONTH_TO_DATE, date(2026, 2, 1), date(2026, 2, 10)),
        (Preset.CALENDAR_YEAR, date(2025, 1, 1), date(2025, 12, 31)),
        (Preset.YEAR_TO_DATE, date(2025, 1, 1), date(2025, 3, 10)),
        (Preset.YEAR, date(2024, 4, 1), date(2025, 3, 10)),
    ],
)
def test_the_previous_period_is_as_long(preset: Preset, first: date, last: date) -> None:
    previous = Period.of(preset, ZoneInfo("UTC"), NOON).previous()
    assert (previous.first, previous.last) == (first, last)


def test_whole_months_are_compared_with_whole_months() -> None:
    february = Period.of(Preset.MONTH, NEW_YORK, NOON, on=date(2024, 2, 1))
    for before, last in (
        (february.previous(), date(2024, 1, 31)),
        (february.year_before(), date(2023, 2, 28)),
    ):
        assert (before.first, before.last) == (last.replace(day=1), last)


def test_weekdays_can_be_compared_with_themselves() -> None:
    month = Period.of(Preset.THIRTY_DAYS, ZoneInfo("UTC"), NOON)
    for before, ago in (
        (month.previous(by_weekday=True), 35),
        (month.year_before(by_weekday=True), 364),
    ):
        assert (month.first - before.first).days == (month.last - before.last).days == ago


def test_the_same_period_of_the_year_before() -> None:
    leap = Period.of(Preset.CUSTOM, NEW_YORK, NOON, first=date(2024, 2, 29), last=date(2024, 3, 5))
    before = leap.year_before()
    assert (before.first, before.last) == (date(2023, 2, 28), date(2023, 3, 5))


def test_a_period_is_compared_as_far_as_it_has_gone() -> None:
    now = utc(2026, 3, 9, 16, 30)  # 12:30 in New York, on the day after the change of clocks
    today = Period.of(Preset.TODAY, NEW_YORK, now)
    yesterday = today.previous()

    assert yesterday.as_far_as(today, now).end == utc(2026, 3, 8, 16, 30)
    assert yesterday.previous().as_far_as(today, now).end == utc(2026, 3, 7, 17, 30)
    assert len(yesterday.as_far_as(today, now).buckets()) == 23

    month = Period.of(Preset.MONTH, NEW_YORK, now)  # 22 days of it are to come
    assert month.previous().as_far_as(month, now).end == utc(2026, 2, 9, 17, 30)
    past = Period.of(Preset.MONTH, NEW_YORK, now, on=date(2026, 1, 1))
    assert past.previous().as_far_as(past, now) == past.previous()


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
