"""Requests as Umami's script and clients send them, from the page to the hit."""

import json
import time
from decimal import Decimal
from typing import Any

import pytest

from tracking.collector import refusals
from tracking.collector.receivers import read_hit
from tracking.models import Site
from tracking.tests.doors import Door, Queue, Response

AGENT = {"User-Agent": "Mozilla/5.0", "Origin": "https://example.com"}


def send(door: Door, message: object, path: str = "/api/send", **headers: str) -> Response:
    return door("POST", path, json.dumps(message).encode(), **AGENT | headers)


def event(site: Site, **payload: Any) -> dict[str, Any]:
    return {"type": "event", "payload": {"website": str(site.public_id)} | payload}


PAGE = {
    "hostname": "example.com",
    "language": "de-DE",
    "referrer": "https://www.google.com/",
    "screen": "1920x1080",
    "title": "Prices",
    "url": "/prices?utm_source=x#top",
}


def test_a_pageview(door: Door, site: Site, queue: Queue) -> None:
    response = send(door, event(site, **PAGE))
    assert response.status == 200
    answer = json.loads(response.body)
    assert set(answer) == {"cache", "sessionId", "visitId"}
    assert json.loads(send(door, event(site, **PAGE)).body) == answer
    assert json.loads(send(door, event(site), **{"User-Agent": "Other"}).body) != answer
    record, *_ = queue()
    assert record.receiver == "umami"
    hit = read_hit(record)
    assert (hit.site_id, hit.name, hit.url) == (
        site.pk,
        "pageview",
        "https://example.com/prices?utm_source=x#top",
    )
    assert (hit.title, hit.screen, hit.language, hit.referrer) == (
        "Prices",
        "1920x1080",
        "de-DE",
        "https://www.google.com/",
    )


@pytest.mark.parametrize(
    ("payload", "kept"),
    [
        ({"url": "https://example.com/a"}, {"url": "https://example.com/a"}),
        ({"url": "/a"}, {"url": "/a"}),
        ({}, {"url": "/"}),
        ({"hostname": "example.com"}, {"url": "https://example.com/"}),
        ({"hostname": "[", "url": "/a"}, {"url": "/a"}),
        ({"name": "Sign-up"}, {"name": "Sign-up", "props": None}),
        ({"name": "x", "tag": "b"}, {"props": {"tag": "b"}}),
        (
            {"name": "x", "data": {"a": 1, "b": {"c": {"d": True}}, "e": [1, {"f": 2}], "g": None}},
            {"props": {"a": "1", "b.c.d": "true", "e": '[1, {"f": 2}]'}},
        ),
        ({"name": "x", "data": [1, 2]}, {"props": None}),
        ({"name": "x", "data": "y"}, {"props": None}),
        (
            {"name": "Order", "data": {"revenue": 19.5, "currency": "EUR"}},
            {"revenue": Decimal("19.5"), "currency": "EUR"},
        ),
        ({"name": "Order", "data": {"revenue": "much"}}, {"revenue": None}),
    ],
)
def test_what_is_made_of_it(
    door: Door, site: Site, queue: Queue, payload: dict[str, Any], kept: dict[str, Any]
) -> None:
    assert send(door, event(site, **payload)).status == 200
    (hit,) = map(read_hit, queue())
    assert {name: getattr(hit, name) for name in kept} == kept


def test_a_site_may_be_named_by_its_domain(door: Door, site: Site, queue: Queue) -> None:
    message = {"type": "event", "payload": {"website": "example.com", "url": "/"}}
    assert send(door, message).status == 200
    assert [record.site_id for record in queue()] == [site.pk]


def test_web_vitals_become_an_event(door: Door, site: Site, queue: Queue) -> None:
    vitals = {"lcp": 1200.5, "cls": 0.01, "inp": 80, "fcp": 900, "ttfb": None}
    message = event(site, url="/", **vitals) | {"type": "performance"}
    assert send(door, message).status == 200
    (hit,) = map(read_hit, queue())
    assert (hit.name, hit.interactive) == ("Performance", False)
    assert hit.props == {"lcp": "1200.5", "cls": "0.01", "inp": "80.0", "fcp": "900.0"}


def test_who_a_visitor_is_is_answered_and_not_kept(
    door: Door, site: Site, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "allowance", refusals.Allowance())
    message = event(site, id="user@example.com", data={"name": "Ann"}) | {"type": "identify"}
    response = send(door, message)
    assert (response.status, "sessionId" in json.loads(response.body)) == (200, True)
    assert queue() == []
    (noted,) = refusals.of_site(site.pk, 10)
    assert (noted.status, noted.message) == (200, "Who a visitor is (identify) is not kept.")


def test_a_server_reports_on_behalf_of_a_visitor(door: Door, site: Site, queue: Queue) -> None:
    moment = int(time.time()) - 3600
    visitor = {"ip": "1.2.3.4", "userAgent": "Firefox (ö)", "timestamp": moment}
    assert send(door, event(site, url="/", **visitor)).status == 200
    (record,) = queue()
    assert (record.ip, record.time) == ("1.2.3.4", moment)
    assert record.fields == {"url": "/"}
    assert read_hit(record).user_agent == "Firefox (ö)"


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ([], "Expected `object`, got `array`"),
        ({}, "missing required field `type`"),
        ({"type": "other", "payload": {}}, "Invalid enum value 'other' - at `$.type`"),
        ({"type": "event"}, "missing required field `payload`"),
        ({"type": "event", "payload": {}}, "Website not found."),
        ({"type": "event", "payload": {"website": 5}}, "Expected `str`, got `int`"),
        ({"type": "event", "payload": {"website": "x"}}, "Website not found."),
        ({"name": "x" * 51}, "Expected `str` of length <= 50 - at `$.payload.name`"),
        ({"screen": "1" * 12}, "Expected `str` of length <= 11 - at `$.payload.screen`"),
        ({"ip": "localhost"}, "`ip` is not an IP address."),
        ({"timestamp": 1.5e9}, "The time is not within the last 24 hours."),
        ({"timestamp": 1e300}, "The time is not within the last 24 hours."),
    ],
)
def test_refusals(door: Door, site: Site, queue: Queue, message: Any, fault: str) -> None:
    if isinstance(message, dict) and "type" not in message and message:
        message = event(site, **message)
    response = send(door, message)
    assert response.status == 400
    assert fault in json.loads(response.body)["error"]["message"]
    assert queue() == []


def test_a_batch(door: Door, site: Site, queue: Queue) -> None:
    messages = [
        event(site, url="/a"),
        {"type": "event", "payload": {"website": "nobody.example"}},
        event(site, data={"a": 1}) | {"type": "identify"},
        event(site, url="/b"),
        "x",
    ]
    response = send(door, messages, "/api/batch")
    answer = json.loads(response.body)
    assert (response.status, answer["size"], answer["processed"], answer["errors"]) == (
        200,
        5,
        3,
        2,
    )
    assert [detail["index"] for detail in answer["details"]] == [1, 4]
    assert [read_hit(record).url for record in queue()] == ["/a", "/b"]
    assert send(door, [event(site)] * 501, "/api/batch").status == 400
    assert send(door, {}, "/api/batch").status == 400
    assert json.loads(send(door, [], "/api/batch").body)["size"] == 0


@pytest.mark.parametrize("path", ["/api/send", "/api/batch"])
def test_other_methods(door: Door, path: str) -> None:
    assert door("GET", path).status == 405
    response = door("OPTIONS", path, Origin="https://example.com")
    assert response.status == 204
    assert response.headers["Access-Control-Allow-Headers"] == "Content-Type, X-Umami-Cache"
