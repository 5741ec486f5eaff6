"""What Shynet's script and pixel send, with or without /ingress before it.

GET  /<public id>[/<anything>]/pixel.gif    counts the page that the Referer names
POST /<public id>[/<anything>]/script.js    {"idempotency", "referrer", "location", …}
GET  /<public id>[/<anything>]/script.js    our own script
"""

from collections import OrderedDict
from http import HTTPStatus

import msgspec

from tracking.collector.answers import (
    PIXEL,
    Answer,
    Environ,
    bad_request,
    json_answer,
    missing_url,
    preflight,
    script_answer,
    wrong_method,
)
from tracking.collector.hit import ENGAGEMENT, Hit
from tracking.collector.intake import Read, body_of, keep, known_site, parsed
from tracking.collector.script import script_of
from tracking.collector.sites import UUID_TEXT
from tracking.spool import Record

NAME = "shynet"
SCRIPT = script_of("dialects/shynet.js", "tracker.js")
HEARTBEAT = 5_000  # how often its script says that the page is still read, in milliseconds
REMEMBERED = 50_000


class Ingress(msgspec.Struct, omit_defaults=True):
    location: str
    idempotency: str = ""
    referrer: str = ""


decode_ingress = msgspec.json.Decoder(Ingress).decode


def pixel(environ: Environ, read: Read, rest: str) -> Answer | None:
    site = public_id_in(rest)
    if site is None:
        return None
    if environ["REQUEST_METHOD"] != "GET":
        raise wrong_method("GET")
    site_id = known_site(site)
    if not environ.get("HTTP_REFERER"):
        raise missing_url()
    keep(environ, site_id, receiver=NAME)
    return PIXEL


def script(environ: Environ, read: Read, rest: str) -> Answer | None:
    site = public_id_in(rest)
    if site is None:
        return None
    method = environ["REQUEST_METHOD"]
    site_id = known_site(site)
    if method == "OPTIONS":
        return preflight(environ)
    if method == "POST":
        given = parsed(decode_ingress, body_of(environ, read))
        if not given.location.strip():
            raise bad_request("`location` is the address of the page.")
        keep(environ, site_id, fields=given, receiver=NAME)
        return json_answer(environ, HTTPStatus.OK, {"status": "OK"})
    return script_answer(environ, SCRIPT)


def public_id_in(path: str) -> str | None:
    """`<public id>/…/pixel.gif`; None where no public id stands first."""
    first = path.removeprefix("ingress/").partition("/")[0]
    return first if UUID_TEXT.fullmatch(first) else None


def read_hit(record: Record) -> Hit:
    if record.fields is None:
        return Hit.of(record, "")
    given = msgspec.convert(record.fields, Ingress)
    is_heartbeat = heartbeats.is_repeated(given.idempotency, record.time)
    return Hit.of(
        record,
        given.location,
        referrer=given.referrer,
        name=ENGAGEMENT if is_heartbeat else "",
        engaged=HEARTBEAT if is_heartbeat else 0,
    )


class Heartbeats:
    """Tells a page view from what follows it under the same key, as far back as it remembers."""

    def __init__(self) -> None:
        self._first: OrderedDict[str, float] = OrderedDict()

    def is_repeated(self, key: str, time: float) -> bool:
        """Answers the same when it is asked again, as after a batch that could not be stored."""
        if not key:
            return False
        first = self._first.setdefault(key, time)
        self._first.move_to_end(key)
        if len(self._first) > REMEMBERED:
            self._first.popitem(last=False)
        return time > first


heartbeats = Heartbeats()
