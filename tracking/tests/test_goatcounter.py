"""Requests as GoatCounter's script, pixel and clients send them, from the page to the hit."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from pytest_django import Settings

from accounts.models import User
from tracking.collector.answers import GIF
from tracking.collector.receivers import read_hit
from tracking.models import Site
from tracking.tests.doors import Door, Queue
from tracking.tests.factories import SiteFactory

PAGE = {"User-Agent": "Mozilla/5.0", "Referer": "https://www.example.com/prices"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_pageview(door: Door, site: Site, queue: Queue, method: str) -> None:
    query = urlencode(
        {
            "p": "/prices",
            "t": "Prices",
            "r": "https://www.google.com/",
            "e": "false",
            "s": "1440,900,2",
            "q": "?utm_source=x",
            "b": 0,
            "rnd": "abc",
        }
    )
    response = door(method, f"/count?{query}", b"", **PAGE, Origin="https://example.com")
    assert (response.status, response.body) == (200, GIF)
    assert response.headers["Content-Type"] == "image/gif"
    assert response.headers["Cache-Control"] == "no-store"
    (record,) = queue()
    assert (record.site_id, record.receiver) == (site.pk, "goatcounter")
    hit = read_hit(record)
    assert (hit.name, hit.url) == ("pageview", "https://www.example.com/prices?utm_source=x")
    assert (hit.title, hit.referrer, hit.screen, hit.automated) == (
        "Prices",
        "https://www.google.com/",
        "1440x900",
        False,
    )


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"p": "/a?utm_source=y", "q": "?utm_source=x"}, {"url": "{}/a?utm_source=y"}),
        ({"p": "a"}, {"url": "{}/a"}),
        ({"p": "//evil.example/a"}, {"url": "{}/evil.example/a"}),
        ({"p": "Sign-up", "e": "true"}, {"url": "{}/prices", "name": "Sign-up"}),
        ({"p": "Sign-up", "e": "1"}, {"name": "Sign-up"}),
        ({"p": "/", "s": "1440"}, {"screen": ""}),
        ({"p": "/", "s": "x,y,z"}, {"screen": ""}),
        ({"p": "/", "b": "150"}, {"automated": True}),
        ({"p": "/", "b": "0"}, {"automated": False}),
    ],
)
def test_what_is_made_of_it(
    door: Door, queue: Queue, given: dict[str, str], kept: dict[str, Any]
) -> None:
    assert door("GET", f"/count?{urlencode(given)}", b"", **PAGE).status == 200
    (hit,) = map(read_hit, queue())
    if "url" in kept:
        kept = kept | {"url": kept["url"].format("https://www.example.com")}
    assert {name: getattr(hit, name) for name in kept} == kept


@pytest.mark.parametrize("name", ["example.com", "www.Example.com", "{id}"])
def test_the_site_may_stand_in_the_path(door: Door, site: Site, queue: Queue, name: str) -> None:
    path = f"/{name.format(id=site.public_id)}/count?p=%2Fa"
    assert door("GET", path, b"", Referer="https://other.example/").status == 200
    (record,) = queue()
    assert (record.site_id, read_hit(record).url) == (site.pk, "https://other.example/a")


def test_a_site_may_have_a_host_name_of_its_own(
    door: Door, site: Site, owner: User, queue: Queue, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = [".testserver"]
    SiteFactory(owner=owner, domain="other.example", counting_host="other.testserver")
    site.counting_host = "example.testserver"
    site.save()
    headers = {"Host": "example.testserver:8000", "Referer": "https://other.example/"}
    assert door("GET", "/count?p=%2Fa", b"", **headers).status == 200
    assert [record.site_id for record in queue()] == [site.pk]


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/count", 400, "The parameter p is missing: the path of the page."),
        ("/count?p=", 400, None),
        ("/count?xp=1", 400, None),
        ("/count?p=a&b=1", 400, "The parameter b is wrong."),
        ("/count?p=a&b=149", 400, None),
        ("/count?p=a&b=x", 400, None),
        ("/count?p=a&b=-1", 400, None),
        ("/count?p=a&b=99999999", 400, None),
        ("/nobody.example/count?p=a", 404, "There is no such site here."),
        ("/count?p=a&x=" + "x" * 9000, 414, None),
    ],
)
def test_refusals(door: Door, queue: Queue, path: str, status: int, message: str | None) -> None:
    response = door("GET", path, b"", **PAGE)
    assert (response.status, response.body) == (status, GIF)
    if message:
        assert response.headers["X-Goatcounter"] == message
    assert queue() == []


@pytest.mark.usefixtures("site")
def test_a_page_of_nobody(door: Door, queue: Queue) -> None:
    assert door("GET", "/count?p=a", b"", Referer="https://nobody.example/").status == 404
    assert door("GET", "/count?p=a").status == 404
    assert door("DELETE", "/count?p=a", b"", **PAGE).status == 405
    assert door("OPTIONS", "/count", b"", **PAGE).status == 204
    assert queue() == []


# From servers

HIT = {"path": "/a", "ip": "1.2.3.4", "user_agent": "Mozilla (ö)"}


def api(door: Door, token: str, content: object) -> Any:
    body = json.dumps(content).encode()
    return door("POST", "/api/v0/count", body, Authorization=f"Bearer {token}")


def test_hits_of_a_server(door: Door, site: Site, queue: Queue, token: str) -> None:
    moment = datetime.now(UTC) - timedelta(hours=2)
    hits = [
        HIT
        | {
            "title": "A",
            "ref": "https://www.google.com/",
            "size": [1440, 900, 1],
            "query": "utm_source=x",
            "created_at": moment.isoformat(),
        },
        HIT | {"path": "Sign-up", "event": True, "size": "1440,900"},
    ]
    response = api(door, token, {"no_sessions": False, "filter": ["ip"], "hits": hits})
    assert (response.status, json.loads(response.body)) == (202, {"status": "ok"})
    one, two = queue()
    assert (one.site_id, one.time, one.ip) == (site.pk, moment.timestamp(), "1.2.3.4")
    hit = read_hit(one)
    assert (hit.url, hit.title, hit.referrer, hit.screen, hit.user_agent) == (
        "/a?utm_source=x",
        "A",
        "https://www.google.com/",
        "1440x900",
        "Mozilla (ö)",
    )
    event = read_hit(two)
    assert (event.name, event.url, event.screen) == ("Sign-up", "/", "1440x900")


@pytest.mark.usefixtures("site")
def test_of_a_servers_hits_the_good_ones_are_kept(door: Door, queue: Queue, token: str) -> None:
    hits = [HIT, {}, HIT | {"ip": ""}, HIT | {"user_agent": ""}, HIT | {"size": {}}]
    response = api(door, token, {"hits": hits})
    assert response.status == 400
    assert sorted(json.loads(response.body)["errors"]) == ["1", "2", "3", "4"]
    assert len(queue()) == 1


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({}, "required field `hits`"),
        ({"hits": []}, "length >= 1"),
        ({"hits": [HIT] * 501}, "<= 500"),
    ],
)
def test_what_is_no_list_of_hits(
    door: Door, queue: Queue, token: str, content: object, fault: str
) -> None:
    response = api(door, token, content)
    assert response.status == 400
    assert fault in json.loads(response.body)["error"]
    assert queue() == []


def test_hits_need_a_token(door: Door, queue: Queue, token: str) -> None:
    assert api(door, "x" + token, {"hits": [HIT]}).status == 401
    assert door("POST", "/api/v0/count", json.dumps({"hits": [HIT]}).encode()).status == 401
    assert door("GET", "/api/v0/count").status == 405
    assert queue() == []
