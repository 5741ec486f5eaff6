"""What the collector answers, whichever receiver was asked."""

import json
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple

from tracking.collector.script import Script

GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
NO_STORE = ("Cache-Control", "no-store")
MAX_ORIGIN = 300  # a scheme, the longest host name, a port

Environ = Mapping[str, Any]


class Answer(NamedTuple):
    status: str
    headers: list[tuple[str, str]]
    body: bytes = b""


PIXEL = Answer(
    "200 OK", [("Content-Type", "image/gif"), ("Content-Length", str(len(GIF))), NO_STORE], GIF
)


class Refusal(Exception):
    """A request that is not counted, with what to tell its sender."""

    def __init__(self, status: HTTPStatus, message: str, **headers: str) -> None:
        self.status, self.message = status, message
        self.headers = [(name.replace("_", "-"), value) for name, value in headers.items()]


def bad_request(message: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, message)


def wrong_method(allowed: str) -> Refusal:
    return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"Use {allowed}.", Allow=allowed)


def missing_url() -> Refusal:
    return bad_request("Say which page it was: give `url`, or send a Referer header.")


def as_json(environ: Environ, refusal: Refusal) -> Answer:
    """A refusal as our own doors write it."""
    return json_answer(
        environ, refusal.status, {"errors": {"message": refusal.message}}, *refusal.headers
    )


def json_answer(
    environ: Environ, status: HTTPStatus, content: object, *headers: tuple[str, str]
) -> Answer:
    return answer(environ, status, json.dumps(content).encode(), "application/json", *headers)


def answer(
    environ: Environ,
    status: HTTPStatus,
    body: bytes,
    content_type: str,
    *headers: tuple[str, str],
) -> Answer:
    return Answer(
        f"{status.value} {status.phrase}",
        [
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            NO_STORE,
            *headers,
            *cors(environ),
        ],
        body,
    )


def script_answer(environ: Environ, script: Script) -> Answer:
    method = environ["REQUEST_METHOD"]
    if method not in {"GET", "HEAD"}:
        raise wrong_method("GET, HEAD")
    headers = [
        ("Content-Type", "text/javascript; charset=utf-8"),
        ("Cache-Control", "public, max-age=3600"),
        ("ETag", script.etag),
        ("Access-Control-Allow-Origin", "*"),
        ("Cross-Origin-Resource-Policy", "cross-origin"),
        ("X-Content-Type-Options", "nosniff"),
        ("Vary", "Accept-Encoding"),
    ]
    if script.etag in environ.get("HTTP_IF_NONE_MATCH", ""):
        return Answer("304 Not Modified", headers)
    body = script.body
    if "gzip" in environ.get("HTTP_ACCEPT_ENCODING", ""):
        body = script.zipped
        headers.append(("Content-Encoding", "gzip"))
    headers.append(("Content-Length", str(len(body))))
    return Answer("200 OK", headers, body if method == "GET" else b"")


def cors(environ: Environ) -> list[tuple[str, str]]:
    """Let pages of every origin report: cookies are never read here, so there is no harm in it.

    `sendBeacon` sends with credentials, for which browsers do not take `*` as an answer.
    """
    return allowing(origin_of(environ))


def origin_of(environ: Environ) -> str:
    origin: str = environ.get("HTTP_ORIGIN", "")
    return origin if len(origin) <= MAX_ORIGIN else ""


def allowing(origin: str) -> list[tuple[str, str]]:
    if not origin:
        return []
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Vary", "Origin"),
    ]


@lru_cache(maxsize=1000)
def accepted(origin: str) -> Answer:
    """Nothing but that a hit was taken, for a page of that origin."""
    return Answer("202 Accepted", [("Content-Length", "0"), NO_STORE, *allowing(origin)])


def preflight(environ: Environ, headers: str = "Content-Type") -> Answer:
    """Whether a page may send what it wants to send; `headers` are those of a receiver."""
    return Answer(
        "204 No Content",
        [
            *cors(environ),
            ("Access-Control-Allow-Methods", "GET, POST"),
            ("Access-Control-Allow-Headers", headers),
            ("Access-Control-Max-Age", "86400"),
        ],
    )
