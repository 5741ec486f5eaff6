"""A hit that was not counted, in words."""

from django import template

from tracking.models import ExcludedHit
from tracking.reporting.dimensions import DIMENSIONS

register = template.Library()


@register.filter
def sender(hit: ExcludedHit) -> str:
    """“Google · Germany · Firefox · Windows”: whatever is known of where it came from."""
    country = DIMENSIONS["country"].name_of(hit.country) if hit.country else ""
    known = (hit.source, country, hit.browser, hit.os, hit.device)
    return " · ".join(filter(None, known)) or hit.user_agent
