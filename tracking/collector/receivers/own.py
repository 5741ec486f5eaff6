"""Our own doors.

GET  /t/<public id>.gif     the pixel; parameters `url` (else Referer), `referrer`, `event`
POST /t/<public id>         the same as JSON and more, whatever the Content-Type says
POST /t/<public id>/batch   a list of such JSON from a server, with a token of the site's
GET  /t/<public id>.js      the tracking script
*    /sites/<id>/visit      the pixel's parameters, from query string or form; answers 204

For `t` stands what TRACKER_PREFIX says. With TRACKER_SCRIPT_NAME=app the script is
`/t/<public id>/app.js`, and reports to its own address without `.js`.
"""

import re
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated

import msgspec
from django.conf import settings
from msgspec import Meta
from msgspec.structs import replace

from tracking.collector.answers import (
    NO_STORE,
    PIXEL,
    Answer,
    Environ,
    Refusal,
    accepted,
    bad_request,
    cors,
    missing_url,
    origin_of,
    preflight,
    script_answer,
    wrong_method,
)
from tracking.collector.hit import MAX_ENGAGED, Hit, as_header, header, parse_parameters
from tracking.collector.intake import (
    MAX_USER_AGENT,
    Read,
    body_of,
    keep,
    keep_parameters,
    known_site,
    moment_of,
    parsed,
    record_of,
    site_of_token,
)
from tracking.collector.script import TRACKER
from tracking.spool import Record, spool
from tracking_project.client_ip import plain_address

SCRIPT_NAME = settings.TRACKER_SCRIPT_NAME and f"/{settings.TRACKER_SCRIPT_NAME}"
MAX_BATCH, MAX_BATCH_BYTES = 100, 1 << 20
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


class BatchHit(Beacon, omit_defaults=True):
    """What a server reports on behalf of a visitor; `time` is now unless it is given.

    The visitor's are checked below, and empty in the queue, where the record has them.
    """

    ip: str = ""
    user_agent: str = ""
    time: Annotated[datetime, Meta(tz=True)] | None = None


decode_beacon = msgspec.json.Decoder(Beacon).decode
decode_batch = msgspec.json.Decoder(
    Annotated[list[BatchHit], Meta(min_length=1, max_length=MAX_BATCH)]
).decode


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
        known_site(key[:-3].removesuffix(SCRIPT_NAME))
        return script_answer(environ, TRACKER)
    if key.endswith("/batch"):
        return batch(environ, read, known_site(key[:-6]))
    site_id = known_site(key.removesuffix(SCRIPT_NAME))
    if method == "POST":
        beacon = parsed(decode_beacon, body_of(environ, read))
        if not beacon.url.strip():
            raise missing_url()
        keep(environ, site_id, fields=beacon)
        return accepted(origin_of(environ))
    if method == "OPTIONS":
        return preflight(environ)
    raise wrong_method("POST, OPTIONS")


def batch(environ: Environ, read: Read, site_id: int) -> Answer:
    """All hits of a list are kept, or none."""
    if environ["REQUEST_METHOD"] != "POST":
        raise wrong_method("POST")
    if site_of_token(environ) != site_id:
        raise Refusal(
            HTTPStatus.UNAUTHORIZED,
            "Send `Authorization: Bearer …` with a token of this site.",
            WWW_Authenticate="Bearer",
        )
    hits = parsed(decode_batch, body_of(environ, read, MAX_BATCH_BYTES))
    template = record_of(environ, site_id)
    records = []
    for place, hit in enumerate(hits):
        try:
            records.append(record_of_batch(template, hit))
        except Refusal as refusal:
            raise bad_request(f"At `$[{place}]`: {refusal.message}") from None
    spool().append(*records)
    return accepted("")


def record_of_batch(template: Record, hit: BatchHit) -> Record:
    if not hit.url.strip():
        raise bad_request("Give `url`.")
    if not plain_address(hit.ip):
        raise bad_request("`ip` is not an IP address.")
    if not hit.user_agent.strip():
        raise bad_request("Give `user_agent`.")
    return replace(
        template,
        time=moment_of(hit.time.timestamp(), template.time) if hit.time else template.time,
        ip=hit.ip,
        user_agent=as_header(hit.user_agent)[:MAX_USER_AGENT],
        referer="",
        prefetch=False,
        fields=replace(hit, ip="", user_agent="", time=None),
    )


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
