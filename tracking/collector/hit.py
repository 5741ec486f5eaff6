"""What a tracked page reported: the one plain object behind every receiver."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Self
from urllib.parse import parse_qsl

from tracking.spool import Record
from tracking_project.client_ip import plain_address

PAGEVIEW = "pageview"
# No event of its own: what a visitor did on the page that was last viewed.
ENGAGEMENT = "engagement"
# How visitors ask not to be counted.
OPTED_OUT, GLOBAL_PRIVACY_CONTROL, DO_NOT_TRACK = "opted-out", "gpc", "dnt"
MAX_PARAMETERS = 100
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_URL = 4000  # twice what is stored of a page
MAX_NAME, MAX_TITLE, MAX_PAGE, MAX_LANGUAGE = 120, 500, 2000, 35
MAX_PROPS, MAX_PROP_NAME, MAX_PROP_VALUE = 30, 300, 2000
MAX_PROPS_LENGTH = 8_000  # of all names and values together; further ones are left out
MAX_DIGITS, SMALLEST = 12, Decimal("0.001")  # of revenue
MAX_ENGAGED = 24 * 60 * 60 * 1000
SCREEN = re.compile(r"(\d{1,5})x(\d{1,5})")
CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(slots=True)
class Hit:
    """A page view or an event as it arrived, before anything is looked up.

    Texts are printable: free of NUL and other control characters. `url` is whatever the
    page gave: a full URL or a path. `referrer` is the page that led there, empty if unknown.
    """

    site_id: int
    time: datetime  # aware, UTC
    ip: str
    user_agent: str
    url: str
    referrer: str = ""
    name: str = PAGEVIEW
    prefetch: bool = False
    title: str = ""
    page: str = ""  # a group of pages, as in /user/<id>; goes before the path of the URL
    screen: str = ""  # as in 1440x900
    language: str = ""  # as in de-DE
    props: dict[str, str] | None = None
    revenue: Decimal | None = None
    currency: str = ""  # ISO 4217; without one, revenue is in that of the site
    engaged: int = 0  # for how many milliseconds the page was visible and in focus
    scroll: int = 0  # the greatest part of the page that was seen, in percent
    interactive: bool = True  # False: the event does not make a visit more than a bounce
    objection: str = ""  # OPTED_OUT, GLOBAL_PRIVACY_CONTROL or DO_NOT_TRACK
    automated: bool = False  # the script found that a program runs the browser

    @property
    def is_engagement(self) -> bool:
        """No event of its own: says how long, and how far, the page before it was read."""
        return self.name == ENGAGEMENT

    @property
    def is_pageview(self) -> bool:
        return self.name == PAGEVIEW

    @classmethod
    def of(
        cls,
        record: Record,
        url: str,
        *,
        referrer: str = "",
        name: str = "",
        title: str = "",
        page: str = "",
        screen: str = "",
        language: str = "",
        props: Mapping[str, object] | None = None,
        revenue: Decimal | None = None,
        currency: str = "",
        engaged: int = 0,
        scroll: int = 0,
        interactive: bool = True,
        automated: bool = False,
    ) -> Self:
        """The hit of a record of the queue: what its receiver read out of it, made clean."""
        if revenue is not None:
            revenue, currency = money(revenue, currency)
        return cls(
            record.site_id,
            EPOCH + timedelta(0, 0, 0, int(record.time * 1000)),
            plain_address(record.ip),
            printable(header(record.user_agent)),
            printable(url or header(record.referer))[:MAX_URL],
            printable(referrer)[:MAX_URL],
            printable(name)[:MAX_NAME] or PAGEVIEW,
            record.prefetch,
            title and printable(title)[:MAX_TITLE],
            page and as_path(printable(page))[:MAX_PAGE],
            screen if screen and SCREEN.fullmatch(screen) else "",
            language and printable(language)[:MAX_LANGUAGE],
            clean_props(props) if props else None,
            revenue,
            currency if revenue is not None else "",
            engaged and min(max(engaged, 0), MAX_ENGAGED),
            scroll and min(max(scroll, 0), 100),
            interactive,
            record.objection,
            automated,
        )


def as_path(page: str) -> str:
    return f"/{page}" if page and not page.startswith("/") else page


def header(text: str) -> str:
    """WSGI gives a header's bytes as Latin-1; nowadays they are meant as UTF-8."""
    return text if text.isascii() else text.encode("latin-1", "replace").decode(errors="replace")


def as_header(text: str) -> str:
    """The other way about: a text as if it had come in a header."""
    return text if text.isascii() else text.encode(errors="replace").decode("latin-1")


def parse_parameters(text: str) -> dict[str, str]:
    """The fields of a query string or form; none at all of one with too many to be a hit's."""
    try:
        pairs = parse_qsl(text, errors="replace", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return {}
    return {name: value.strip() for name, value in pairs}


def printable(text: str) -> str:
    """Without NUL, other control characters and halves of surrogate pairs."""
    if text.isprintable():
        return text.strip()
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def clean_props(props: Mapping[str, object]) -> dict[str, str] | None:
    """Properties as texts, nested ones left out; None if nothing is left."""
    clean: dict[str, str] = {}
    room = MAX_PROPS_LENGTH
    for name, value in props.items():
        name, text = printable(name)[:MAX_PROP_NAME], printable(as_text(value))[:MAX_PROP_VALUE]
        if name and text and (room := room - len(name) - len(text)) >= 0:
            clean[name] = text
        if len(clean) == MAX_PROPS:
            break
    return clean or None


def as_text(value: object) -> str:
    """As JavaScript writes it: `true`, `19.5`; nothing for what is neither text nor number."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else ""


def whole(text: str) -> int:
    """A whole number; nothing for what is none."""
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def amount(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def money(revenue: Decimal, currency: str) -> tuple[Decimal | None, str]:
    """None instead of an amount that is none, or is in no currency that there could be."""
    currency = currency.strip().upper()
    # Of a number with millions of digits nothing but its size may be asked.
    if not revenue.is_finite() or revenue.adjusted() >= MAX_DIGITS:
        return None, ""
    if currency and not CURRENCY.fullmatch(currency):
        return None, ""
    return revenue.quantize(SMALLEST), currency
