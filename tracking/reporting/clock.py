"""Where the moments of a day lie: in which hour of the clock, in which interval of a chart."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from tracking.reporting.columns import Numbers
from tracking.reporting.period import DAY, Interval, Period, hours, midnight

DAILY = (Interval.DAY, Interval.WEEK, Interval.MONTH)


SECOND = timedelta(seconds=1)


def seconds(moment: datetime, day: date) -> int:
    """After midnight in UTC; the second that runs at the moment is counted in."""
    return -((datetime.combine(day, time.min, UTC) - moment) // SECOND)


@lru_cache(maxsize=4096)
def hours_around(day: date, zone: ZoneInfo) -> tuple[Numbers, tuple[int, ...]]:
    """The hours of a day, and of those before and after: their beginnings, and as clocks show
    them."""
    moments = [hour for shift in (-1, 0, 1) for hour in hours(day + shift * DAY, zone)]
    starts = np.array([seconds(moment, day) for moment in moments])
    return starts, tuple(moment.astimezone(zone).hour for moment in moments)


class Clock:
    """Of a day, which moments a period covers, and how it tells them apart."""

    def __init__(self, day: date, zone: ZoneInfo, period: Period | None = None) -> None:
        self.day = day
        self.zone = zone
        self.period = period
        self.since = self.until = None
        self.is_live = bool(period and period.since)
        if period and period.since:
            self.since = seconds(period.since, day)
        if period and period.cutoff and period.cutoff < midnight(day + DAY, zone):
            self.until = seconds(period.cutoff, day)

    @property
    def is_cut(self) -> bool:
        """Whether a part of the day lies outside of the period."""
        return self.is_live or self.until is not None

    def covers(self, moments: Numbers) -> Numbers | None:
        """Which moments lie in the period; None stands for all."""
        mask = None
        if self.since is not None:
            mask = moments >= self.since
        if self.until is not None:
            before = moments < self.until
            mask = before if mask is None else mask & before
        return mask

    @property
    def has_whole_days(self) -> bool:
        """Whether no interval is shorter than a day."""
        return self.period is not None and self.period.interval in DAILY

    @property
    def hours_of_clock(self) -> tuple[int, ...]:
        return hours_around(self.day, self.zone)[1]

    @property
    def hour_starts(self) -> Numbers:
        return hours_around(self.day, self.zone)[0]

    def moment(self, seconds: int) -> datetime:
        """As clocks show it, so many seconds after the day's midnight in UTC."""
        start = datetime.combine(self.day, time.min, UTC)
        return (start + seconds * SECOND).astimezone(self.zone)

    def hour_of(self, moments: Numbers) -> Numbers:
        """The place of the hour, in those two arrays, in which each moment lies."""
        return places(self.hour_starts, moments)

    @cached_property
    def bucket_starts(self) -> Numbers:
        return np.array([seconds(start, self.day) for start in self._starts])

    def bucket_of(self, moments: Numbers) -> Numbers:
        """The number of the period's interval in which each moment lies."""
        return places(self.bucket_starts, moments)

    @property
    def bucket_of_day(self) -> int:
        """The number of the interval that the whole day lies in: that of its date, however far
        the calendar of the site is from that of the period."""
        assert self.period is not None  # noqa: S101
        start = seconds(midnight(self.day, self.period.zone), self.day)
        return int(places(self.bucket_starts, np.array([start]))[0])

    @property
    def _starts(self) -> Sequence[datetime]:
        return () if self.period is None else starts_of(self.period)


@lru_cache(maxsize=256)
def starts_of(period: Period) -> tuple[datetime, ...]:
    return tuple(bucket.start for bucket in period.buckets())


def places(starts: Numbers, moments: Numbers) -> Numbers:
    """Which of the starts precedes a moment; what lies outside is added to the first or last."""
    steps = np.diff(starts)
    found: Numbers
    if len(steps) and (steps == steps[0]).all():
        # As hours are nearly always: a tenth of the time of a search.
        found = (moments - starts[0]) // steps[0]
    else:
        found = np.searchsorted(starts, moments, side="right") - 1
    inside: Numbers = np.clip(found, 0, len(starts) - 1)
    return inside
