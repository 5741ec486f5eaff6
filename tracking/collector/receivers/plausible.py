"""What Plausible's scripts and clients send: POST /api/event, and GET /js/script.js

The site is found by its domain. A hit of several domains is one of each of their sites.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tracking.collector import refusals
from tracking.collector.answers import (
    Answer,
    Environ,
    Refusal,
    answer,
    bad_request,
    json_answer,
    preflight,
    script_answer,
    wrong_method,
)
from tracking.collector.hit import ENGAGEMENT, Hit, amount, as_text, clean_props
from tracking.collector.intake import (
    Read,
    body_of,
    decode_object,
    host_of,
    parsed,
    record_of,
    site_of_domain,
)
from tracking.collector.script import script_of
from tracking.spool import Record, spool
from tracking_project.client_ip import client_ip

NAME = "plausible"
MAX_NAME, MAX_URL, MAX_DOMAINS = 120, 2000, 20
SCRIPT = script_of("dialects/plausible.js", "tracker.js")
# The extensions in the name are read by the script itself.
SCRIPT_NAME = re.compile(r"(script|plausible|pa-[\w-]+)(\.[a-z-]+)*\.js")
HEADERS = "Content-Type, X-Debug-Request"


class Kept(msgspec.Struct, omit_defaults=True):
    """An event in the queue."""

    n: str
    u: str
    r: str = ""
    p: dict[str, str] | None = None
    h: bool = False  # the fragment is part of the page's address
    i: bool = True
    a: str = ""  # amount and currency of its revenue
    c: str = ""
    e: int = 0  # of an engagement: milliseconds, and percent of the page
    sd: int = 0
    title: str = ""  # these of our own script in this dialect
    screen: str = ""
    language: str = ""


def event(environ: Environ, read: Read, rest: str) -> Answer:
    method = environ["REQUEST_METHOD"]
    if method == "OPTIONS":
        return preflight(environ, HEADERS)
    if method != "POST":
        raise wrong_method("POST, OPTIONS")
    if not environ.get("HTTP_USER_AGENT"):
        raise bad_request("The header User-Agent is required.")
    given = parsed(decode_object, body_of(environ, read))
    if environ.get("HTTP_X_DEBUG_REQUEST") == "true":
        return answer(environ, HTTPStatus.OK, client_ip(environ).encode(), "text/plain")
    kept = event_of(given)
    domains = domains_of(given, kept.u)
    sites = {number for domain in domains if (number := site_of_domain(domain)) is not None}
    if sites:
        spool().append(*(record_of(environ, site, fields=kept, receiver=NAME) for site in sites))
    else:
        unknown = Refusal(HTTPStatus.ACCEPTED, f"No site has the domain {', '.join(domains)}.")
        refusals.note(environ, unknown)
    dropped = [("X-Plausible-Dropped", str(len(domains) - len(sites)))]
    return answer(
        environ,
        HTTPStatus.ACCEPTED,
        b"ok",
        "text/plain; charset=utf-8",
        *(dropped if len(sites) < len(domains) else ()),
    )


def event_of(given: Mapping[str, Any]) -> Kept:
    name, url = as_text(first(given, "n", "name")), first(given, "u", "url")
    if not 0 < len(name) <= MAX_NAME:
        raise bad_request(f"`name` is required, and has {MAX_NAME} characters at most.")
    if not isinstance(url, str) or not 0 < len(url) <= MAX_URL:
        raise bad_request(f"`url` is required, and has {MAX_URL} characters at most.")
    if url.startswith("data:"):
        raise bad_request("`url` is not the address of a page.")
    engaged, scroll = number(given.get("e")), number(given.get("sd"))
    if name == ENGAGEMENT and engaged is None and scroll is None:
        raise bad_request("An engagement needs `sd` or `e`.")
    revenue = object_of(first(given, "$", "revenue"))
    return Kept(
        name,
        url,
        as_text(first(given, "r", "referrer"))[:MAX_URL],
        clean_props(object_of(first(given, "p", "props", "m", "meta"))),
        first(given, "h", "hashMode") in (1, "1", True),
        first(given, "i", "interactive") is not False,
        as_text(revenue.get("amount"))[:30],
        as_text(revenue.get("currency"))[:3],
        engaged or 0,
        scroll if scroll and scroll <= 100 else 0,
        *(as_text(given.get(own))[:MAX_URL] for own in ("title", "screen", "language")),
    )


def first(given: Mapping[str, Any], *names: str) -> Any:
    return next((given[name] for name in names if given.get(name) is not None), None)


def number(value: object) -> int | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return min(max(round(value), 0), 1 << 40) if is_number else None  # type: ignore[call-overload]


def object_of(value: object) -> Mapping[str, Any]:
    """An object, or one as a text; empty for anything else."""
    if isinstance(value, str):
        try:
            return decode_object(value)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def domains_of(given: Mapping[str, Any], url: str) -> set[str]:
    text = first(given, "d", "domain")
    listed = text.split(",") if isinstance(text, str) else [host_of(url)]
    domains = {domain.strip() for domain in listed} - {""}
    if not 0 < len(domains) <= MAX_DOMAINS:
        raise bad_request("`domain` is required.")
    return domains


def script(environ: Environ, read: Read, rest: str) -> Answer | None:
    return script_answer(environ, SCRIPT) if SCRIPT_NAME.fullmatch(rest) else None


def refuse(environ: Environ, refusal: Refusal) -> Answer:
    content = {"errors": {"request": [refusal.message]}}
    return json_answer(environ, refusal.status, content, *refusal.headers)


def read_hit(record: Record) -> Hit:
    kept = msgspec.convert(record.fields, Kept)
    return Hit.of(
        record,
        kept.u.removeprefix("app:"),  # apps call their screens app://localhost/…
        referrer=kept.r,
        name=kept.n,
        title=kept.title,
        screen=kept.screen,
        language=kept.language,
        page=with_fragment(kept.u) if kept.h else "",
        props=kept.p,
        revenue=amount(kept.a),
        currency=kept.c,
        engaged=kept.e,
        scroll=kept.sd,
        interactive=kept.i,
    )


def with_fragment(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.path or '/'}#{parts.fragment}" if parts.fragment else ""
