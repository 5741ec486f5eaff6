"""Ten thousand malformed requests over all receivers, and then the worker: no fault, nothing
accepted that is lost, no garbage stored, no request that keeps others waiting."""

import io
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tracking import spool
from tracking.collector.wsgi import with_collector
from tracking.models import Event, ExcludedDay, Label, Site
from tracking.processing.backlog import REJECTED
from tracking.tests.hits import FIREFOX, process

REQUESTS = 10_000
SLOW = 0.1  # seconds of computing; those of a megabyte take a tenth of that

BAD_TEXTS = [
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "\x1b[31mred",
    "\u202egpj.exe",
    "👩‍👩‍👧‍👦" * 50,
    "A" * 70_000,
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "http://[::1]:8000/a",
    "http://[::1",
    "http://[fe80::1%25eth0]/",
    "http://[v1.x]/",
    "http://example.com:99999999999/",
    "http://example.com:-1/",
    "http://example.com:abc/",
    "http://user:pass@example.com/",
    "http://exa mple.com/",
    "http://exa<b>mple.com/",
    "http://" + "a." * 200 + "com/",
    "http://xn--\u0301.example/",
    "http://\N{FULLWIDTH FULL STOP}/",
    "//",
    "///",
    "//evil.example/x",
    "http://",
    "?",
    "#",
    "%00%ff%zz",
    "../../../etc/passwd",
    "' OR 1=1 --",
    "{{7*7}}${7*7}",
    "<script>alert(1)</script>",
    "\r\nSet-Cookie: x=1",
    "NaN",
    "Infinity",
    "-1",
    "1e999",
    "9" * 400,
    "9" * 5_000,
    "0x10",
    "٣",
    "2026-13-45T99:99:99Z",
    "null",
    "undefined",
]
BAD_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1 << 63,
    1 << 64,
    10**300,
    0.1,
    -1e308,
    [],
    {},
    [[[[1]]]],
    {"a": {"b": {"c": [1, {"d": None}]}}},
    {str(number): "x" for number in range(200)},
    {"": "", "\0": "\0", "x" * 5000: "y" * 5000},
    ["x"] * 1000,
    *BAD_TEXTS,
]
RAW_BODIES = [
    b"",
    b"\0",
    b"\xff\xfe\xfd",
    b"\xef\xbb\xbf{}",
    b"[" * 60_000,
    b'{"a":' * 10_000,
    b'{"url": ' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"u": "/", "n": "x", "d": "example.com", "p": ' + b'{"a":' * 800 + b"1" + b"}" * 801,
    b'{"url": "/", "engaged": ' + b"9" * 4_000 + b"}",
    b'{"url": "/", "revenue": 1e400000000, "currency": "EUR"}',
    b'{"url": "/", "revenue": "-0E-999999", "currency": "EUR"}',
    b'{"url": "\\ud83d"}',
    b'{"url": "/", "url": 5}',
    b"a=b&" * 10_000,
    b"&" * 60_000,
    b"url=%ff%fe&event=%00",
    b"--boundary\r\nContent-Disposition: form-data",
    b"\x1f\x8b\x08\x00compressed",
]


def world_of(site: Site, token: str) -> list[tuple[str, str, Any]]:
    """Of each door: method, path, and what a good request to it says."""
    page = "https://example.com/a?utm_source=x"
    own = {
        "url": page,
        "referrer": "https://www.google.com/",
        "event": "Order",
        "title": "A",
        "page": "/<id>",
        "screen": "1440x900",
        "language": "de",
        "props": {"a": 1},
        "revenue": 5,
        "currency": "EUR",
        "engaged": 100,
        "scroll": 50,
        "interactive": True,
    }
    batch = own | {"ip": "1.2.3.4", "user_agent": FIREFOX}
    plausible = {
        "n": "pageview",
        "u": page,
        "d": "example.com",
        "r": None,
        "p": {"a": "b"},
        "h": 1,
        "i": False,
        "$": {"amount": "5", "currency": "EUR"},
        "e": 5,
        "sd": 50,
    }
    umami = {
        "website": str(site.public_id),
        "hostname": "example.com",
        "url": "/a",
        "name": "Order",
        "data": {"revenue": 5, "currency": "EUR"},
        "ip": "1.2.3.4",
        "userAgent": FIREFOX,
        "timestamp": int(time.time()),
        "screen": "1x1",
        "tag": "b",
    }
    goatcounter = {"p": "/a", "t": "A", "r": page, "e": "0", "s": "1,2,3", "q": "?a", "b": "0"}
    api = {"path": "/a", "ip": "1.2.3.4", "user_agent": FIREFOX, "size": [1, 2, 3]}
    matomo = {
        "idsite": str(site.pk),
        "rec": "1",
        "url": page,
        "urlref": page,
        "e_c": "a",
        "e_a": "b",
        "revenue": "5",
        "cdt": str(int(time.time())),
        "cip": "1.2.3.4",
        "ua": FIREFOX,
        "token_auth": token,
        "res": "1x1",
        "engaged": "5",
        "scroll": "5",
    }
    shynet = {"location": page, "referrer": page, "idempotency": "x"}
    return [
        ("GET", f"/t/{site.public_id}.gif", {"url": page, "event": "x", "referrer": page}),
        ("POST", f"/t/{site.public_id}", own),
        ("POST", f"/t/{site.public_id}/batch", [batch]),
        ("GET", f"/sites/{site.pk}/visit", {"url": page, "event": "x"}),
        ("FORM", f"/sites/{site.pk}/visit", {"url": page, "event": "x"}),
        ("POST", "/api/event", plausible),
        ("POST", "/api/send", {"type": "event", "payload": umami}),
        ("POST", "/api/batch", [{"type": "performance", "payload": umami | {"lcp": 5}}]),
        ("GET", "/count", goatcounter),
        ("GET", "/example.com/count", goatcounter),
        ("POST", "/api/v0/count", {"hits": [api]}),
        ("GET", "/matomo.php", matomo),
        ("FORM", "/piwik.php", matomo),
        ("POST", "/matomo.php", {"requests": ["?" + urlencode(matomo)], "token_auth": token}),
        ("GET", f"/{site.public_id}/pixel.gif", {}),
        ("POST", f"/ingress/{site.public_id}/script.js", shynet),
    ]


def spoiled(chance: random.Random, good: Any) -> Any:
    """The same with something bad somewhere in it."""
    if isinstance(good, dict) and good and chance.random() < 0.9:
        key = chance.choice(list(good))
        return good | {key: spoiled(chance, good[key])}
    if isinstance(good, list) and good and chance.random() < 0.9:
        return [spoiled(chance, good[0]), *good]
    return chance.choice(BAD_VALUES)


def as_json(chance: random.Random, content: Any) -> bytes:
    # Halves of surrogate pairs are written as such, which is no UTF-8.
    text = json.dumps(content, ensure_ascii=chance.random() < 0.5)
    return text.encode(errors="surrogatepass")


def as_form(chance: random.Random, content: Any) -> str:
    if not isinstance(content, dict):
        return str(content)
    if chance.random() < 0.5:
        return "&".join(f"{name}={value}" for name, value in content.items())
    return urlencode(content, errors="replace")


def bent(chance: random.Random, body: bytes) -> bytes:
    """Cut off, or with some bytes turned over."""
    if not body or chance.random() < 0.7:
        return body
    place = chance.randrange(len(body))
    if chance.random() < 0.5:
        return body[:place]
    return body[:place] + bytes([chance.randrange(256)]) + body[place + 1 :]


def on_the_wire(text: str) -> str:
    """As a server hands it to an application: bytes as Latin-1."""
    return text.encode(errors="surrogatepass").decode("latin-1")


def requests(site: Site, token: str) -> Iterator[dict[str, Any]]:
    chance = random.Random(6)
    world = world_of(site, token)
    for _ in range(REQUESTS):
        method, path, good = chance.choice(world)
        content = spoiled(chance, good) if chance.random() < 0.95 else good
        query, body = "", b""
        if method == "POST":
            body = as_json(chance, content)
            if chance.random() < 0.05:
                body = chance.choice(RAW_BODIES)
        elif method == "FORM":
            body = as_form(chance, content).encode(errors="surrogatepass")
        else:
            query = on_the_wire(as_form(chance, content))
        body = bent(chance, body)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": {"FORM": "POST"}.get(method, method),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_ADDR": "1.2.3.4",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_USER_AGENT": FIREFOX,
            "HTTP_REFERER": "https://example.com/a",
            "HTTP_AUTHORIZATION": f"Bearer {token}",
            "wsgi.input": io.BytesIO(body),
        }
        if chance.random() < 0.2:
            name = chance.choice(
                ["USER_AGENT", "REFERER", "ORIGIN", "HOST", "X_FORWARDED_FOR", "AUTHORIZATION"]
            )
            # Servers let no control character pass.
            texts = [text for text in BAD_TEXTS if text.isprintable()]
            environ[f"HTTP_{name}"] = on_the_wire(chance.choice([*texts, "H" * 100_000]))
        if chance.random() < 0.03:
            environ["REQUEST_METHOD"] = chance.choice(["DELETE", "OPTIONS", "HEAD", "PUT", "x"])
        if chance.random() < 0.03:
            environ["PATH_INFO"] += on_the_wire(chance.choice(BAD_TEXTS[:-3]))
        if chance.random() < 0.03:
            environ["CONTENT_LENGTH"] = chance.choice(["", "x", "-1", "99999999", "9" * 400])
        yield environ


@pytest.mark.usefixtures("long_lived")
def test_ten_thousand_malformed_requests(site: Site, token: str, settings: Any) -> None:
    application = with_collector(not_ours)
    statuses: Counter[int] = Counter()
    times = []
    for environ in requests(site, token):
        began = time.thread_time()
        status, headers, body = ask(application, environ)
        times.append(time.thread_time() - began)
        statuses[int(status[:3])] += 1
        assert int(status[:3]) < 500, (environ["PATH_INFO"], status, body)
        for name, value in headers:
            assert not set("\r\n") & set(name + value), environ
    assert max(times) < SLOW
    # The requests reach every answer: a corpus that is refused at the door tells nothing.
    assert statuses[202] + statuses[204] + statuses[200] > REQUESTS / 10
    assert statuses[400] > REQUESTS / 10
    assert {401, 404, 405, 413, 414} < set(statuses)

    accepted = sum(
        len(spool.read(path, 0, 1 << 30).lines) for path in spool.files(settings.SPOOL_DIR)
    )
    began = time.thread_time()
    worker = process()
    assert time.thread_time() - began < 30
    assert not (settings.SPOOL_DIR / REJECTED).exists()
    assert worker.stored + sum(worker.excluded.values()) <= accepted
    check_what_is_stored(site)


def ask(application: Any, environ: Any) -> tuple[str, list[tuple[str, str]], bytes]:
    started: list[Any] = []
    body = b"".join(application(environ, lambda *given: started.append(given)))
    ((status, headers),) = started
    return status, headers, body


def not_ours(environ: Any, start_response: Any) -> list[bytes]:
    start_response("404 Not Found", [])
    return []


def check_what_is_stored(site: Site) -> None:
    texts = list(Label.objects.values_list("text", flat=True))
    assert [text for text in texts if not text.isprintable() or text != text.strip()] == []
    assert max(map(len, texts)) <= 2000
    events = list(Event.objects.all())
    assert len(events) > 500
    for event in events:
        assert event.page.startswith("/")
        assert event.hostname == "" or set(event.hostname) <= set(
            "abcdefghijklmnopqrstuvwxyz0123456789_.:-%"
        )
        assert 0 <= event.scroll <= 100
        assert 0 <= event.engaged <= 86_400_000
        assert (event.revenue is None) == (event.currency == "")
        for name, value in (event.props or {}).items():
            assert (name + value).isprintable()
            assert len(name) <= 300
            assert len(value) <= 2000
    assert set(ExcludedDay.objects.values_list("site_id", flat=True)) <= {site.pk}


@pytest.mark.parametrize("number", range(len(RAW_BODIES)))
def test_bodies_that_are_none(site: Site, token: str, number: int) -> None:
    """Each of them at each door."""
    for method, path, _ in world_of(site, token):
        if method == "GET":
            continue
        body = RAW_BODIES[number]
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_USER_AGENT": FIREFOX,
            "HTTP_AUTHORIZATION": f"Bearer {token}",
            "wsgi.input": io.BytesIO(body),
        }
        status, _, _ = ask(with_collector(not_ours), environ)
        assert int(status[:3]) < 500, (path, status)
    process()
