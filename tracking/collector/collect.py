"""The collector: a request of a tracked page comes in, a hit is in the queue, an answer goes out.

`collect` is the one function behind both doors: the WSGI wrapper (`tracking.collector.wsgi`),
which answers before Django is even asked, and the view (`tracking.views.collect`), which is asked
where Django is served without it, as by `runserver`.

    GET  /t/<public id>.gif     the pixel; parameters `url` (else Referer), `referrer`, `event`
    POST /t/<public id>         the same as JSON, whatever the Content-Type says
    GET  /t/<public id>.js      the tracking script
    *    /sites/<id>/visit      the pixel's parameters, from query string or form; answers 204
"""

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from tracking.collector.hit import PAGEVIEW, parse_parameters
from tracking.collector.script import SCRIPT, SCRIPT_ETAG
from tracking.collector.sites import SitesUnavailable, directory
from tracking.spool import Record, spool
from tracking_project.client_ip import client_ip

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 << 10
MAX_PARAMETERS_BYTES = 8 << 10
# What is longer than browsers send is cut; it would only fill the queue.
MAX_USER_AGENT, MAX_REFERER, MAX_ADDRESS = 1000, 4000, 100
GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
NO_STORE = ("Cache-Control", "no-store")
VISIT_PATH = re.compile(r"/sites/(\d{1,18})/visit")

Environ = Mapping[str, Any]
Read = Callable[[int], bytes]


class Answer(NamedTuple):
    status: str
    headers: list[tuple[str, str]]
    body: bytes = b""


class Refusal(Exception):
    """A request that is not counted, with what to tell its sender."""

    def __init__(self, status: HTTPStatus, message: str, **headers: str) -> None:
        self.status, self.message = status, message
        self.headers = [(name.replace("_", "-"), value) for name, value in headers.items()]


class Beacon(msgspec.Struct):
    """The JSON that POST takes; keys beyond these are left alone."""

    url: str
    referrer: str = ""
    event: str = PAGEVIEW


decode_beacon = msgspec.json.Decoder(Beacon).decode

PIXEL = Answer(
    "200 OK", [("Content-Type", "image/gif"), ("Content-Length", str(len(GIF))), NO_STORE], GIF
)


def collect(environ: Environ, read: Read) -> Answer | None:
    """Answer a request to the collector; None when the path is not the collector's.

    `environ` is a WSGI environ (or `request.META`), `read(n)` gives up to n bytes of the body.
    """
    path = environ["PATH_INFO"]
    if path.startswith("/t/"):
        respond, key = tracker_door, path[3:]
    elif match := VISIT_PATH.fullmatch(path):
        respond, key = visit_door, match[1]
    else:
        return None
    try:
        return respond(environ, read, key)
    except Refusal as refusal:
        return as_json(environ, refusal)
    except (OSError, SitesUnavailable):
        # Whatever could not be kept must not be answered with success: senders may try again.
        logger.exception("A hit could not be accepted.")
        return as_json(
            environ,
            Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "Try again in a while.", Retry_After="10"),
        )


def tracker_door(environ: Environ, read: Read, key: str) -> Answer:
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
        return script(environ, method)
    site_id = known_site(key)
    if method == "POST":
        beacon = parse_beacon(body_of(environ, read))
        keep(
            environ,
            site_id,
            fields={"url": beacon.url, "referrer": beacon.referrer, "event": beacon.event},
        )
        return Answer("202 Accepted", [("Content-Length", "0"), NO_STORE, *cors(environ)])
    if method == "OPTIONS":
        return preflight(environ)
    raise wrong_method("POST, OPTIONS")


def visit_door(environ: Environ, read: Read, key: str) -> Answer:
    """The contract of the application that this one grew from."""
    method = environ["REQUEST_METHOD"]
    site_id = known_site(int(key))
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


def known_site(key: str | int) -> int:
    site_id = directory.find(key)
    if site_id is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "There is no such site here.")
    return site_id


def keep_parameters(environ: Environ, site_id: int, parameters: str) -> None:
    """Keep a hit whose fields are form-encoded. They are taken apart by the worker."""
    if len(parameters) > MAX_PARAMETERS_BYTES:
        raise Refusal(
            HTTPStatus.REQUEST_URI_TOO_LONG,
            f"The parameters may have {MAX_PARAMETERS_BYTES} bytes at most.",
        )
    # Browsers name the page in the Referer, so that hardly a hit is taken apart here.
    if not environ.get("HTTP_REFERER") and not parse_parameters(parameters).get("url"):
        raise missing_url()
    keep(environ, site_id, query=parameters)


def keep(
    environ: Environ, site_id: int, query: str = "", fields: dict[str, str] | None = None
) -> None:
    header = environ.get
    spool().append(
        Record(
            site_id,
            time.time(),
            client_ip(environ)[:MAX_ADDRESS],
            header("HTTP_USER_AGENT", "")[:MAX_USER_AGENT],
            header("HTTP_REFERER", "")[:MAX_REFERER],
            bool(
                header("HTTP_SEC_PURPOSE")
                or header("HTTP_PURPOSE")
                or header("HTTP_X_PURPOSE")
                or header("HTTP_X_MOZ")
            ),
            query,
            fields,
        )
    )


def body_of(environ: Environ, read: Read) -> bytes:
    stated = environ.get("CONTENT_LENGTH")
    try:
        # Without a length (a chunked body) one byte too many tells that it is too long.
        length = int(stated) if stated else MAX_BODY_BYTES + 1
    except ValueError:
        raise Refusal(HTTPStatus.BAD_REQUEST, "Content-Length is not a number.") from None
    if not stated or length <= MAX_BODY_BYTES:
        body = read(length)
        if stated and len(body) < length:
            raise Refusal(HTTPStatus.BAD_REQUEST, "The body ended before its Content-Length.")
        if len(body) <= MAX_BODY_BYTES:
            return body
    raise Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body may have {MAX_BODY_BYTES} bytes at most."
    )


def parse_beacon(body: bytes) -> Beacon:
    try:
        beacon = decode_beacon(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"The body is not as expected: {error}.") from None
    if not beacon.url.strip():
        raise missing_url()
    return beacon


def script(environ: Environ, method: str) -> Answer:
    if method not in {"GET", "HEAD"}:
        raise wrong_method("GET, HEAD")
    headers = [
        ("Content-Type", "text/javascript; charset=utf-8"),
        ("Cache-Control", "public, max-age=3600"),
        ("ETag", SCRIPT_ETAG),
        ("Access-Control-Allow-Origin", "*"),
        ("Cross-Origin-Resource-Policy", "cross-origin"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if SCRIPT_ETAG in environ.get("HTTP_IF_NONE_MATCH", ""):
        return Answer("304 Not Modified", headers)
    headers.append(("Content-Length", str(len(SCRIPT))))
    return Answer("200 OK", headers, SCRIPT if method == "GET" else b"")


def cors(environ: Environ) -> list[tuple[str, str]]:
    """Let pages of every origin report: cookies are never read here, so there is no harm in it.

    `sendBeacon` sends with credentials, for which browsers do not take `*` as an answer.
    """
    origin = environ.get("HTTP_ORIGIN")
    if not origin:
        return []
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Vary", "Origin"),
    ]


def preflight(environ: Environ) -> Answer:
    return Answer(
        "204 No Content",
        [
            *cors(environ),
            ("Access-Control-Allow-Methods", "GET, POST"),
            ("Access-Control-Allow-Headers", "Content-Type"),
            ("Access-Control-Max-Age", "86400"),
        ],
    )


def wrong_method(allowed: str) -> Refusal:
    return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"Use {allowed}.", Allow=allowed)


def missing_url() -> Refusal:
    return Refusal(
        HTTPStatus.BAD_REQUEST, "Say which page it was: give `url`, or send a Referer header."
    )


def as_json(environ: Environ, refusal: Refusal) -> Answer:
    body = json.dumps({"errors": {"message": refusal.message}}).encode()
    return Answer(
        f"{refusal.status.value} {refusal.status.phrase}",
        [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            NO_STORE,
            *refusal.headers,
            *cors(environ),
        ],
        body,
    )
