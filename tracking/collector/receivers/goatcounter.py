"""What GoatCounter's script, pixel and clients send.

*    /count           what happened is in the query string, also of a POST
*    /<site>/count    the same, for the site with this domain or public id
POST /api/v0/count    up to 500 hits from a server, with a token of the site's

GoatCounter knows a site by the host name that is asked. Where a site has none of its own, the
page's domain tells, by the headers Origin or Referer.
"""

import re
from datetime import datetime
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from tracking.collector.answers import (
    GIF,
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
from tracking.collector.hit import (
    ENGAGEMENT,
    MAX_ENGAGED,
    Hit,
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
    host_of,
    keep,
    moment_of,
    parsed,
    record_of,
    site_of_domain,
    site_of_token,
)
from tracking.collector.script import script_of
from tracking.collector.sites import HOST, UUID_TEXT, directory
from tracking.spool import Record, spool
from tracking_project.client_ip import plain_address, without_port

NAME = "goatcounter"
SCRIPT = script_of("dialects/goatcounter.js", "tracker.js")
MAX_HITS, MAX_HITS_BYTES = 500, 1 << 20
PATH = re.compile(r"(^|&)p=[^&]")
BOT = re.compile(r"(?:^|&)b=([^&]*)")
# What the script says of itself: that it runs in a robot. Below, it can only be mistaken.
NO_BOT, BOTS = "0", range(150, 255)


class ApiHit(msgspec.Struct, omit_defaults=True):
    path: Annotated[str, Meta(min_length=1, max_length=2048)]
    title: Annotated[str, Meta(max_length=1024)] = ""
    event: bool = False
    ref: Annotated[str, Meta(max_length=2048)] = ""
    size: str | list[float] = ""
    query: Annotated[str, Meta(max_length=2048)] = ""
    language: str = ""
    ip: str = ""
    user_agent: str = ""
    created_at: Annotated[datetime, Meta(tz=True)] | None = None


class ApiRequest(msgspec.Struct):
    hits: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MAX_HITS)]


decode_request = msgspec.json.Decoder(ApiRequest).decode
decode_hit = msgspec.json.Decoder(ApiHit).decode


def count(environ: Environ, read: Read, rest: str) -> Answer | None:
    """`rest` is the site in the path, or empty."""
    method = environ["REQUEST_METHOD"]
    if method == "OPTIONS":
        return preflight(environ)
    if method not in {"GET", "POST"}:
        raise wrong_method("GET, POST, OPTIONS")
    site_id = site_of_domain(rest) if rest else site_of_request(environ)
    if site_id is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "There is no such site here.")
    query = environ.get("QUERY_STRING", "")
    check_length(query)
    if not PATH.search(query):
        raise bad_request("The parameter p is missing: the path of the page.")
    if (bot := BOT.search(query)) and bot[1] != NO_BOT:
        check_bot(bot[1])
    keep(environ, site_id, query, receiver=NAME)
    return gif(environ, HTTPStatus.OK)


def count_of_path(environ: Environ, read: Read, rest: str) -> Answer | None:
    """/<site>/count; another path may end so, and is not for us."""
    site = rest.rpartition("/")[0]
    is_site = "." in site or site == "localhost" or UUID_TEXT.fullmatch(site)
    return count(environ, read, site) if is_site and "/" not in site else None


def site_of_request(environ: Environ) -> int | None:
    host = without_port(environ.get("HTTP_HOST", "")).lower().removeprefix("www.")
    site_id = directory.find(HOST + host)
    if site_id is None:
        page = host_of(environ.get("HTTP_ORIGIN", "")) or host_of(environ.get("HTTP_REFERER", ""))
        site_id = site_of_domain(page)
    return site_id


def check_bot(text: str) -> None:
    if not text.isdecimal() or len(text) > 3 or int(text) not in BOTS:
        raise bad_request("The parameter b is wrong.")


def gif(environ: Environ, status: HTTPStatus, *headers: tuple[str, str]) -> Answer:
    return answer(environ, status, GIF, "image/gif", *headers)


def script(environ: Environ, read: Read, rest: str) -> Answer:
    return script_answer(environ, SCRIPT)


def refuse(environ: Environ, refusal: Refusal) -> Answer:
    return gif(environ, refusal.status, ("X-Goatcounter", refusal.message), *refusal.headers)


def api(environ: Environ, read: Read, rest: str) -> Answer:
    """Those of the hits that are as expected are kept; a 400 names the others."""
    if environ["REQUEST_METHOD"] != "POST":
        raise wrong_method("POST")
    site_id = site_of_token(environ)
    if site_id is None:
        raise Refusal(
            HTTPStatus.UNAUTHORIZED, "Send a token of the site.", WWW_Authenticate="Bearer"
        )
    bodies = parsed(decode_request, body_of(environ, read, MAX_HITS_BYTES)).hits
    template = record_of(environ, site_id, receiver=NAME)
    records, errors = [], {}
    for index, body in enumerate(bodies):
        try:
            records.append(record_of_hit(template, parsed(decode_hit, bytes(body))))
        except Refusal as refusal:
            errors[index] = refusal.message
    if records:
        spool().append(*records)
    if errors:
        return json_answer(environ, HTTPStatus.BAD_REQUEST, {"errors": errors})
    return json_answer(environ, HTTPStatus.ACCEPTED, {"status": "ok"})


def record_of_hit(template: Record, hit: ApiHit) -> Record:
    if not hit.user_agent.strip() or not plain_address(hit.ip):
        raise bad_request("A hit needs `user_agent` and `ip`: visitors are known by nothing else.")
    moment = hit.created_at
    return replace(
        template,
        time=moment_of(moment.timestamp(), template.time) if moment else template.time,
        ip=hit.ip,
        user_agent=as_header(hit.user_agent)[:MAX_USER_AGENT],
        referer="",
        prefetch=False,
        fields=replace(hit, ip="", user_agent="", created_at=None),
    )


def refuse_api(environ: Environ, refusal: Refusal) -> Answer:
    return json_answer(environ, refusal.status, {"error": refusal.message}, *refusal.headers)


def read_hit(record: Record) -> Hit:
    if record.fields is not None:
        return hit_of(record, msgspec.convert(record.fields, ApiHit))
    fields = parse_parameters(header(record.query))
    given = fields.get
    hit = ApiHit(
        given("p", ""),
        title=given("t", ""),
        event=given("e", "").lower() in {"1", "true", "t", "on", "yes"},
        ref=given("r", ""),
        size=given("s", ""),
        query=given("q", ""),
    )
    found = hit_of(record, hit, automated=given("b", NO_BOT) != NO_BOT)
    if "engaged" in fields:  # our own script in this dialect
        found.name = ENGAGEMENT
        found.engaged = min(whole(fields["engaged"]), MAX_ENGAGED)
        found.scroll = min(whole(given("scroll", "")), 100)
    return found


def hit_of(record: Record, hit: ApiHit, automated: bool = False) -> Hit:
    """A page by its path, on the host that the Referer names; or an event on the page there."""
    referer = header(record.referer)
    url = referer or "/"
    if not hit.event:
        url = origin_of(referer) + "/" + hit.path.lstrip("/")
        if hit.query and "?" not in hit.path:
            url += "?" + hit.query.lstrip("?")
    size = hit.size.split(",") if isinstance(hit.size, str) else [f"{n:.0f}" for n in hit.size]
    return Hit.of(
        record,
        url,
        name=hit.path if hit.event else "",
        title=hit.title,
        referrer=hit.ref,
        screen="x".join(size[:2]),
        language=hit.language,
        automated=automated,
    )


def origin_of(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
