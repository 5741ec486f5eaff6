"""Periods of a site's calendar: which days, which moments, which intervals of a chart."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils.translation import gettext

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
MINUTE = timedelta(minutes=1)
LIVE_MINUTES = 30
# What can be asked for; further away, moments in UTC would leave Python's calendar.
EARLIEST, LATEST = date(1980, 1, 1), date(2200, 1, 1)


class Interval(StrEnum):
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Preset(StrEnum):
    """The periods that a person can choose; the values stand in the address of the page."""

    LIVE = "live"
    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "7d"
    FOUR_WEEKS = "28d"
    THIRTY_DAYS = "30d"
    THIRTEEN_WEEKS = "91d"
    WEEK_TO_DATE = "wtd"
    MONTH = "month"
    MONTH_TO_DATE = "mtd"
    CALENDAR_YEAR = "year"
    YEAR_TO_DATE = "ytd"
    YEAR = "12mo"
    ALL = "all"
    CUSTOM = "custom"


LAST_DAYS = {
    Preset.TODAY: 1,
    Preset.WEEK: 7,
    Preset.FOUR_WEEKS: 28,
    Preset.THIRTY_DAYS: 30,
    Preset.THIRTEEN_WEEKS: 91,
}


@dataclass(frozen=True, order=True)
class Bucket:
    """One interval of a chart, from its first moment to just before its last; both UTC."""

    first_day: date
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Period:
    """Whole days of the calendar of `zone`, first and last included.

    `cutoff` ends it early. `since` begins it late: it is then about what goes on now, and counts
    who does something in it, not who begins a visit. A period of calendar months or weeks says
    how many, so that it is compared with as many before.
    """

    first: date
    last: date
    zone: ZoneInfo
    interval: Interval = Interval.DAY
    cutoff: datetime | None = None
    since: datetime | None = None
    months: int = 0
    weeks: int = 0

    @classmethod
    def of(
        cls,
        preset: Preset,
        zone: ZoneInfo,
        now: datetime,
        *,
        on: date | None = None,
        first: date | None = None,
        last: date | None = None,
    ) -> "Period":
        """The period as it is at `now`.

        `on` is a day of the month or year that is meant, otherwise it is the present one. A
        custom period has its `first` and `last` day; all time begins with `first`, the first
        day that there is something to tell of. ValueError says what is wrong with them.
        """
        today = now.astimezone(zone).date()
        on = checked(on or today)
        if preset in LAST_DAYS:
            return cls.between(today - (LAST_DAYS[preset] - 1) * DAY, today, zone)
        match preset:
            case Preset.LIVE:
                return cls.live(zone, now)
            case Preset.YESTERDAY:
                return cls.between(today - DAY, today - DAY, zone)
            case Preset.WEEK_TO_DATE:
                return cls.between(monday(today), today, zone, weeks=1)
            case Preset.MONTH:
                start = on.replace(day=1)
                return cls.between(start, add_months(start, 1) - DAY, zone, months=1)
            case Preset.MONTH_TO_DATE:
                return cls.between(today.replace(day=1), today, zone, months=1)
            case Preset.CALENDAR_YEAR:
                start = on.replace(month=1, day=1)
                return cls.between(start, add_months(start, 12) - DAY, zone, months=12)
            case Preset.YEAR_TO_DATE:
                return cls.between(today.replace(month=1, day=1), today, zone, months=12)
            case Preset.YEAR:
                start = add_months(today.replace(day=1), -11)
                return cls.between(start, today, zone, months=12)
            case Preset.ALL:
                return cls.between(min(first or today, today), today, zone)
            case _:
                return cls.between(first or today, last or today, zone)

    @classmethod
    def between(
        cls, first: date, last: date, zone: ZoneInfo, *, months: int = 0, weeks: int = 0
    ) -> "Period":
        """These days, in the intervals that suit their number."""
        if checked(last) < checked(first):
            raise ValueError(gettext("The period ends before it begins."))
        days = (last - first).days + 1
        interval = Interval.HOUR if days == 1 else Interval.DAY if days <= 100 else Interval.MONTH
        if months == 12:
            interval = Interval.MONTH
        return cls(first, last, zone, interval, months=months, weeks=weeks)

    @classmethod
    def live(cls, zone: ZoneInfo, now: datetime) -> "Period":
        """The minute that runs, and those before it."""
        end = now.astimezone(UTC).replace(second=0, microsecond=0) + MINUTE
        start = end - LIVE_MINUTES * MINUTE
        return cls(
            start.astimezone(zone).date(),
            now.astimezone(zone).date(),
            zone,
            Interval.MINUTE,
            cutoff=end,
            since=start,
        )

    def seen_from(self, zone: ZoneInfo) -> "Period":
        """What is live is so everywhere at once, on whichever days that is there."""
        if self.since is None:
            return self
        last = self.end - timedelta(microseconds=1)
        return replace(
            self, first=self.since.astimezone(zone).date(), last=last.astimezone(zone).date()
        )

    @property
    def start(self) -> datetime:
        return self.since or midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The first moment after the period."""
        return self.cutoff or midnight(self.last + DAY, self.zone)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """The intervals in which it can be looked at: not one alone, and not too many to see."""
        if self.since:
            return (Interval.MINUTE,)
        if self.days == 1:
            return (Interval.MINUTE, Interval.HOUR)
        fitting = {
            Interval.HOUR: self.days <= 14,
            Interval.DAY: self.days <= 1100,
            Interval.WEEK: self.days > 7,
            Interval.MONTH: self.days > 31,
        }
        return tuple(interval for interval, fits in fitting.items() if fits)

    def by(self, interval: Interval) -> "Period":
        """The same in other intervals; in those it has where they do not fit."""
        return replace(self, interval=interval) if interval in self.intervals else self

    def previous(self, *, by_weekday: bool = False) -> "Period":
        """The period of equal length before this: as many calendar months or weeks, or days.

        By weekday it is moved by whole weeks, so that Mondays are compared with Mondays.
        """
        if self.since:
            length = self.end - self.start
            return self.moved(0 * DAY, since=self.since - length, cutoff=self.since)
        if by_weekday:
            return self.moved(-(-self.days // 7) * WEEK)
        if self.months:
            return self.months_before(self.months)
        return self.moved(self.weeks * WEEK or self.days * DAY)

    def year_before(self, *, by_weekday: bool = False) -> "Period":
        """The same days of the year before, or the same weekdays 52 weeks ago."""
        if self.since:
            length = 364 * DAY
            return self.moved(length, since=self.since - length, cutoff=self.end - length)
        return self.moved(52 * WEEK) if by_weekday else self.months_before(12)

    def moved(
        self, back: timedelta, since: datetime | None = None, cutoff: datetime | None = None
    ) -> "Period":
        if since and cutoff:
            first, last = (moment.astimezone(self.zone).date() for moment in (since, cutoff))
        else:
            first, last = self.first - back, self.last - back
        return replace(self, first=first, last=last, since=since, cutoff=cutoff)

    def months_before(self, months: int) -> "Period":
        """Whole months become whole months, however many days they have."""
        first, last = add_months(self.first, -months), add_months(self.last, -months)
        if self.first.day == 1 and (self.last + DAY).day == 1:
            last = add_months(self.last + DAY, -months) - DAY
        return replace(self, first=first, last=last, cutoff=None)

    def as_far_as(self, period: "Period", now: datetime) -> "Period":
        """This period, cut off where it had gone as far as the other one has gone by `now`.

        What has happened today until noon is compared with another day until noon.
        """
        if self.since or now >= period.end:
            return self
        local = now.astimezone(self.zone)
        day = self.first + (local.date() - period.first)
        moment = datetime.combine(day, local.time(), self.zone).astimezone(UTC)
        return replace(self, cutoff=max(self.start, min(moment, self.end)))

    def buckets(self) -> list[Bucket]:
        """Every interval of the period in turn, whether something happened in it or not.

        A day on which the clocks change has 23 or 25 hours. The last interval of a period that
        ends today reaches into the future. Weeks begin on Monday; the first and last week and
        month may be incomplete.
        """
        end = midnight(self.last + DAY, self.zone)
        days = [self.first + index * DAY for index in range(self.days)]
        match self.interval:
            case Interval.MINUTE:
                start = self.start
                end = self.end if self.since else end
                moments = [start + n * MINUTE for n in range(-(-(end - start) // MINUTE))]
                starts = [(moment.astimezone(self.zone).date(), moment) for moment in moments]
            case Interval.HOUR:
                starts = [(day, hour) for day in days for hour in hours(day, self.zone)]
            case Interval.DAY:
                starts = [(day, midnight(day, self.zone)) for day in days]
            case Interval.WEEK:
                starts = [
                    (day, midnight(day, self.zone))
                    for day in days
                    if day == self.first or not day.weekday()
                ]
            case Interval.MONTH:
                starts = [
                    (day, midnight(day, self.zone))
                    for day in days
                    if day == self.first or day.day == 1
                ]
                month = add_months(self.last.replace(day=1), 1)
                end = midnight(month, self.zone)
        ends = [start for _, start in starts[1:]] + [end]
        return [Bucket(day, start, end) for (day, start), end in zip(starts, ends, strict=True)]


def checked(day: date) -> date:
    if not EARLIEST <= day < LATEST:
        raise ValueError(
            gettext("%(day)s lies outside of what can be reported on.") % {"day": day.isoformat()}
        )
    return day


def monday(day: date) -> date:
    """The first day of its week."""
    return day - day.weekday() * DAY


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
