"""The collector through both of its doors: the WSGI wrapper and the view."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.db import OperationalError
from django.test import Client, RequestFactory
from pytest_django import Settings

from tracking import spool
from tracking.collector.collect import GIF
from tracking.collector.sites import SiteDirectory, directory
from tracking.collector.wsgi import with_collector
from tracking.models import Site
from tracking.spool import Record
from tracking.tests.factories import SiteFactory


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> str:
        return json.loads(self.body)["errors"]["message"]


@dataclass
class Door:
    """Sends requests to the collector, as a page of another origin would."""

    ask: Callable[[WSGIRequest], Response]
    factory: RequestFactory = field(default_factory=RequestFactory)

    def __call__(self, method: str, path: str, body: bytes = b"", /, **headers: str) -> Response:
        request = self.factory.generic(method, path, content_type="text/plain", headers=headers)
        request.environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return self.ask(request)


def through_wsgi(request: WSGIRequest) -> Response:
    started: list[Any] = []
    application = with_collector(lambda environ, start: pytest.fail("Django was asked."))

    def start(*arguments: Any) -> Callable[[bytes], object]:
        started.append(arguments)
        return lambda data: None

    body = application(request.environ, start)
    ((status, headers),) = started
    return Response(int(status[:3]), dict(headers), b"".join(body))


def through_view(request: WSGIRequest) -> Response:
    client = Client(enforce_csrf_checks=True)
    answer = client.request(**request.environ)
    return Response(answer.status_code, dict(answer.headers), answer.content)


@pytest.fixture(params=[through_wsgi, through_view])
def door(request: pytest.FixtureRequest) -> Door:
    return Door(request.param)


@pytest.fixture
def queue(settings: Settings) -> Callable[[], list[Record]]:
    def records() -> list[Record]:
        return [
            spool.decode(line)
            for path in spool.files(settings.SPOOL_DIR)
            for _, line in spool.read(path, 0, 1 << 20).lines
        ]

    return records


Queue = Callable[[], list[Record]]


def test_pixel(door: Door, site: Site, queue: Queue) -> None:
    response = door(
        "GET",
        f"/t/{site.public_id}.gif?url=https%3A%2F%2Fexample.com%2Fa&event=Sign-up",
        b"",
        **{"User-Agent": "Mozilla", "Referer": "https://example.com/"},
    )
    assert (response.status, response.body, len(response.body)) == (200, GIF, 43)
    assert response.headers["Content-Type"] == "image/gif"
    assert response.headers["Cache-Control"] == "no-store"
    (record,) = queue()
    assert record == Record(
        site.pk,
        record.time,
        "127.0.0.1",
        "Mozilla",
        "https://example.com/",
        False,
        "url=https%3A%2F%2Fexample.com%2Fa&event=Sign-up",
    )


def test_head_gets_the_pixels_headers_and_is_not_counted(
    door: Door, site: Site, queue: Queue
) -> None:
    response = door("HEAD", f"/t/{site.public_id}.gif?url=/")
    assert (response.status, response.body, queue()) == (200, b"", [])


@pytest.mark.parametrize("extra", [{}, {"something": "of tomorrow"}])
def test_beacon(door: Door, site: Site, queue: Queue, extra: dict[str, str]) -> None:
    beacon = {"url": "https://example.com/ü", "referrer": "https://a.example/", "event": "Öffnen"}
    response = door(
        "POST",
        f"/t/{site.public_id}",
        json.dumps(beacon | extra).encode(),
        Origin="https://example.com",
    )
    assert (response.status, response.body) == (202, b"")
    assert response.headers["Access-Control-Allow-Origin"] == "https://example.com"
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    (record,) = queue()
    assert (record.site_id, record.fields) == (site.pk, beacon)


def test_prefetches_are_marked(door: Door, site: Site, queue: Queue) -> None:
    door("GET", f"/t/{site.public_id}.gif?url=/", b"", **{"Sec-Purpose": "prefetch;prerender"})
    door("GET", f"/t/{site.public_id}.gif?url=/")
    assert [record.prefetch for record in queue()] == [True, False]


def test_preflight(door: Door, site: Site) -> None:
    response = door("OPTIONS", f"/t/{site.public_id}", Origin="https://example.com")
    assert response.status == 204
    assert response.headers["Access-Control-Allow-Origin"] == "https://example.com"
    assert response.headers["Access-Control-Allow-Headers"] == "Content-Type"


def test_script(door: Door, site: Site) -> None:
    response = door("GET", f"/t/{site.public_id}.js")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert b"sendBeacon" in response.body
    again = door(
        "GET", f"/t/{site.public_id}.js", b"", **{"If-None-Match": response.headers["ETag"]}
    )
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_visit_endpoint(door: Door, site: Site, queue: Queue, method: str) -> None:
    response = door(method, f"/sites/{site.pk}/visit?event=a", Referer="/some/url")
    assert (response.status, response.body) == (204, b"")
    (record,) = queue()
    assert (record.site_id, record.referer, record.query) == (site.pk, "/some/url", "event=a")


def test_visit_endpoint_reads_forms(door: Door, site: Site, queue: Queue) -> None:
    response = door("POST", f"/sites/{site.pk}/visit?event=a", b"url=%2Fform")
    assert response.status == 204
    assert [record.query for record in queue()] == ["event=a&url=%2Fform"]


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/t/{id}.gif", 400, "Say which page it was: give `url`, or send a Referer header."),
        ("GET", "/t/{id}.gif?url=", 400, None),
        ("GET", "/t/{id}.gif?curl=/x", 400, None),
        ("GET", "/sites/{pk}/visit?event=x", 400, None),
        ("POST", "/sites/{pk}/visit", 400, None),
        ("GET", "/t/0b9b0a2c-0000-4000-8000-000000000000.gif?url=/", 404, None),
        ("POST", "/t/0b9b0a2c-0000-4000-8000-000000000000", 404, None),
        ("GET", "/t/0b9b0a2c-0000-4000-8000-000000000000.js", 404, None),
        ("GET", "/t/{pk}.gif?url=/", 404, "There is no such site here."),
        ("GET", "/sites/999999/visit?url=/", 404, None),
        ("POST", "/t/{id}.gif?url=/", 405, "Use GET, HEAD."),
        ("POST", "/t/{id}.js", 405, "Use GET, HEAD."),
        ("GET", "/t/{id}", 405, "Use POST, OPTIONS."),
        ("DELETE", "/sites/{pk}/visit?url=/", 405, "Use GET, POST, OPTIONS."),
    ],
)
def test_refusals(
    door: Door, site: Site, queue: Queue, method: str, path: str, status: int, message: str | None
) -> None:
    response = door(method, path.format(id=site.public_id, pk=site.pk))
    assert response.status == status
    assert response.headers["Content-Type"] == "application/json"
    if message:
        assert response.message == message
    if status == 405:
        assert response.headers["Allow"] == response.message[4:-1]
    assert queue() == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b'{"url": 5}', "Expected `str`, got `int` - at `$.url`"),
        (b"{}", "missing required field `url`"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"url": "/", "event": null}', "Expected `str`, got `null` - at `$.event`"),
        (b'{"url": "\xff"}', "utf-8"),
        (b'{"url": ""}', "give `url`"),
        (b"[" * 60_000, "Expected `object`"),
    ],
)
def test_beacon_that_cannot_be_read(
    door: Door, site: Site, queue: Queue, body: bytes, fault: str
) -> None:
    response = door("POST", f"/t/{site.public_id}", body)
    assert response.status == 400
    assert fault in response.message
    assert queue() == []


def test_body_may_have_64_kib(door: Door, site: Site, queue: Queue) -> None:
    def beacon(size: int) -> bytes:
        return json.dumps({"url": "/", "x": ""}).encode().ljust(size)

    assert door("POST", f"/t/{site.public_id}", beacon(65536)).status == 202
    assert door("POST", f"/t/{site.public_id}", beacon(65537)).status == 413
    assert len(queue()) == 1


def test_body_without_a_length_is_cut_off(site: Site) -> None:
    request = RequestFactory().post(f"/t/{site.public_id}", b"", content_type="text/plain")
    body = io.BytesIO(b" " * 10_000_000)
    request.environ |= {"wsgi.input": body, "CONTENT_LENGTH": ""}
    assert through_wsgi(request).status == 413
    assert body.tell() == 65537


def test_a_hit_that_cannot_be_kept_is_not_answered_with_success(
    door: Door, site: Site, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    Path(settings.SPOOL_DIR).write_text("a file where the folder should be")
    response = door("GET", f"/t/{site.public_id}.gif?url=/")
    assert (response.status, response.headers["Retry-After"]) == (503, "10")
    assert "could not be accepted" in caplog.text


def test_unknown_site_with_the_database_away(door: Door, site: Site) -> None:
    with patch.object(directory, "refresh", side_effect=OperationalError):
        assert door("GET", f"/t/{site.public_id}.gif?url=/").status == 503


@pytest.fixture
def long_lived(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> SiteDirectory:
    """The directory as in production, but for the thread that refreshes it."""
    settings.COLLECTOR_SITES_SECONDS = 3600
    monkeypatch.setattr(directory, "_refresher", object())
    monkeypatch.setattr(directory, "_numbers", None)
    monkeypatch.setattr(directory, "_looked", float("-inf"))
    return directory


def test_known_site_opens_no_database(
    site: Site, long_lived: SiteDirectory, django_assert_num_queries: Any
) -> None:
    long_lived.find("whoever is first waits for all")
    with django_assert_num_queries(0):
        for path in (f"/t/{site.public_id}.gif?url=/", f"/sites/{site.pk}/visit?url=/"):
            assert through_wsgi(RequestFactory().get(path)).status in {200, 204}


def test_known_site_is_accepted_while_the_database_is_away(
    site: Site, long_lived: SiteDirectory
) -> None:
    long_lived.refresh()
    with patch.object(Site.objects, "order_by", side_effect=OperationalError):
        assert through_wsgi(RequestFactory().get(f"/t/{site.public_id}.gif?url=/")).status == 200
        assert through_wsgi(RequestFactory().get("/t/unknown.gif?url=/")).status == 503


def test_a_new_site_is_noticed_and_a_flood_of_unknown_ones_is_not_looked_at_one_by_one(
    long_lived: SiteDirectory, django_assert_num_queries: Any, owner: Any
) -> None:
    long_lived.refresh()
    site = SiteFactory(owner=owner)
    with django_assert_num_queries(1):
        assert long_lived.find(str(site.public_id)) == site.pk
        assert [long_lived.find(f"unknown {n}") for n in range(10)] == [None] * 10


def test_other_paths_are_djangos() -> None:
    asked = []

    def django(environ: Any, start_response: Any) -> list[bytes]:
        asked.append(environ["PATH_INFO"])
        return []

    paths = ["/", "/t", "/sites/1/visits/", "/sites/x/visit", "/admin/"]
    for path in paths:
        list(with_collector(django)(RequestFactory().get(path).environ, Mock()))
    assert asked == paths
