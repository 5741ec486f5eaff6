"""What the collector refuses, and how it says so; and how much it takes of anything."""

import io
import json
from pathlib import Path

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from tracking.collector import refusals
from tracking.models import Site
from tracking.tests.doors import Door, Queue, through_wsgi


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
        (b'{"url": "/", "x": ' + b"[" * 3000 + b"]" * 3000 + b"}", "recursion"),
        (b'{"url": " "}', "give `url`"),
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
    door: Door,
    site: Site,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refusals, "allowance", refusals.Allowance())
    Path(settings.SPOOL_DIR).write_text("a file where the folder should be")
    response = door("GET", f"/t/{site.public_id}.gif?url=/")
    assert (response.status, response.headers["Retry-After"]) == (503, "10")
    assert "could not be accepted" in caplog.text
    [refused] = refusals.of_site(site.pk, 10)  # its owner reads of it
    assert (refused.status, refused.message) == (503, "Try again in a while.")


@pytest.mark.parametrize(
    ("query", "status"),
    [("x" * 8189, 400), ("url=" + "x" * 8188, 200), ("url=" + "x" * 8189, 414)],
)
def test_parameters_may_have_8_kib(door: Door, site: Site, query: str, status: int) -> None:
    assert door("GET", f"/t/{site.public_id}.gif?{query}").status == status


def test_headers_are_cut(door: Door, site: Site, queue: Queue) -> None:
    headers = {"User-Agent": "u" * 100_000, "Referer": "https://example.com/" + "r" * 100_000}
    assert door("GET", f"/t/{site.public_id}.gif", b"", **headers).status == 200
    (record,) = queue()
    assert (len(record.user_agent), len(record.referer)) == (1000, 4000)


def test_a_body_that_is_cut_off_is_refused(site: Site, queue: Queue) -> None:
    request = RequestFactory().post(f"/sites/{site.pk}/visit", b"", content_type="text/plain")
    request.environ |= {"wsgi.input": io.BytesIO(b"url=%2Fab"), "CONTENT_LENGTH": "100"}
    assert through_wsgi(request).status == 400
    assert queue() == []
