"""Figures as people write them; the exact value stands in the title."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tracking.reporting.metrics import Format, Metric

register = template.Library()

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
NOTHING = "–"


@register.filter
def compact(value: float) -> str:
    """9,876 · 12.3k · 4.56M"""
    if value < 10_000:
        return f"{value:,.0f}"
    # 999,950 is nearer to 1.00M than to any number of thousands.
    unit, letter = (1000, "k") if value < 999_500 else (1_000_000, "M")
    if not value % unit:
        return f"{value // unit:,}{letter}"
    amount = value / unit
    decimals = 2 if amount < 9.995 else 1 if amount < 99.95 else 0
    return f"{amount:,.{decimals}f}{letter}"


@register.filter
def exact(value: float) -> str:
    """12,345"""
    return f"{value:,.0f}"


@register.filter
def share(value: float | None) -> str:
    """45%, of a value between 0 and 1."""
    if value is None:
        return NOTHING
    return "<1%" if 0 < value < 0.005 else f"{value * 100:.0f}%"


@register.filter
def duration(seconds: float | None) -> str:
    """45s · 2m 14s · 1h 05m"""
    if seconds is None:
        return NOTHING
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest}s"
    if minutes < 60:
        return f"{minutes}m{NO_BREAK_SPACE}{rest:02}s"
    return f"{minutes // 60:,}h{NO_BREAK_SPACE}{minutes % 60:02}m"


@register.simple_tag
def figure(metric: Metric, value: float | None) -> SafeString:
    """A metric's value in its own format."""
    if value is None:
        return format_html('<span title="Nothing to compute it from">{}</span>', NOTHING)
    match metric.format:
        case Format.COUNT:
            return count(value)
        case Format.RATIO:
            text = f"{value:.2f}" if value < 10 else f"{value:,.1f}"
        case Format.SHARE:
            text = share(value)
        case Format.DURATION:
            text = duration(value)
    return format_html("<span>{}</span>", text)


@register.simple_tag
def count(value: float) -> SafeString:
    """A number, with its exact value in the title where it is shortened."""
    whole, short = exact(value), compact(value)
    if short == whole:
        return format_html("<span>{}</span>", short)
    return format_html('<span title="{}">{}</span>', whole, short)
