"""What reaches the collector through both of its doors: pixels, beacons, visits; and the script."""

import gzip
import json
from typing import Any
from unittest.mock import Mock

import pytest
from django.test import RequestFactory
from django.urls import resolve

from tracking.collector import receivers
from tracking.collector.answers import GIF
from tracking.collector.receivers import own, read_hit
from tracking.collector.script import TRACKER
from tracking.collector.wsgi import with_collector
from tracking.models import Site
from tracking.spool import Record
from tracking.tests.doors import Door, Queue, through_view


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


@pytest.mark.parametrize(
    ("headers", "objection"),
    [
        ({}, ""),
        ({"DNT": "1"}, "dnt"),
        ({"DNT": "0"}, ""),
        ({"Sec-GPC": "1"}, "gpc"),
        ({"Sec-GPC": "1", "DNT": "1"}, "gpc"),
        ({"Cookie": "a=b; uncounted_{site.pk}=1"}, "opted-out"),
        ({"Cookie": "uncounted_{site.pk}=1", "DNT": "1"}, "opted-out"),
        ({"Cookie": "uncounted_{site.pk}7=1"}, ""),
    ],
)
def test_objections_are_kept(
    door: Door, site: Site, queue: Queue, headers: dict[str, str], objection: str
) -> None:
    headers = {name: value.format(site=site) for name, value in headers.items()}
    door("GET", f"/t/{site.public_id}.gif?url=https://example.com/", **headers)
    door("POST", f"/t/{site.public_id}", b'{"url": "https://example.com/"}', **headers)
    assert [read_hit(record).objection for record in queue()] == [objection] * 2


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


def test_the_script_is_sent_small_to_those_who_can_unpack_it(door: Door, site: Site) -> None:
    path = f"/t/{site.public_id}.js"
    plain, packed = door("GET", path), door("GET", path, b"", **{"Accept-Encoding": "br, gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) == int(packed.headers["Content-Length"]) <= 2000
    assert gzip.decompress(packed.body) == plain.body
    assert plain.headers.get("Content-Encoding") is None
    for response in (plain, packed):
        # The view adds the languages that its pages come in.
        assert response.headers["Vary"].split(", ")[0] == "Accept-Encoding"
        assert response.headers["ETag"] == plain.headers["ETag"]


def test_prefix_and_name_of_the_script_can_be_chosen(
    door: Door, site: Site, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    if door.ask is through_view:
        pytest.skip("The URLs of the view are made when Django starts.")
    monkeypatch.setitem(receivers.FIRST, "weather", receivers.FIRST["t"])
    monkeypatch.setattr(own, "SCRIPT_NAME", "/today")
    for first in ("weather", "t"):
        base = f"/{first}/{site.public_id}"
        assert door("GET", f"{base}/today.js").status == 200
        assert door("GET", f"{base}.js").status == 200
        assert door("POST", f"{base}/today", b'{"url": "/"}').status == 202
        assert door("POST", base, b'{"url": "/"}').status == 202
        assert door("GET", f"{base}.gif?url=/").status == 200
        assert door("GET", f"{base}/tomorrow.js").status == 404
    assert len(queue()) == 6


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
    ("path", "word"),
    [
        ("/js/script.js", b"self.plausible="),
        ("/js/script.hash.outbound-links.js", b"self.plausible="),
        ("/js/plausible.js", b"self.plausible="),
        ("/js/pa-AbC_123.js", b"self.plausible="),
        ("/script.js", b"self.umami="),
        ("/count.js", b"self.goatcounter="),
        ("/matomo.js", b"self._paq="),
        ("/piwik.js", b"self._paq="),
        ("/{id}/script.js", b'"/t/"'),
        ("/ingress/{id}/script.js", b'"/t/"'),
    ],
)
def test_the_script_in_other_dialects(door: Door, site: Site, path: str, word: bytes) -> None:
    path = path.format(id=site.public_id)
    response = door("GET", path)
    assert (response.status, response.headers["Content-Type"]) == (
        200,
        "text/javascript; charset=utf-8",
    )
    assert word in response.body
    assert response.body.endswith(TRACKER.body)
    again = door("GET", path, b"", **{"If-None-Match": response.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert door("DELETE", path).status == 405


def test_the_app_may_be_mounted_anywhere(site: Site, queue: Queue) -> None:
    for path in (f"t/{site.public_id}.gif", f"sites/{site.pk}/visit"):
        match = resolve(f"/{path}")
        request = RequestFactory().get(f"/stats/{path}?url=/")
        assert match.func(request, *match.args, **match.kwargs).status_code in {200, 204}
    assert len(queue()) == 2


def test_other_paths_are_djangos() -> None:
    asked = []

    def django(environ: Any, start_response: Any) -> list[bytes]:
        asked.append(environ["PATH_INFO"])
        return []

    paths = ["/", "/t", "/t/", "/sites/1/visits/", "/sites/x/visit", "/admin/", "/js/other.js"]
    paths += ["/api/", "/api/v1/x", "/admin/count", "/a/b/pixel.gif", "/x/script.js", "/count/"]
    for path in paths:
        list(with_collector(django)(RequestFactory().get(path).environ, Mock()))
    assert asked == paths
