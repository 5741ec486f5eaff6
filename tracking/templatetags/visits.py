"""A visit in words."""

from django import template
from django.utils.translation import gettext

from tracking.models import Event, Visit
from tracking.reporting.dimensions import DIMENSIONS
from tracking.templatetags.figures import duration, number, share
from tracking.views.panels import flag_of

register = template.Library()

FACTS = (
    *("referrer", "channel", "utm_campaign", "utm_source", "utm_medium", "utm_term"),
    *("utm_content", "screen", "language"),
)


@register.filter
def named(value: str, dimension: str) -> str:
    """A value as reports call it: “Direct / none” where a visit has no source."""
    return DIMENSIONS[dimension].written(value)


@register.filter
def place(visit: Visit) -> str:
    """“Los Angeles, United States”: whatever is known."""
    country = DIMENSIONS["country"].name_of(visit.country)
    return ", ".join(filter(None, (visit.city, country))) or gettext("Unknown")


@register.filter
def flag(visit: Visit) -> dict[str, str]:
    return {"flag": flag_of(visit.country)}


@register.filter
def exact_place(visit: Visit) -> str:
    """“Los Angeles, 90001, California, United States”, or nothing where nothing is known."""
    country = DIMENSIONS["country"].name_of(visit.country)
    return ", ".join(filter(None, (visit.location, visit.region, country)))


@register.filter
def client(visit: Visit) -> str:
    """“Firefox · Linux · Desktop”: whatever is known."""
    return " · ".join(
        filter(None, (visit.browser, visit.os, DIMENSIONS["device"].name_of(visit.device)))
    ) or gettext("Unknown")


@register.filter
def facts(visit: Visit) -> list[tuple[str, str]]:
    """What is known of a visit, each with its name."""
    known = [
        (gettext("Location"), exact_place(visit)),
        (gettext("Browser"), " ".join(filter(None, (visit.browser, visit.browser_version)))),
        (gettext("System"), " ".join(filter(None, (visit.os, visit.os_version)))),
        (gettext("Device"), DIMENSIONS["device"].name_of(visit.device)),
        *(
            (str(DIMENSIONS[name].label), DIMENSIONS[name].name_of(getattr(visit, name)))
            for name in FACTS
        ),
        (gettext("Length"), duration(length_of(visit))),
        (gettext("IP address"), visit.ip or ""),
    ]
    return [(label, value) for label, value in known if value]


@register.filter
def notes(event: Event) -> list[str]:
    """What else is known of an event."""
    found = [f"{name}: {value}" for name, value in (event.props or {}).items()]
    if event.revenue is not None:
        found.append(f"{number(float(event.revenue), 2)} {event.currency}")
    if event.engaged:
        found.append(gettext("read for %(time)s") % {"time": duration(event.engaged / 1000)})
    if event.scroll:
        found.append(gettext("seen to %(share)s") % {"share": share(event.scroll / 100)})
    return found


@register.filter
def length_of(visit: Visit) -> float:
    """In seconds."""
    return visit.duration / 1000
