"""Figures as people write them; the exact value stands in the title."""

from typing import TYPE_CHECKING

from django import template
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, pgettext

from tracking.reporting.metrics import Format, Metric

if TYPE_CHECKING:
    from tracking.views.panels import PanelRow

register = template.Library()

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
NOTHING = "–"


def number(value: float, decimals: int = 0) -> str:
    if not decimals and -1000 < (whole := round(value)) < 1000:
        return str(whole)  # alike in every language, and most of a page's numbers
    return number_format(round(value, decimals), decimals, use_l10n=True, force_grouping=True)


@register.filter
def compact(value: float) -> str:
    """9,876 · 12.3k · 4.56M"""
    if value < 10_000:
        return number(value)
    # 999,950 is nearer to 1.00M than to any number of thousands.
    thousands = value < 999_500
    unit = 1000 if thousands else 1_000_000
    letter = pgettext("thousands", "k") if thousands else pgettext("millions", "M")
    if not value % unit:
        return f"{number(value // unit)}{letter}"
    amount = value / unit
    return f"{number(amount, 2 if amount < 9.995 else 1 if amount < 99.95 else 0)}{letter}"


@register.filter
def exact(value: float) -> str:
    """12,345"""
    return number(value)


@register.filter
def share(value: float | None) -> str:
    """45%, of a value between 0 and 1."""
    if value is None:
        return NOTHING
    percent = "<1" if 0 < value < 0.005 else number(value * 100)
    return gettext("%(number)s%%") % {"number": percent}


@register.filter
def duration(seconds: float | None) -> str:
    """45s · 2m 14s · 1h 05m"""
    if seconds is None:
        return NOTHING
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    values = {"hours": number(hours), "minutes": minutes, "seconds": rest, "_": NO_BREAK_SPACE}
    if hours:
        return gettext("%(hours)sh%(_)s%(minutes)02dm") % values
    if minutes:
        return gettext("%(minutes)dm%(_)s%(seconds)02ds") % values
    return gettext("%(seconds)ds") % values


def written(metric: Metric, value: float | None) -> str:
    """A metric's value in its own format, exactly."""
    if value is None:
        return NOTHING
    match metric.format:
        case Format.COUNT:
            return exact(value)
        case Format.RATIO:
            return number(value, 2 if value < 10 else 1)
        case Format.SHARE:
            return share(value)
    return duration(value)


def axis(metric: Metric, value: float) -> str:
    """A step of a chart's scale."""
    match metric.format:
        case Format.COUNT:
            return compact(value)
        case Format.RATIO:
            return number(value, 0 if value % 1 == 0 else 2)
        case Format.SHARE:
            return share(value)
    return duration(value)


@register.simple_tag
def figure(metric: Metric, value: float | None) -> SafeString:
    """A metric's value in its own format; a great number short."""
    if value is None:
        return format_html(
            '<span title="{}">{}</span>', gettext("Nothing to compute it from"), NOTHING
        )
    if metric.format is Format.COUNT:
        return count(value)
    return format_html("<span>{}</span>", written(metric, value))


@register.simple_tag
def count(value: float) -> SafeString:
    """A number, with its exact value in the title where it is shortened."""
    whole, short = exact(value), compact(value)
    if short == whole:
        return format_html("<span>{}</span>", short)
    return format_html('<span title="{}">{}</span>', whole, short)


@register.simple_tag
def bar_cells(row: "PanelRow", has_share: bool) -> SafeString:
    """The figures beside a bar, the share after the first of them."""
    cells = []
    for place, (metric, value) in enumerate(row.values):
        extra = " extra" if place > 1 else ""
        cells.append(format_html('<td class="number{}">{}</td>', extra, figure(metric, value)))
        if has_share and not place:
            written_share = share(row.share)
            cells.append(format_html('<td class="number muted share">{}</td>', written_share))
    return mark_safe("".join(cells))  # noqa: S308 (each is made by format_html)
