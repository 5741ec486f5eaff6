"""A visit in words."""

from django import template

from tracking.models import Visit
from tracking.reporting.dimensions import DIMENSIONS

register = template.Library()


@register.filter
def named(value: str, dimension: str) -> str:
    """A value as reports call it: “Direct / none” where a visit has no source."""
    return DIMENSIONS[dimension].written(value)


@register.filter
def place(visit: Visit) -> str:
    """“Los Angeles, United States”: whatever is known."""
    country = DIMENSIONS["country"].name_of(visit.country)
    return ", ".join(filter(None, (visit.city, country))) or "Unknown"


@register.filter
def exact_place(visit: Visit) -> str:
    """“Los Angeles, 90001, California, United States”, or nothing where nothing is known."""
    country = DIMENSIONS["country"].name_of(visit.country)
    return ", ".join(filter(None, (visit.location, visit.region, country)))


@register.filter
def client(visit: Visit) -> str:
    """“Firefox · Linux · Desktop”: whatever is known."""
    return " · ".join(filter(None, (visit.browser, visit.os, visit.device))) or "Unknown"


@register.filter
def length_of(visit: Visit) -> float:
    """In seconds."""
    return visit.duration / 1000


@register.filter
def events_left_out(visit: Visit) -> int:
    """How many of a visit's events are not among those that were loaded for the log."""
    return max(0, visit.events - len(visit.first_events))  # type: ignore[attr-defined]
