"""From a record of the queue to a hit, and what the steps of the worker find out about it."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from urllib.parse import parse_qsl, urlsplit

from tracking.collector.hit import PAGEVIEW, Hit
from tracking.models import Event, Site
from tracking.processing.acquisition import Acquisition
from tracking.processing.geodata import Geodata
from tracking.processing.user_agent import UserAgent
from tracking.spool import Record

MAX_TEXT = 2000
MAX_NAME = Event._meta.get_field("name").max_length
MAX_HOSTNAME = Event._meta.get_field("hostname").max_length


@dataclass(slots=True)
class Arrival:
    """A hit on its way through the steps; each of them fills in what it finds out."""

    id: int  # of the event that it becomes
    hit: Hit
    site: Site
    hostname: str
    page: str
    user_agent: UserAgent = field(init=False)
    geodata: Geodata = field(init=False)
    acquisition: Acquisition = field(init=False)
    day: date = field(init=False)  # of the site's calendar
    # The visitor's ids of that day and of the day before, by which the visit may have begun.
    visitor_ids: tuple[tuple[date, int], ...] = field(init=False)


def read_hit(record: Record) -> Hit:
    fields = record.fields
    if fields is None:
        fields = dict(parse_qsl(header(record.query), errors="replace"))
    return Hit(
        site_id=record.site_id,
        time=datetime.fromtimestamp(record.time, UTC),
        ip=record.ip,
        user_agent=clean(header(record.user_agent)),
        url=clean(fields.get("url") or header(record.referer)),
        referrer=clean(fields.get("referrer", "")),
        name=clean(fields.get("event", "")).strip()[:MAX_NAME] or PAGEVIEW,
        prefetch=record.prefetch,
    )


def header(text: str) -> str:
    """WSGI gives a header's bytes as Latin-1; nowadays they are meant as UTF-8."""
    return text if text.isascii() else text.encode("latin-1", "replace").decode(errors="replace")


def clean(text: str) -> str:
    return text.replace("\0", "").strip()


def split_url(url: str) -> tuple[str, str] | None:
    """(host name, path) of a page's URL, or ("", path) of a mere path; None if it is neither.

    The query string is not kept: it may hold anything, and would split a page's figures.
    """
    try:
        parts = urlsplit(url)
        hostname = (parts.hostname or "").rstrip(".")
    except ValueError:
        return None
    if parts.scheme not in {"", "http", "https"} or (parts.scheme and not hostname):
        return None
    path = parts.path if parts.path.startswith("/") else f"/{parts.path}"
    return hostname[:MAX_HOSTNAME], path[:MAX_TEXT]
