"""What Matomo's script, pixel, apps and clients send: GET or POST /matomo.php, /piwik.php

The parameters are in the query string, in a form, or, many at once, in JSON:
{"requests": ["?idsite=1&rec=1&…"], "token_auth": "…"}. The site is found by its number.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from tracking.collector.answers import (
    GIF,
    NO_STORE,
    Answer,
    Environ,
    Refusal,
    answer,
    bad_request,
    cors,
    json_answer,
    preflight,
    script_answer,
    wrong_method,
)
from tracking.collector.hit import (
    ENGAGEMENT,
    Hit,
    amount,
    as_header,
    header,
    parse_parameters,
    whole,
)
from tracking.collector.intake import (
    MAX_USER_AGENT,
    Read,
    body_of,
    check_length,
    moment_of,
    parsed,
    record_of,
    site_of_token_text,
)
from tracking.collector.script import script_of
from tracking.collector.sites import directory
from tracking.spool import Record, spool
from tracking_project.client_ip import plain_address

NAME = "matomo"
SCRIPT = script_of("dialects/matomo.js", "tracker.js")
MAX_BULK, MAX_BULK_BYTES = 500, 1 << 20
SITE = re.compile(r"(?:^|[?&])idsite=(\d{1,18})(?:&|$)")
# A word that is asked for only where it may be: hardly a request has one.
ON_BEHALF = re.compile(r"(?:^|[?&])(?:cip|cdt|ua|token_auth)=")
# The script says each quarter of a minute, unless told otherwise, that the page is still read.
HEARTBEAT = 15_000
CAMPAIGN = re.compile(
    r"([?&])(?:mtm|matomo|pk|piwik)_(campaign|source|medium|content|kwd|keyword)="
)
TAGS = {"kwd": "term", "keyword": "term"}


class Bulk(msgspec.Struct):
    requests: Annotated[list[str | dict[str, Any]], Meta(min_length=1, max_length=MAX_BULK)]
    token_auth: str | None = None


decode_items = msgspec.json.Decoder(list[list[Any]]).decode
decode_bulk = msgspec.json.Decoder(Bulk).decode


def track(environ: Environ, read: Read, rest: str) -> Answer:
    method = environ["REQUEST_METHOD"]
    if method == "OPTIONS":
        return preflight(environ)
    if method not in {"GET", "POST"}:
        raise wrong_method("GET, POST, OPTIONS")
    parameters = environ.get("QUERY_STRING", "")
    if method == "POST":
        body = body_of(environ, read, MAX_BULK_BYTES)
        if body.lstrip()[:1] == b"{":
            return bulk(environ, parsed(decode_bulk, body))
        parameters = "&".join(filter(None, (parameters, body.decode("latin-1"))))
    spool().append(record_of_request(environ, parameters, ""))
    if "send_image=0" in parameters:
        return Answer("204 No Content", [NO_STORE, *cors(environ)])
    return answer(environ, HTTPStatus.OK, GIF, "image/gif")


def bulk(environ: Environ, given: Bulk) -> Answer:
    """Those of the requests that are as expected are kept; the answer names the others."""
    records, invalid = [], []
    for index, request in enumerate(given.requests):
        text = request if isinstance(request, str) else urlencode(request)
        parameters = as_header(text.rpartition("?")[2] if isinstance(request, str) else text)
        try:
            records.append(record_of_request(environ, parameters, given.token_auth or ""))
        except Refusal:
            invalid.append(index)
    if records:
        spool().append(*records)
    return json_answer(
        environ,
        HTTPStatus.OK if records else HTTPStatus.BAD_REQUEST,
        {
            "status": "success" if records else "error",
            "tracked": len(records),
            "invalid": len(invalid),
            "invalid_indices": invalid,
        },
    )


def record_of_request(environ: Environ, parameters: str, token: str) -> Record:
    check_length(parameters)
    match = SITE.search(parameters)
    if match is None:
        raise bad_request("The parameter idsite is missing: the number of the site.")
    site_id = directory.find(int(match[1]))
    if site_id is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "There is no such site here.")
    if "rec=1" not in parameters:
        raise bad_request("The parameter rec=1 is missing.")
    record = record_of(environ, site_id, parameters, receiver=NAME)
    if ON_BEHALF.search(parameters):
        report_for_another(record, token)
    return record


def report_for_another(record: Record, token: str) -> None:
    """Visitor and time as the request has them, where it may say so."""
    fields = parse_parameters(header(record.query))
    if agent := fields.get("ua"):
        record.user_agent = as_header(agent)[:MAX_USER_AGENT]
    if moment := fields.get("cdt"):
        record.time = moment_of(seconds(moment), record.time)
    if address := fields.get("cip"):
        if site_of_token_text(fields.get("token_auth") or token) != record.site_id:
            raise Refusal(HTTPStatus.UNAUTHORIZED, "For cip, token_auth needs the site’s token.")
        if not plain_address(address):
            raise bad_request("The parameter cip is not an IP address.")
        record.ip = address
    # The secret shall not lie around in the queue.
    fields.pop("token_auth", None)
    record.query = urlencode(fields)


def seconds(text: str) -> float:
    """Of a Unix timestamp, or of a date and time in UTC."""
    try:
        if text.isdecimal():
            return float(text[:12])
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        raise bad_request("The parameter cdt is not a time.") from None


def script(environ: Environ, read: Read, rest: str) -> Answer:
    return script_answer(environ, SCRIPT)


def refuse(environ: Environ, refusal: Refusal) -> Answer:
    body = refusal.message.encode()
    return answer(environ, refusal.status, body, "text/plain; charset=utf-8", *refusal.headers)


def read_hit(record: Record) -> Hit:
    fields = parse_parameters(header(record.query))
    given = fields.get
    name, props, revenue = happening(fields)
    return Hit.of(
        record,
        with_campaign(given("url", ""), given("_rcn", ""), given("_rck", "")),
        referrer=given("urlref", ""),
        name=name,
        title=given("action_name", ""),
        screen=given("res", ""),
        language=given("lang", ""),
        props=props,
        revenue=revenue,
        currency=given("ec_cu", ""),
        # Our own script in this dialect says it exactly.
        engaged=whole(given("engaged", str(HEARTBEAT))) if name == ENGAGEMENT else 0,
        scroll=whole(given("scroll", "")),
    )


def happening(fields: dict[str, str]) -> tuple[str, dict[str, str], Decimal | None]:
    """Name, properties and revenue of what a request is about; a page view has no name."""
    given = fields.get
    revenue = amount(given("revenue", ""))
    if given("ping") == "1":
        return ENGAGEMENT, {}, None
    if category := given("e_c", ""):
        props = {"category": category, "action": given("e_a", "")}
        props |= {"name": given("e_n", ""), "value": given("e_v", "")}
        return f"{category}: {props['action']}", props, revenue
    if link := given("link"):
        return "Outbound Link: Click", {"url": link}, None
    if download := given("download"):
        return "File Download", {"url": download}, None
    if (query := given("search")) is not None:
        props = {"query": query, "category": given("search_cat", "")}
        return "Site Search", props | {"results": given("search_count", "")}, None
    if given("idgoal") == "0":
        return "Order", {"order": given("ec_id", ""), **products(given("ec_items", ""))}, revenue
    if goal := given("idgoal"):
        return f"Goal {goal}", {}, revenue
    return "", {}, None


def products(text: str) -> dict[str, str]:
    """Of an order's `[[number, name, category, price, quantity], …]` the names and how many."""
    try:
        items = decode_items(text) if text else []
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    names = [str(item[1] or item[0]) for item in items if len(item) > 1]
    count = sum(whole(str(item[4])) if len(item) > 4 else 1 for item in items)
    return {"products": ", ".join(names), "quantity": str(count)} if names else {}


def with_campaign(url: str, name: str, keyword: str) -> str:
    """Matomo's campaign tags as those of everybody else."""
    if "_" in url:
        url = CAMPAIGN.sub(lambda tag: f"{tag[1]}utm_{TAGS.get(tag[2], tag[2])}=", url)
    if name and url and "utm_campaign=" not in url:
        page, fragment, rest = url.partition("#")
        tags = urlencode({"utm_campaign": name} | ({"utm_term": keyword} if keyword else {}))
        url = f"{page}{'&' if '?' in page else '?'}{tags}{fragment}{rest}"
    return url
