"""How a request becomes a record of the queue: the part that all receivers share."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from tracking.collector.answers import Environ, Refusal, bad_request, missing_url
from tracking.collector.hit import (
    DO_NOT_TRACK,
    GLOBAL_PRIVACY_CONTROL,
    OPTED_OUT,
    parse_parameters,
)
from tracking.collector.sites import TOKEN, directory
from tracking.models.sites import token_hash
from tracking.spool import Record, spool
from tracking_project.client_ip import client_ip

MAX_BODY_BYTES = 64 << 10
MAX_PARAMETERS_BYTES = 8 << 10
# What is longer than browsers send is cut; it would only fill the queue.
MAX_USER_AGENT, MAX_REFERER, MAX_ADDRESS = 1000, 4000, 100
# Set by our own page, for a device whose visits to a site shall not count; the site's id follows.
OPT_OUT_COOKIE = "uncounted_"

# How late a hit may be reported: visitors of the day before yesterday are not known any more.
# A server's clock may be a little fast.
MAX_AGE, MAX_AHEAD = 24 * 60 * 60, 60

Read = Callable[[int], bytes]
Body = TypeVar("Body")


def known_site(key: str | int) -> int:
    site_id = directory.find(key)
    if site_id is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "There is no such site here.")
    return site_id


def site_of_domain(text: str) -> int | None:
    """The site of a domain as people write it, or of its public id."""
    key = text.strip().lower().removeprefix("www.")
    return directory.find(key) if key else None


def host_of(url: str) -> str:
    """The host name in an address; empty if there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def site_of_token(environ: Environ) -> int | None:
    """The site that a server may report for; None without a token that is valid."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return site_of_token_text(token.strip()) if scheme.lower() == "bearer" else None


def site_of_token_text(token: str) -> int | None:
    return directory.find(TOKEN + token_hash(token)) if token else None


def keep(
    environ: Environ, site_id: int, query: str = "", fields: object = None, receiver: str = ""
) -> None:
    spool().append(record_of(environ, site_id, query, fields, receiver))


def record_of(
    environ: Environ, site_id: int, query: str = "", fields: object = None, receiver: str = ""
) -> Record:
    header = environ.get
    return Record(
        site_id,
        time.time(),
        client_ip(environ)[:MAX_ADDRESS],
        header("HTTP_USER_AGENT", "")[:MAX_USER_AGENT],
        header("HTTP_REFERER", "")[:MAX_REFERER],
        "HTTP_SEC_PURPOSE" in environ
        or "HTTP_PURPOSE" in environ
        or "HTTP_X_PURPOSE" in environ
        or "HTTP_X_MOZ" in environ,
        query,
        fields,
        receiver,
        objection(environ, site_id),
    )


def objection(environ: Environ, site_id: int) -> str:
    """How the visitor asks not to be counted; the worker knows what the site makes of it."""
    if "HTTP_COOKIE" in environ and f"{OPT_OUT_COOKIE}{site_id}=1" in environ["HTTP_COOKIE"]:
        return OPTED_OUT
    if "HTTP_SEC_GPC" in environ and environ["HTTP_SEC_GPC"] == "1":
        return GLOBAL_PRIVACY_CONTROL
    return DO_NOT_TRACK if "HTTP_DNT" in environ and environ["HTTP_DNT"] == "1" else ""


def keep_parameters(environ: Environ, site_id: int, parameters: str) -> None:
    """Keep a hit whose fields are form-encoded. They are taken apart by the worker."""
    check_length(parameters)
    # Browsers name the page in the Referer, so that hardly a hit is taken apart here.
    if not environ.get("HTTP_REFERER") and not parse_parameters(parameters).get("url"):
        raise missing_url()
    keep(environ, site_id, query=parameters)


def check_length(parameters: str) -> None:
    if len(parameters) > MAX_PARAMETERS_BYTES:
        raise Refusal(
            HTTPStatus.REQUEST_URI_TOO_LONG,
            f"The parameters may have {MAX_PARAMETERS_BYTES} bytes at most.",
        )


def body_of(environ: Environ, read: Read, limit: int = MAX_BODY_BYTES) -> bytes:
    stated = environ.get("CONTENT_LENGTH")
    try:
        # Without a length (a chunked body) one byte too many tells that it is too long.
        length = int(stated) if stated else limit + 1
    except ValueError:
        raise bad_request("Content-Length is not a number.") from None
    if not stated or length <= limit:
        body = read(length)
        if stated and len(body) < length:
            raise bad_request("The body ended before its Content-Length.")
        if len(body) <= limit:
            return body
    raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body may have {limit} bytes at most.")


decode_object = msgspec.json.Decoder(dict[str, Any]).decode


def parsed(decode: Callable[[bytes], Body], body: bytes) -> Body:
    """A body of JSON, or a refusal that says what is wrong with it."""
    try:
        return decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request(f"The body is not as expected: {error}.") from None


def moment_of(moment: float, now: float) -> float:
    """When a hit happened that is reported later, in seconds since the epoch."""
    if not now - MAX_AGE <= moment <= now + MAX_AHEAD:
        raise bad_request("The time is not within the last 24 hours.")
    return min(moment, now)
