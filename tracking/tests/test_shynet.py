"""Requests as Shynet's script and pixel send them, from the page to the hit."""

import json
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from tracking.collector.answers import GIF
from tracking.collector.receivers import read_hit, shynet
from tracking.models import Site
from tracking.tests.doors import Door, Queue

PAGE = {"User-Agent": "Mozilla/5.0", "Referer": "https://example.com/prices"}


@pytest.mark.parametrize("path", ["/{}/pixel.gif", "/ingress/{}/pixel.gif", "/{}/user-5/pixel.gif"])
def test_the_pixel(door: Door, site: Site, queue: Queue, path: str) -> None:
    path = path.format(site.public_id)
    response = door("GET", path, b"", **PAGE)
    assert (response.status, response.body) == (200, GIF)
    (record,) = queue()
    assert (record.site_id, record.receiver) == (site.pk, "shynet")
    assert (read_hit(record).url, read_hit(record).name) == (PAGE["Referer"], "pageview")
    assert door("GET", path).status == 400
    assert door("POST", path, b"", **PAGE).status == 405


@pytest.mark.parametrize("path", ["/{}/script.js", "/ingress/{}/user-5/script.js"])
def test_the_script_reports_a_page_and_that_it_is_still_read(
    door: Door, site: Site, queue: Queue, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shynet, "heartbeats", shynet.Heartbeats())
    given = {
        "idempotency": "abc",
        "referrer": "https://www.google.com/",
        "loadTime": 300.5,
        "location": "https://example.com/prices",
    }
    for _ in range(2):
        response = door("POST", path.format(site.public_id), json.dumps(given).encode(), **PAGE)
        assert (response.status, json.loads(response.body)) == (200, {"status": "OK"})
    first, second = queue()
    second = msgspec.structs.replace(second, time=first.time + 5)
    for _ in range(2):  # a batch may be processed again
        page, heartbeat = read_hit(first), read_hit(second)
        assert (page.name, page.url, page.referrer) == (
            "pageview",
            given["location"],
            given["referrer"],
        )
        assert heartbeat == replace(
            page, name="engagement", engaged=5000, time=page.time + timedelta(seconds=5)
        )


def test_keys_are_forgotten_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shynet, "REMEMBERED", 2)
    heartbeats = shynet.Heartbeats()
    assert not heartbeats.is_repeated("a", 1)
    assert not heartbeats.is_repeated("b", 2)
    assert heartbeats.is_repeated("a", 3)
    assert not heartbeats.is_repeated("c", 4)
    assert heartbeats.is_repeated("a", 5)
    assert not heartbeats.is_repeated("b", 6)
    assert not heartbeats.is_repeated("", 1)
    assert not heartbeats.is_repeated("", 2)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"{}", "missing required field `location`"),
        (b'{"location": ""}', "`location` is the address of the page."),
        (b'{"location": 5}', "Expected `str`, got `int`"),
        (b"x", "malformed"),
    ],
)
def test_refusals(door: Door, site: Site, queue: Queue, body: bytes, fault: str) -> None:
    response = door("POST", f"/{site.public_id}/script.js", body, **PAGE)
    assert response.status == 400
    assert fault in response.message
    assert queue() == []


def test_other_methods_and_sites(door: Door, site: Site) -> None:
    nobody = "0b9b0a2c-0000-4000-8000-000000000000"
    assert door("POST", f"/{nobody}/script.js", b"{}").status == 404
    assert door("GET", f"/{nobody}/pixel.gif", b"", **PAGE).status == 404
    assert door("DELETE", f"/{site.public_id}/script.js").status == 405
    assert door("OPTIONS", f"/{site.public_id}/script.js").status == 204
