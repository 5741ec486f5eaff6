"""How pages speak of periods, intervals and filters."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.dateformat import format as formatted
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from tracking.reporting.dimensions import dimension_named
from tracking.reporting.filters import OPERATOR_LABELS, AnyOf, Condition, Did, Filter, Operator
from tracking.reporting.period import Bucket, Interval, Period, Preset

Text = str | Promise


@dataclass(frozen=True)
class PeriodWording:
    """A period in the menu, within a sentence, and the key that chooses it."""

    label: Text
    phrase: Text
    key: str = ""


PERIODS = {
    Preset.TODAY: PeriodWording(_("Today"), _("today"), "d"),
    Preset.YESTERDAY: PeriodWording(_("Yesterday"), _("yesterday"), "e"),
    Preset.LIVE: PeriodWording(_("Last 30 minutes"), _("in the last 30 minutes"), "r"),
    Preset.WEEK: PeriodWording(_("Last 7 days"), _("in the last 7 days"), "w"),
    Preset.FOUR_WEEKS: PeriodWording(_("Last 28 days"), _("in the last 28 days"), "f"),
    Preset.THIRTY_DAYS: PeriodWording(_("Last 30 days"), _("in the last 30 days"), "t"),
    Preset.THIRTEEN_WEEKS: PeriodWording(_("Last 91 days"), _("in the last 91 days"), "n"),
    Preset.WEEK_TO_DATE: PeriodWording(_("This week so far"), _("this week"), "k"),
    Preset.MONTH_TO_DATE: PeriodWording(_("This month so far"), _("this month"), "m"),
    Preset.MONTH: PeriodWording(_("Calendar month"), _("in this month"), "o"),
    Preset.YEAR_TO_DATE: PeriodWording(_("This year so far"), _("this year"), "y"),
    Preset.CALENDAR_YEAR: PeriodWording(_("Calendar year"), _("in this year"), "u"),
    Preset.YEAR: PeriodWording(_("Last 12 months"), _("in the last 12 months"), "l"),
    Preset.ALL: PeriodWording(_("All time"), _("in all time"), "a"),
    Preset.CUSTOM: PeriodWording(_("Custom"), _("in this period"), "c"),
}


@dataclass(frozen=True)
class IntervalWording:
    """Of an interval: its name, as it is called while it runs, and formats of dates.

    `name` is for a sentence, `tick` for an axis.
    """

    label: Text
    by: Text
    running: Text
    name: Text
    tick: Text


INTERVALS = {
    Interval.MINUTE: IntervalWording(
        _("Minute"), _("by minute"), _("this minute so far"), _("j F, H:i"), _("H:i")
    ),
    Interval.HOUR: IntervalWording(
        _("Hour"), _("by hour"), _("this hour so far"), _("l j F, H:i"), _("H:i")
    ),
    Interval.DAY: IntervalWording(_("Day"), _("by day"), _("today so far"), _("l j F Y"), _("j M")),
    Interval.WEEK: IntervalWording(
        _("Week"), _("by week"), _("this week so far"), _("j F Y"), _("j M")
    ),
    Interval.MONTH: IntervalWording(
        _("Month"), _("by month"), _("this month so far"), _("F Y"), _("M Y")
    ),
}


def range_in_words(first: date, last: date) -> str:
    """“3 March 2026”, “3–9 March 2026”, “27 February – 5 March 2026”."""
    day, first_of_several = gettext("j F Y"), pgettext("first day of several", "j")
    end = formatted(last, day)
    if first == last:
        return end
    if first.year != last.year:
        return f"{formatted(first, day)} – {end}"
    if first.month != last.month:
        day_of_year = gettext("j F")
        return f"{formatted(first, day_of_year)} – {end}"
    return f"{formatted(first, first_of_several)}–{end}"


def bucket_name(bucket: Bucket, period: Period) -> str:
    """An interval as a sentence has it: “Tuesday 10 March 2026”, “Week of 9 March 2026”."""
    text = bucket_text(bucket, period, INTERVALS[period.interval].name)
    if period.interval is Interval.WEEK:
        return gettext("Week of %(day)s") % {"day": text}
    return text


def bucket_tick(bucket: Bucket, period: Period) -> str:
    """An interval as an axis has it; of hours of several days, each day's first one alone."""
    local = bucket.start.astimezone(period.zone)
    if period.interval is Interval.HOUR and period.days > 1:
        return formatted(local, str(INTERVALS[Interval.DAY].tick)) if local.hour == 0 else ""
    if period.interval is Interval.MINUTE and local.minute % 5:
        return ""
    return bucket_text(bucket, period, INTERVALS[period.interval].tick)


def bucket_text(bucket: Bucket, period: Period, format: Text) -> str:
    local = bucket.start.astimezone(period.zone)
    text = formatted(local, str(format))
    # When the clocks go back, an hour comes twice: only the zone tells which.
    is_by_clock = period.interval in (Interval.HOUR, Interval.MINUTE)
    return f"{text} {local.tzname()}" if is_by_clock and is_ambiguous(local) else text


def is_ambiguous(local: datetime) -> bool:
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


@dataclass(frozen=True)
class Chip:
    """A filter in words, and the address without it."""

    text: str
    without: str

    @classmethod
    def of(cls, condition: Condition, without: str) -> "Chip":
        return cls(in_words(condition), without)


def in_words(condition: Condition) -> str:
    """“Country is Nepal or India”; “did Event is Sign-up”."""
    match condition:
        case AnyOf(filters):
            return either(map(in_words, filters))
        case Did(filter, done):
            form = gettext("did: %(filter)s") if done else gettext("did not: %(filter)s")
            return form % {"filter": in_words(filter)}
        case Filter(name, operator, values):
            dimension = dimension_named(name)
            texts = (
                [dimension.written(value) for value in values]
                if operator in (Operator.IS, Operator.IS_NOT)
                else list(values)
            )
            return f"{dimension.label} {OPERATOR_LABELS[operator]} {either(texts)}"


def either(texts: Iterable[str]) -> str:
    separator = gettext("or")
    return f" {separator} ".join(texts)
