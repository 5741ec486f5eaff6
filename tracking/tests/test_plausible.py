"""Requests as Plausible's scripts send them, from the page to the hit."""

import json
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from tracking.collector.receivers import read_hit
from tracking.models import Site
from tracking.tests.doors import Door, Queue
from tracking.tests.factories import SiteFactory

AGENT = {"User-Agent": "Mozilla/5.0", "Origin": "https://example.com"}
PAGEVIEW = {"n": "pageview", "u": "https://example.com/a?utm_source=x", "d": "example.com"}


def send(door: Door, event: object, **headers: str) -> Any:
    return door("POST", "/api/event", json.dumps(event).encode(), **AGENT | headers)


def test_a_pageview(door: Door, site: Site, queue: Queue) -> None:
    response = send(door, PAGEVIEW | {"r": "https://www.google.com/", "v": 36, "w": 1440})
    assert (response.status, response.body) == (202, b"ok")
    assert "X-Plausible-Dropped" not in response.headers
    assert response.headers["Access-Control-Allow-Origin"] == "https://example.com"
    (record,) = queue()
    assert record.receiver == "plausible"
    hit = read_hit(record)
    assert (hit.site_id, hit.name, hit.url, hit.referrer, hit.user_agent) == (
        site.pk,
        "pageview",
        PAGEVIEW["u"],
        "https://www.google.com/",
        "Mozilla/5.0",
    )


@pytest.mark.usefixtures("site")
def test_an_event_with_all_that_it_may_have(door: Door, queue: Queue) -> None:
    given = {
        "name": "Purchase",
        "url": "https://example.com/shop#basket",
        "domain": "www.Example.com",
        "referrer": None,
        "props": {"plan": "pro", "seats": 3, "trial": True, "nested": {"a": [1]}, "none": None},
        "hashMode": 1,
        "interactive": False,
        "revenue": {"currency": "EUR", "amount": "1322.99"},
    }
    assert send(door, given).status == 202
    (hit,) = map(read_hit, queue())
    assert (hit.name, hit.page, hit.interactive) == ("Purchase", "/shop#basket", False)
    assert hit.props == {"plan": "pro", "seats": "3", "trial": "true"}
    assert (hit.revenue, hit.currency) == (Decimal("1322.99"), "EUR")


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"n": 404}, {"name": "404"}),
        ({"p": '{"a": "b"}'}, {"props": {"a": "b"}}),
        ({"p": '{"a": '}, {"props": None}),
        ({"p": "[" * 10_000}, {"props": None}),
        ({"p": [1]}, {"props": None}),
        ({"m": {"a": 1}}, {"props": {"a": "1"}}),
        ({"meta": '{"a": 1.5}'}, {"props": {"a": "1.5"}}),
        ({"$": '{"currency": "USD", "amount": 5}'}, {"revenue": Decimal(5), "currency": "USD"}),
        ({"$": {"currency": "USD", "amount": "much"}}, {"revenue": None, "name": "pageview"}),
        ({"$": {"currency": "", "amount": 5}}, {"revenue": Decimal(5), "currency": ""}),
        ({"$": {"currency": "€", "amount": 5}}, {"revenue": None, "currency": ""}),
        ({"$": 5}, {"revenue": None}),
        ({"h": 1}, {"page": ""}),
        ({"h": 1, "u": "https://example.com/#/x"}, {"page": "/#/x"}),
        ({"h": 0, "u": "https://example.com/#/x"}, {"page": ""}),
        ({"u": "app://localhost/settings"}, {"url": "//localhost/settings"}),
        ({"r": 5}, {"referrer": "5"}),
        ({"r": "r" * 3000}, {"referrer": "r" * 2000}),
        ({"i": "x"}, {"interactive": True}),
        (
            {"n": "engagement", "sd": 75, "e": 12_000},
            {"name": "engagement", "scroll": 75, "engaged": 12_000},
        ),
        ({"n": "engagement", "sd": 255, "e": 5.6}, {"scroll": 0, "engaged": 6}),
        ({"n": "engagement", "e": -5}, {"engaged": 0}),
    ],
)
def test_what_is_made_of_it(
    door: Door, queue: Queue, given: dict[str, Any], kept: dict[str, Any]
) -> None:
    assert send(door, PAGEVIEW | given).status == 202
    (hit,) = map(read_hit, queue())
    assert {name: getattr(hit, name) for name in kept} == kept


def test_one_event_for_several_sites(door: Door, site: Site, owner: User, queue: Queue) -> None:
    other = SiteFactory(owner=owner, domain="bücher.example")
    domains = "example.com, xn--bcher-kva.example,www.example.com"
    response = send(door, PAGEVIEW | {"d": domains})
    assert response.status == 202
    assert sorted(record.site_id for record in queue()) == sorted([site.pk, other.pk])


def test_without_a_domain_the_page_tells(door: Door, site: Site, queue: Queue) -> None:
    assert send(door, {"n": "pageview", "u": "https://www.example.com/"}).status == 202
    assert [record.site_id for record in queue()] == [site.pk]


@pytest.mark.usefixtures("site")
def test_a_site_that_is_not_known_is_dropped_as_the_original_does(door: Door, queue: Queue) -> None:
    response = send(door, PAGEVIEW | {"d": "example.com,nobody.example"})
    assert (response.status, response.headers["X-Plausible-Dropped"]) == (202, "1")
    assert len(queue()) == 1
    response = send(door, PAGEVIEW | {"d": "nobody.example"})
    assert (response.status, response.headers["X-Plausible-Dropped"]) == (202, "1")
    assert len(queue()) == 1


def test_a_domain_belongs_to_whoever_added_it_first(
    door: Door, site: Site, stranger: User, queue: Queue
) -> None:
    SiteFactory(owner=stranger, domain="example.com")
    send(door, PAGEVIEW)
    assert [record.site_id for record in queue()] == [site.pk]


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ([], "Expected `object`, got `array`"),
        ("x", "Expected `object`, got `str`"),
        ({}, "`name` is required"),
        ({"n": "x" * 121, "u": "/"}, "`name` is required, and has 120 characters at most."),
        ({"n": ["x"], "u": "/"}, "`name` is required"),
        ({"n": "x"}, "`url` is required"),
        ({"n": "x", "u": 5}, "`url` is required"),
        ({"n": "x", "u": "https://example.com/" + "x" * 2000}, "2000 characters at most"),
        ({"n": "x", "u": "data:text/html,x"}, "`url` is not the address of a page."),
        ({"n": "x", "u": "/path"}, "`domain` is required."),
        ({"n": "x", "u": "http://[::1"}, "`domain` is required."),
        ({"n": "x", "u": "/", "d": " , "}, "`domain` is required."),
        ({"n": "engagement", "u": "/", "d": "example.com"}, "An engagement needs `sd` or `e`."),
    ],
)
def test_refusals(door: Door, queue: Queue, given: object, fault: str) -> None:
    response = send(door, given)
    assert response.status == 400
    (message,) = json.loads(response.body)["errors"]["request"]
    assert fault in message
    assert queue() == []


@pytest.mark.usefixtures("site")
def test_a_browser_has_a_name(door: Door, queue: Queue) -> None:
    assert door("POST", "/api/event", json.dumps(PAGEVIEW).encode()).status == 400
    assert queue() == []


def test_other_methods(door: Door) -> None:
    response = door("GET", "/api/event")
    assert (response.status, response.headers["Allow"]) == (405, "POST, OPTIONS")
    response = door("OPTIONS", "/api/event", Origin="https://example.com")
    assert response.status == 204
    assert response.headers["Access-Control-Allow-Headers"] == "Content-Type, X-Debug-Request"


@pytest.mark.usefixtures("site")
def test_whoever_debugs_is_told_the_address_and_not_counted(door: Door, queue: Queue) -> None:
    response = send(door, PAGEVIEW, **{"X-Debug-Request": "true"})
    assert (response.status, response.body) == (200, b"127.0.0.1")
    assert queue() == []
