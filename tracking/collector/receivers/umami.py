"""What Umami's script and clients send: POST /api/send, and POST /api/batch with a list of that.

The site is found by its public id, which Umami calls the website's, or by its domain.
"""

import json
from hashlib import blake2b
from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import urljoin
from uuid import UUID

import msgspec
from django.conf import settings
from msgspec import Meta
from msgspec.structs import replace

from tracking.collector import refusals
from tracking.collector.answers import (
    Answer,
    Environ,
    Refusal,
    bad_request,
    json_answer,
    preflight,
    script_answer,
    wrong_method,
)
from tracking.collector.hit import MAX_ENGAGED, MAX_PROP_VALUE, Hit, amount, as_header, clean_props
from tracking.collector.intake import (
    MAX_USER_AGENT,
    Read,
    body_of,
    moment_of,
    parsed,
    record_of,
    site_of_domain,
)
from tracking.collector.script import script_of
from tracking.spool import Record, spool
from tracking_project.client_ip import plain_address

NAME = "umami"
SCRIPT = script_of("dialects/umami.js", "tracker.js")
HEADERS = "Content-Type, X-Umami-Cache"
MAX_BATCH, MAX_BATCH_BYTES = 500, 1 << 20
MAX_DEPTH = 5
# Names and mail addresses are what it is mostly called with.
NOT_KEPT = Refusal(HTTPStatus.OK, "Who a visitor is (identify) is not kept.")
VITALS = ("lcp", "inp", "cls", "fcp", "ttfb")

Text = Annotated[str, Meta(max_length=2000)] | None
Short = Annotated[str, Meta(max_length=50)] | None
Vital = float | None


class Payload(msgspec.Struct, omit_defaults=True):
    website: str = ""
    hostname: Annotated[str, Meta(max_length=100)] | None = None
    language: Annotated[str, Meta(max_length=35)] | None = None
    screen: Annotated[str, Meta(max_length=11)] | None = None
    url: Text = None
    referrer: Text = None
    title: Text = None
    name: Short = None
    tag: Short = None
    data: Any = None
    ip: str | None = None
    userAgent: str | None = None  # noqa: N815
    timestamp: float | None = None
    # Of our own script in this dialect.
    engaged: Annotated[int, Meta(ge=0, le=MAX_ENGAGED)] = 0
    scroll: Annotated[int, Meta(ge=0, le=100)] = 0
    lcp: Vital = None
    inp: Vital = None
    cls: Vital = None
    fcp: Vital = None
    ttfb: Vital = None


class Message(msgspec.Struct):
    type: Literal["event", "identify", "performance"]
    payload: Payload


decode_message = msgspec.json.Decoder(Message).decode
decode_batch = msgspec.json.Decoder(Annotated[list[msgspec.Raw], Meta(max_length=MAX_BATCH)]).decode


def send(environ: Environ, read: Read, rest: str) -> Answer:
    if answered := unless_posted(environ):
        return answered
    message = parsed(decode_message, body_of(environ, read))
    record = record_of_message(environ, message)
    if message.type == "identify":
        refusals.note(environ, NOT_KEPT, record.site_id)
    else:
        spool().append(record)
    return json_answer(environ, HTTPStatus.OK, session_of(record))


def batch(environ: Environ, read: Read, rest: str) -> Answer:
    """Those of the messages that are as expected are kept; the answer names the others."""
    if answered := unless_posted(environ):
        return answered
    bodies = parsed(decode_batch, body_of(environ, read, MAX_BATCH_BYTES))
    records, details = [], []
    for index, body in enumerate(bodies):
        try:
            message = parsed(decode_message, bytes(body))
            record = record_of_message(environ, message)
        except Refusal as refusal:
            details.append({"index": index, "response": error(refusal)})
        else:
            if message.type == "identify":
                refusals.note(environ, NOT_KEPT, record.site_id)
            else:
                records.append(record)
    if records:
        spool().append(*records)
    return json_answer(
        environ,
        HTTPStatus.OK,
        {
            "size": len(bodies),
            "processed": len(bodies) - len(details),
            "errors": len(details),
            "details": details,
        },
    )


def unless_posted(environ: Environ) -> Answer | None:
    method = environ["REQUEST_METHOD"]
    if method == "OPTIONS":
        return preflight(environ, HEADERS)
    if method != "POST":
        raise wrong_method("POST, OPTIONS")
    return None


def record_of_message(environ: Environ, message: Message) -> Record:
    payload = message.payload
    site_id = site_of_domain(payload.website)
    if site_id is None:
        raise bad_request("Website not found.")
    record = record_of(environ, site_id, receiver=NAME)
    # Servers report on behalf of visitors; the original takes their word too.
    if payload.ip:
        if not plain_address(payload.ip):
            raise bad_request("`ip` is not an IP address.")
        record.ip = payload.ip
    if payload.userAgent:
        record.user_agent = as_header(payload.userAgent)[:MAX_USER_AGENT]
    if payload.timestamp is not None:
        record.time = moment_of(payload.timestamp, record.time)
    record.fields = replace(
        payload,
        website="",
        data=clean_props(flat(payload.data)),
        ip=None,
        userAgent=None,
        timestamp=None,
        **({} if message.type == "performance" else dict.fromkeys(VITALS)),
    )
    return record


def flat(data: Any, prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Nested objects as `outer.inner`, lists as their JSON."""
    if not isinstance(data, dict) or depth > MAX_DEPTH:
        return {}
    properties: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            properties |= flat(value, f"{prefix}{key}.", depth + 1)
        elif isinstance(value, list):
            properties[prefix + key] = json.dumps(value)[:MAX_PROP_VALUE]
        else:
            properties[prefix + key] = value
    return properties


def session_of(record: Record) -> dict[str, str]:
    """Ids as the original's clients expect them. They mean nothing here and are kept nowhere,
    but are the same all day for whoever asks again."""
    day = int(record.time) // 86_400
    whose = f"{record.site_id} {record.ip} {record.user_agent} {day}"
    digest = blake2b(whose.encode(), key=settings.SECRET_KEY.encode()[:64], digest_size=32).digest()
    session, visit = (str(UUID(bytes=part, version=4)) for part in (digest[:16], digest[16:]))
    return {"cache": digest.hex(), "sessionId": session, "visitId": visit}


def script(environ: Environ, read: Read, rest: str) -> Answer:
    return script_answer(environ, SCRIPT)


def refuse(environ: Environ, refusal: Refusal) -> Answer:
    return json_answer(environ, refusal.status, error(refusal), *refusal.headers)


def error(refusal: Refusal) -> dict[str, Any]:
    return {"error": {"message": refusal.message, "status": refusal.status.value}}


def read_hit(record: Record) -> Hit:
    payload = msgspec.convert(record.fields, Payload)
    props: dict[str, str] = payload.data or {}
    if payload.tag:
        props = {**props, "tag": payload.tag}
    vitals = {name: value for name in VITALS if (value := getattr(payload, name))}
    return Hit.of(
        record,
        address_of(payload),
        referrer=payload.referrer or "",
        name="Performance" if vitals else payload.name or "",
        title=payload.title or "",
        screen=payload.screen or "",
        language=payload.language or "",
        props={**props, **vitals},
        revenue=amount(props.get("revenue", "")),
        currency=props.get("currency", ""),
        engaged=payload.engaged,
        scroll=payload.scroll,
        interactive=not vitals,
    )


def address_of(payload: Payload) -> str:
    url = payload.url or "/"
    try:
        return urljoin(f"https://{payload.hostname}/", url) if payload.hostname else url
    except ValueError:
        return url
