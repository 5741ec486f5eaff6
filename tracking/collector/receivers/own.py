"""Our own doors.

GET  /t/<public id>.gif     the pixel; parameters `url` (else Referer), `referrer`, `event`
POST /t/<public id>         the same as JSON and more, whatever the Content-Type says
GET  /t/<public id>.js      the tracking script
*    /sites/<id>/visit      the pixel's parameters, from query string or form; answers 204
"""

import re
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from tracking.collector.answers import (
    NO_STORE,
    PIXEL,
    Answer,
    Environ,
    cors,
    missing_url,
    preflight,
    script_answer,
    wrong_method,
)
from tracking.collector.hit import MAX_ENGAGED, Hit, header, parse_parameters
from tracking.collector.intake import Read, body_of, keep, keep_parameters, known_site, parsed
from tracking.collector.script import SCRIPT, SCRIPT_ETAG
from tracking.spool import Record

VISIT_PATH = re.compile(r"(\d{1,18})/visit")


class Beacon(msgspec.Struct, omit_defaults=True):
    """The JSON that POST takes; keys beyond these are left alone."""

    url: str
    referrer: str = ""
    event: str = ""
    title: str = ""
    page: str = ""
    screen: str = ""
    language: str = ""
    props: dict[str, str | int | float | bool | None] | None = None
    revenue: Decimal | None = None
    currency: str = ""
    engaged: Annotated[int, Meta(ge=0, le=MAX_ENGAGED)] = 0
    scroll: Annotated[int, Meta(ge=0, le=100)] = 0
    interactive: bool = True


decode_beacon = msgspec.json.Decoder(Beacon).decode


def tracker(environ: Environ, read: Read, key: str) -> Answer | None:
    if not key:
        return None
    method = environ["REQUEST_METHOD"]
    if key.endswith(".gif"):
        site_id = known_site(key[:-4])
        if method == "GET":
            keep_parameters(environ, site_id, environ.get("QUERY_STRING", ""))
        elif method != "HEAD":
            raise wrong_method("GET, HEAD")
        return PIXEL if method == "GET" else PIXEL._replace(body=b"")
    if key.endswith(".js"):
        known_site(key[:-3])
        return script_answer(environ, SCRIPT, SCRIPT_ETAG)
    site_id = known_site(key)
    if method == "POST":
        beacon = parsed(decode_beacon, body_of(environ, read))
        if not beacon.url.strip():
            raise missing_url()
        keep(environ, site_id, fields=beacon)
        return Answer("202 Accepted", [("Content-Length", "0"), NO_STORE, *cors(environ)])
    if method == "OPTIONS":
        return preflight(environ)
    raise wrong_method("POST, OPTIONS")


def visit(environ: Environ, read: Read, key: str) -> Answer | None:
    """The contract of the application that this one grew from."""
    match = VISIT_PATH.fullmatch(key)
    if match is None:
        return None
    method = environ["REQUEST_METHOD"]
    site_id = known_site(int(match[1]))
    if method == "OPTIONS":
        return preflight(environ)
    if method not in {"GET", "POST"}:
        raise wrong_method("GET, POST, OPTIONS")
    parameters = environ.get("QUERY_STRING", "")
    if method == "POST":
        form = body_of(environ, read).decode("latin-1")
        parameters = "&".join(filter(None, (parameters, form)))
    keep_parameters(environ, site_id, parameters)
    return Answer("204 No Content", [NO_STORE, *cors(environ)])


def read_hit(record: Record) -> Hit:
    if record.fields is None:
        fields = parse_parameters(header(record.query))
        return Hit.of(
            record,
            fields.get("url", ""),
            referrer=fields.get("referrer", ""),
            name=fields.get("event", ""),
        )
    beacon = msgspec.convert(record.fields, Beacon)
    return Hit.of(
        record,
        beacon.url,
        referrer=beacon.referrer,
        name=beacon.event,
        title=beacon.title,
        page=beacon.page,
        screen=beacon.screen,
        language=beacon.language,
        props=beacon.props,
        revenue=beacon.revenue,
        currency=beacon.currency,
        engaged=beacon.engaged,
        scroll=beacon.scroll,
        interactive=beacon.interactive,
    )
