"""Which requests were refused, and why: for whoever looks why a page is not counted.

A file of lines in DATA_DIR, shared by the web processes of a host. It turns over before it gets
big, and each process writes a few lines a second at most: refusing must cost nobody anything.
"""

import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from django.conf import settings

from tracking.collector.answers import Environ, Refusal
from tracking.collector.intake import OPT_OUT_COOKIE, host_of, site_of_domain
from tracking.collector.sites import SitesUnavailable, directory
from tracking_project.client_ip import client_ip, masked, without_port

logger = logging.getLogger(__name__)

MAX_BYTES = 256 << 10  # of the file; the one before it is kept as well
A_SECOND = 20
SECONDS_SHOWN = 24 * 60 * 60
MAX_TEXT = 300
SHOWN = {
    "Origin": "HTTP_ORIGIN",
    "Referer": "HTTP_REFERER",
    "DNT": "HTTP_DNT",
    "Sec-GPC": "HTTP_SEC_GPC",
    "Sec-Purpose": "HTTP_SEC_PURPOSE",
    "Purpose": "HTTP_PURPOSE",
}
# How a path or a query names a site, in most of the receivers.
PUBLIC_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NUMBER = re.compile(r"(?:^/sites/|(?:^|[?&])idsite=)(\d{1,18})(?:/|&|$)")


class Refused(msgspec.Struct, array_like=True):
    time: float
    site_id: int
    status: int
    message: str
    request: str  # method and path
    page: str  # as Origin or Referer name it
    ip: str  # without its last part
    user_agent: str
    headers: dict[str, str] = {}  # those that decide, or tell why


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Refused).decode


class Allowance:
    """A few notes a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._second, self._noted = 0, 0

    def is_left(self, now: float) -> bool:
        with self._lock:
            if int(now) != self._second:
                self._second, self._noted = int(now), 0
            self._noted += 1
            return self._noted <= A_SECOND


allowance = Allowance()


def note(environ: Environ, refusal: Refusal, site_id: int | None = None) -> None:
    """Note a refusal, as long as it can be told to which site the request belonged."""
    now = time.time()
    if not allowance.is_left(now):
        return
    try:
        if site_id is None:
            site_id = site_of(environ)
        if site_id is not None:
            write(refused_of(environ, refusal, site_id, now))
    except (OSError, SitesUnavailable) as error:
        logger.warning("A refusal could not be noted: %s", error)


def refused_of(environ: Environ, refusal: Refusal, site_id: int, now: float) -> Refused:
    def header(name: str) -> str:
        return str(environ.get(name, ""))[:MAX_TEXT]

    return Refused(
        now,
        site_id,
        refusal.status.value,
        refusal.message[:MAX_TEXT],
        f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"[:MAX_TEXT],
        header("HTTP_REFERER") or header("HTTP_ORIGIN"),
        masked(client_ip(environ)),
        header("HTTP_USER_AGENT"),
        headers_of(environ, site_id),
    )


def headers_of(environ: Environ, site_id: int) -> dict[str, str]:
    """Addresses among them without their last part, and of cookies nothing but ours."""
    headers = {
        name: str(environ[key])[:MAX_TEXT] for name, key in SHOWN.items() if environ.get(key)
    }
    if chain := environ.get("HTTP_X_FORWARDED_FOR", ""):
        entries = (masked(without_port(entry.strip())) or "?" for entry in chain.split(","))
        headers["X-Forwarded-For"] = ", ".join(entries)[:MAX_TEXT]
    cookie = f"{OPT_OUT_COOKIE}{site_id}=1"
    if cookie in environ.get("HTTP_COOKIE", ""):
        headers["Cookie"] = cookie
    return headers


def site_of(environ: Environ) -> int | None:
    """By what the address names, else by the page that sent the request."""
    path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
    if match := PUBLIC_ID.search(path):
        return directory.find(match[0])
    if match := NUMBER.search(path) or NUMBER.search(query):
        return directory.find(int(match[1]))
    page = host_of(environ.get("HTTP_ORIGIN", "")) or host_of(environ.get("HTTP_REFERER", ""))
    return site_of_domain(page)


def write(refused: Refused) -> None:
    path = file()
    path.touch(mode=0o600)
    with path.open("ab", buffering=0) as lines:
        lines.write(encode(refused) + b"\n")
        if os.fstat(lines.fileno()).st_size > MAX_BYTES:
            path.replace(older(path))


def of_site(site_id: int, number: int) -> list[Refused]:
    """The last ones of a day, the newest first."""
    since = time.time() - SECONDS_SHOWN
    found = [one for one in read() if one.site_id == site_id and one.time > since]
    return found[::-1][:number]


def read() -> Iterator[Refused]:
    for path in (older(file()), file()):
        try:
            lines = path.read_bytes().splitlines()
        except OSError:
            continue
        for line in lines:
            try:
                yield decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue


def file() -> Path:
    folder: Path = settings.DATA_DIR
    return folder / "refused.jsonl"


def older(path: Path) -> Path:
    return path.with_suffix(".old.jsonl")
