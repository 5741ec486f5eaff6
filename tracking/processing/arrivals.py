"""A hit on its way through the worker, and what the steps find out about it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from urllib.parse import urlsplit

import idna

from tracking.collector.hit import Hit
from tracking.models import Reason, Site
from tracking.processing.acquisition import Acquisition
from tracking.processing.geodata import Geodata
from tracking.processing.rules import Rules
from tracking.processing.user_agent import UserAgent

MAX_TEXT = 2000
REMEMBERED = 5_000  # addresses: most hits are of a page that was viewed a moment ago
HOSTNAME = re.compile(r"[a-z0-9_.:-]{1,253}")  # of an intranet, too; or an IP address


@dataclass(slots=True)
class Arrival:
    """A hit on its way through the steps; each of them fills in what it finds out."""

    id: int  # of the event that it becomes
    hit: Hit
    site: Site
    hostname: str
    page: str  # empty where the URL is none of a page
    rules: Rules
    user_agent: UserAgent = field(init=False)
    geodata: Geodata = field(init=False)
    acquisition: Acquisition = field(init=False)
    day: date = field(init=False)  # of the site's calendar
    # The visitor's ids of that day and of the day before, by which the visit may have begun.
    visitor_ids: tuple[tuple[date, int], tuple[date, int]] = field(init=False)
    labels: Mapping[str, int | None] = field(init=False)  # the numbers of its texts
    # Why it is not counted, if it is not, and what it met of a list.
    reason: Reason | None = None
    rule: str = ""

    def texts(self) -> tuple[str, ...]:
        """All that may be stored of it as a `Label`."""
        hit, place, agent, origin = self.hit, self.geodata, self.user_agent, self.acquisition
        return (
            self.hostname,
            self.page,
            hit.name,
            hit.title,
            hit.screen,
            hit.language,
            place.country,
            place.region,
            place.city,
            place.postal_code,
            agent.browser,
            agent.browser_version,
            agent.os,
            agent.os_version,
            agent.device,
            origin.channel,
            origin.source,
            origin.referrer,
            origin.utm_source,
            origin.utm_medium,
            origin.utm_campaign,
            origin.utm_term,
            origin.utm_content,
        )


@lru_cache(maxsize=REMEMBERED)
def split_url(url: str) -> tuple[str, str] | None:
    """(host name, path) of a page's URL, or ("", path) of a mere path; None if it is neither.

    The query string is not kept: it may hold anything, and would split a page's figures.
    """
    try:
        parts = urlsplit(url)
        hostname = (parts.hostname or "").rstrip(".")
        if not hostname.isascii():
            hostname = idna.encode(hostname, uts46=True).decode()
    except (ValueError, idna.IDNAError):
        return None
    if parts.scheme not in {"", "http", "https"} or (parts.scheme and not hostname):
        return None
    if hostname and not HOSTNAME.fullmatch(hostname):
        return None
    path = parts.path if parts.path.startswith("/") else f"/{parts.path}"
    return hostname, path[:MAX_TEXT]
