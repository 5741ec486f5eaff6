"""The collector through both of its doors: the WSGI wrapper and the view."""

import gzip
import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch
from uuid import UUID

import pytest
from django.db import OperationalError, connection
from django.test import RequestFactory
from django.urls import resolve
from pytest_django import Settings

from accounts.models import User
from tracking.collector import receivers, refusals
from tracking.collector.answers import GIF
from tracking.collector.receivers import own, read_hit
from tracking.collector.script import TRACKER
from tracking.collector.sites import SiteDirectory, directory
from tracking.collector.wsgi import with_collector
from tracking.models import Site
from tracking.spool import Record
from tracking.tests.doors import Door, Queue, through_view, through_wsgi
from tracking.tests.factories import SiteFactory


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


VISITOR = {"ip": "1.2.3.4", "user_agent": "Mozilla (ö)"}


def test_a_server_reports_many_hits_at_once(
    door: Door, site: Site, queue: Queue, token: str
) -> None:
    moment = datetime.now(UTC) - timedelta(hours=1)
    hits = [
        VISITOR | {"url": "/a", "time": moment.isoformat()},
        VISITOR | {"url": "/b", "event": "Sign-up", "props": {"plan": "pro"}},
    ]
    response = door(
        "POST",
        f"/t/{site.public_id}/batch",
        json.dumps(hits).encode(),
        Authorization=f"Bearer {token}",
        Referer="https://example.com/not-the-visitors",
    )
    assert (response.status, response.body) == (202, b"")
    one, two = queue()
    assert one == Record(
        site.pk,
        moment.timestamp(),
        "1.2.3.4",
        "Mozilla (Ã¶)",
        "",
        False,
        fields={"url": "/a"},
    )
    assert read_hit(two).user_agent == "Mozilla (ö)"
    assert two.fields == {"url": "/b", "event": "Sign-up", "props": {"plan": "pro"}}
    assert time.time() - two.time < 5


@pytest.mark.parametrize(
    ("hits", "fault"),
    [
        ([], "Expected `array` of length >= 1"),
        ([VISITOR | {"url": "/"}] * 101, "Expected `array` of length <= 100"),
        ([VISITOR], "missing required field `url` - at `$[0]`"),
        ([VISITOR | {"url": " "}], "At `$[0]`: Give `url`."),
        ([{"url": "/", "ip": "1.2.3.4"}], "At `$[0]`: Give `user_agent`."),
        (
            [VISITOR | {"url": "/"}, VISITOR | {"url": "/", "ip": "localhost"}],
            "At `$[1]`: `ip` is not an IP address.",
        ),
        (
            [VISITOR | {"url": "/", "time": "2026-01-01T00:00:00Z"}],
            "not within the last 24 hours.",
        ),
        (
            [VISITOR | {"url": "/", "time": "2999-01-01T00:00:00Z"}],
            "not within the last 24 hours.",
        ),
        ([VISITOR | {"url": "/", "time": "2026-01-01T00:00:00"}], "with a timezone component"),
        ({}, "Expected `array`, got `object`"),
    ],
)
def test_of_a_batch_all_is_kept_or_nothing(
    door: Door, site: Site, queue: Queue, token: str, hits: object, fault: str
) -> None:
    path, body = f"/t/{site.public_id}/batch", json.dumps(hits).encode()
    response = door("POST", path, body, Authorization=f"Bearer {token}")
    assert response.status == 400
    assert fault in response.message
    assert queue() == []


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer x", "Basic {token}", "{token}"])
def test_a_batch_needs_the_token_of_its_site(
    door: Door, site: Site, owner: User, queue: Queue, token: str, authorization: str
) -> None:
    body = json.dumps([VISITOR | {"url": "/"}]).encode()
    headers = {"Authorization": authorization.format(token=token)}
    response = door("POST", f"/t/{site.public_id}/batch", body, **headers)
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    other = SiteFactory(owner=owner)
    headers = {"Authorization": f"Bearer {token}"}
    assert door("POST", f"/t/{other.public_id}/batch", body, **headers).status == 401
    assert door("GET", f"/t/{site.public_id}/batch", body, **headers).status == 405
    assert queue() == []


def test_a_batch_may_have_a_mebibyte(door: Door, site: Site, queue: Queue, token: str) -> None:
    def send(size: int) -> int:
        body = json.dumps([VISITOR | {"url": "/"}]).encode().ljust(size)
        path = f"/t/{site.public_id}/batch"
        return door("POST", path, body, Authorization=f"Bearer {token}").status

    assert (send(1 << 20), send((1 << 20) + 1)) == (202, 413)
    assert len(queue()) == 1


def test_a_replaced_token_ends_to_work(door: Door, site: Site, queue: Queue, token: str) -> None:
    site.new_token()
    site.save()
    body = json.dumps([VISITOR | {"url": "/"}]).encode()
    path = f"/t/{site.public_id}/batch"
    assert door("POST", path, body, Authorization=f"Bearer {token}").status == 401


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


@contextmanager
def database_away() -> Iterator[None]:
    with patch.object(connection, "ensure_connection", side_effect=OperationalError):
        connection.close()
        yield


def test_known_site_opens_no_database(
    site: Site, long_lived: SiteDirectory, django_assert_num_queries: Any
) -> None:
    long_lived.find(str(site.public_id))
    with django_assert_num_queries(0):
        for path in (f"/t/{site.public_id}.gif?url=/", f"/sites/{site.pk}/visit?url=/"):
            assert through_wsgi(RequestFactory().get(path)).status in {200, 204}


@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_away_known_sites_are_accepted(
    site: Site, long_lived: SiteDirectory
) -> None:
    long_lived.refresh()
    known, unknown = (
        RequestFactory().get(f"/t/{i}.gif?url=/") for i in (site.public_id, UUID(int=1))
    )
    with database_away():
        assert through_wsgi(known).status == 200
        assert through_wsgi(unknown).status == 503


@pytest.mark.django_db(transaction=True)
def test_a_process_that_starts_while_the_database_is_away_knows_the_sites(
    site: Site, long_lived: SiteDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = RequestFactory().get(f"/t/{site.public_id}.gif?url=/")
    with database_away():
        assert through_wsgi(request).status == 503
    long_lived.refresh()
    monkeypatch.setattr(directory, "_numbers", None)
    with database_away():
        assert through_wsgi(request).status == 200


def test_requests_for_unknown_sites_do_not_queue_up_behind_a_database_that_hangs(
    site: Site, long_lived: SiteDirectory
) -> None:
    long_lived.refresh()
    with long_lived._asking:
        assert through_wsgi(RequestFactory().get("/t/unknown.gif?url=/")).status == 503
        known = RequestFactory().get(f"/t/{site.public_id}.gif?url=/")
        assert through_wsgi(known).status == 200


def test_a_new_site_is_noticed_and_one_that_is_gone_is_asked_for_once_a_second(
    long_lived: SiteDirectory, django_assert_num_queries: Any, owner: Any
) -> None:
    long_lived.refresh()
    with django_assert_num_queries(1):
        assert [long_lived.find(str(UUID(int=1))) for _ in range(10)] == [None] * 10
    site = SiteFactory(owner=owner)
    with django_assert_num_queries(1):
        assert long_lived.find(str(site.public_id)) == site.pk


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
