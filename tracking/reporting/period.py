"""Periods of a site's calendar: which days, which moments, which intervals of a chart."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


class Interval(StrEnum):
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class Preset(StrEnum):
    """The periods that a person can choose; the values stand in the address of the page."""

    TODAY = "today"
    WEEK = "7d"
    THIRTY_DAYS = "30d"
    YEAR = "12mo"


@dataclass(frozen=True, order=True)
class Bucket:
    """One interval of a chart, from its first moment to just before its last; both UTC."""

    first_day: date
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Period:
    """Whole days of the calendar of `zone`, first and last included; `cutoff` ends it early."""

    first: date
    last: date
    zone: ZoneInfo
    interval: Interval = Interval.DAY
    cutoff: datetime | None = None

    @classmethod
    def of(cls, preset: Preset, zone: ZoneInfo, now: datetime) -> "Period":
        """The period that ends today, where the calendar of `zone` has its today at `now`."""
        today = now.astimezone(zone).date()
        match preset:
            case Preset.TODAY:
                return cls(today, today, zone, Interval.HOUR)
            case Preset.WEEK:
                return cls(today - 6 * DAY, today, zone)
            case Preset.THIRTY_DAYS:
                return cls(today - 29 * DAY, today, zone)
            case Preset.YEAR:
                return cls(add_months(today.replace(day=1), -11), today, zone, Interval.MONTH)

    @property
    def start(self) -> datetime:
        return midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The first moment after the period."""
        return self.cutoff or midnight(self.last + DAY, self.zone)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def previous(self) -> "Period":
        """The period of equal length (in months, where those are its intervals) before this."""
        if self.interval is Interval.MONTH:
            months = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month
            first = add_months(self.first, -months - 1)
            return replace(self, first=first, last=add_months(self.last, -months - 1), cutoff=None)
        length = self.days * DAY
        return replace(self, first=self.first - length, last=self.last - length, cutoff=None)

    def until(self, moment: datetime) -> "Period":
        """This period as far as it had gone at the time of day of `moment` on its last day.

        What has happened today until noon is compared with another day until noon.
        """
        local = datetime.combine(
            self.last, moment.astimezone(self.zone).time(), self.zone
        ).astimezone(UTC)
        return replace(self, cutoff=min(local, self.end))

    def buckets(self) -> list[Bucket]:
        """Every interval of the period in turn, whether something happened in it or not.

        A day on which the clocks change has 23 or 25 hours. The last interval of a period that
        ends today reaches into the future.
        """
        match self.interval:
            case Interval.HOUR:
                days = [self.first + index * DAY for index in range(self.days)]
                starts = [(day, hour) for day in days for hour in hours(day, self.zone)]
                end = midnight(self.last + DAY, self.zone)
            case Interval.DAY:
                days = [self.first + index * DAY for index in range(self.days)]
                starts = [(day, midnight(day, self.zone)) for day in days]
                end = midnight(self.last + DAY, self.zone)
            case Interval.MONTH:
                month, starts = self.first, []
                while month <= self.last:
                    starts.append((month, midnight(month, self.zone)))
                    month = add_months(month.replace(day=1), 1)
                end = midnight(month, self.zone)
        ends = [start for _, start in starts[1:]] + [end]
        return [Bucket(day, start, end) for (day, start), end in zip(starts, ends, strict=True)]


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a day, in UTC; also where the clocks skip midnight."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def hours(day: date, zone: ZoneInfo) -> list[datetime]:
    """The moments at which an hour of the clock begins on that day, in UTC."""
    moments = set()
    for hour in range(24):
        first, again = (
            datetime.combine(day, time(hour, fold=fold), zone).astimezone(UTC) for fold in (0, 1)
        )
        # An hour that is shown twice begins a second time later. For an hour that is skipped,
        # `first` is the moment of the skip (when the next one begins), `again` lies before it.
        moments |= {first, max(first, again)}
    end = midnight(day + DAY, zone)
    return sorted(moment for moment in moments if moment < end)


def add_months(day: date, months: int) -> date:
    """The same day of another month, or its last day where it is shorter."""
    index = day.year * 12 + day.month - 1 + months
    first = date(index // 12, index % 12 + 1, 1)
    length = (date((index + 1) // 12, (index + 1) % 12 + 1, 1) - first).days
    return first.replace(day=min(day.day, length))
