"""Requests as Matomo's script and clients send them, from the page to the hit."""

import json
import time
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from accounts.models import User
from tracking.collector.answers import GIF
from tracking.collector.receivers import read_hit
from tracking.models import Site
from tracking.tests.doors import Door, Queue
from tracking.tests.factories import SiteFactory

AGENT = {"User-Agent": "Mozilla/5.0", "Origin": "https://example.com"}
# As matomo.js 5 sends a page view.
PAGE = {
    "action_name": "Prices",
    "rec": "1",
    "r": "123456",
    "h": "12",
    "m": "30",
    "s": "5",
    "url": "https://example.com/prices",
    "urlref": "https://www.google.com/",
    "_id": "0123456789abcdef",
    "_idn": "1",
    "send_image": "0",
    "_refts": "0",
    "pv_id": "AbCdEf",
    "pf_net": "10",
    "pf_srv": "200",
    "uadata": '{"fullVersionList":[]}',
    "cookie": "1",
    "res": "1440x900",
    "lang": "de",
}


def query(site: Site, **parameters: str) -> str:
    return urlencode({"idsite": site.pk} | PAGE | parameters)


@pytest.mark.parametrize("path", ["/matomo.php", "/piwik.php"])
def test_a_pageview(door: Door, site: Site, queue: Queue, path: str) -> None:
    response = door("POST", f"{path}?{query(site)}", b"", **AGENT)
    assert (response.status, response.body) == (204, b"")
    assert response.headers["Access-Control-Allow-Origin"] == "https://example.com"
    response = door("GET", f"{path}?{query(site, send_image='1')}", b"", **AGENT)
    assert (response.status, response.body) == (200, GIF)
    response = door("POST", path, query(site).encode(), **AGENT)
    assert response.status == 204
    for record in queue():
        assert (record.site_id, record.receiver) == (site.pk, "matomo")
        hit = read_hit(record)
        assert (hit.name, hit.url, hit.referrer) == ("pageview", PAGE["url"], PAGE["urlref"])
        assert (hit.title, hit.screen, hit.language) == ("Prices", "1440x900", "de")
        assert (hit.props, hit.revenue) == (None, None)
    assert len(queue()) == 3


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (
            {"e_c": "Videos", "e_a": "Play", "e_n": "Intro", "e_v": "1.5", "ca": "1"},
            {
                "name": "Videos: Play",
                "props": {"category": "Videos", "action": "Play", "name": "Intro", "value": "1.5"},
            },
        ),
        (
            {"link": "https://other.example/x"},
            {"name": "Outbound Link: Click", "props": {"url": "https://other.example/x"}},
        ),
        (
            {"download": "https://example.com/a.pdf"},
            {"name": "File Download", "props": {"url": "https://example.com/a.pdf"}},
        ),
        (
            {"search": "shoes", "search_cat": "men", "search_count": "0"},
            {"name": "Site Search", "props": {"query": "shoes", "category": "men", "results": "0"}},
        ),
        ({"idgoal": "3"}, {"name": "Goal 3", "revenue": None}),
        (
            {"idgoal": "0", "ec_id": "A1", "revenue": "19.90", "ec_cu": "EUR"},
            {"name": "Order", "props": {"order": "A1"}, "revenue": Decimal("19.90")},
        ),
        (
            {
                "idgoal": "0",
                "ec_id": "A2",
                "ec_items": '[["1", "Shirt", "clothes", 9.9, 2], ["2", "Mug", "", 5, 1], ["3"]]',
            },
            {
                "name": "Order",
                "props": {"order": "A2", "products": "Shirt, Mug", "quantity": "4"},
            },
        ),
        *(
            ({"idgoal": "0", "ec_id": "A3", "ec_items": items}, {"props": {"order": "A3"}})
            for items in ("[]", "[", '{"a": 1}', "[1]", '[["1"]]')
        ),
        ({"ping": "1"}, {"name": "engagement", "engaged": 15_000}),
        (
            {"url": "https://example.com/?mtm_campaign=spring&mtm_kwd=a&pk_source=b&x_campaign=c"},
            {
                "url": "https://example.com/?utm_campaign=spring&utm_term=a&utm_source=b"
                "&x_campaign=c"
            },
        ),
        (
            {"url": "https://example.com/a?b#c", "_rcn": "spring sale", "_rck": "a"},
            {"url": "https://example.com/a?b&utm_campaign=spring+sale&utm_term=a#c"},
        ),
        ({"url": ""}, {"url": ""}),
    ],
)
def test_what_is_made_of_it(
    door: Door, site: Site, queue: Queue, given: dict[str, str], kept: dict[str, Any]
) -> None:
    assert door("GET", f"/matomo.php?{query(site, **given)}", b"", **AGENT).status == 204
    (hit,) = map(read_hit, queue())
    assert {name: getattr(hit, name) for name in kept} == kept


def test_many_at_once(door: Door, site: Site, owner: User, queue: Queue) -> None:
    other = SiteFactory(owner=owner)
    requests = [
        f"?{query(site, url='https://example.com/ü')}",
        {"idsite": other.pk, "rec": 1, "url": "https://other.example/"},
        "?idsite=99999&rec=1",
        f"?idsite={site.pk}",
        "nonsense",
        f"https://stats.example.com/matomo.php?{query(site, url='/c')}",
    ]
    response = door("POST", "/matomo.php", json.dumps({"requests": requests}).encode(), **AGENT)
    assert response.status == 200
    assert json.loads(response.body) == {
        "status": "success",
        "tracked": 3,
        "invalid": 3,
        "invalid_indices": [2, 3, 4],
    }
    assert [(record.site_id, read_hit(record).url) for record in queue()] == [
        (site.pk, "https://example.com/ü"),
        (other.pk, "https://other.example/"),
        (site.pk, "/c"),
    ]


@pytest.mark.parametrize(
    "content",
    [b'{"requests": []}', b'{"requests": [1]}', b"{", b'{"requests": ["?idsite=1"]}', b" {}"],
)
def test_bulk_that_is_refused(door: Door, queue: Queue, db: None, content: bytes) -> None:
    assert door("POST", "/matomo.php", content, **AGENT).status == 400
    assert queue() == []


def test_on_behalf_of_a_visitor(door: Door, site: Site, queue: Queue, token: str) -> None:
    moment = int(time.time()) - 3600
    given = {"cip": "1.2.3.4", "cdt": str(moment), "ua": "Firefox (ö)", "token_auth": token}
    assert door("GET", f"/matomo.php?{query(site, **given)}", b"", **AGENT).status == 204
    (record,) = queue()
    assert (record.ip, record.time) == ("1.2.3.4", moment)
    assert token not in record.query
    hit = read_hit(record)
    assert (hit.user_agent, hit.url, hit.title) == ("Firefox (ö)", PAGE["url"], "Prices")


def test_the_token_of_a_bulk_request(door: Door, site: Site, queue: Queue, token: str) -> None:
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - 60))
    content = {"requests": [f"?{query(site, cip='1.2.3.4', cdt=at)}"], "token_auth": token}
    assert door("POST", "/matomo.php", json.dumps(content).encode(), **AGENT).status == 200
    (record,) = queue()
    assert record.ip == "1.2.3.4"
    assert time.time() - 70 < record.time < time.time() - 50
    content["token_auth"] = "wrong"
    assert door("POST", "/matomo.php", json.dumps(content).encode(), **AGENT).status == 400
    assert len(queue()) == 1


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"cip": "1.2.3.4"}, 401),
        ({"cip": "1.2.3.4", "token_auth": "wrong"}, 401),
        ({"cdt": "2020-01-01 00:00:00"}, 400),
        ({"cdt": "yesterday"}, 400),
        ({"cdt": "9" * 400}, 400),
        ({"rec": "0"}, 400),
        ({"idsite": "x"}, 400),
        ({"idsite": "0"}, 404),
        ({"idsite": "999999999999999999"}, 404),
        ({"idsite": "9" * 30}, 400),
        ({"url": "x" * 9000}, 414),
    ],
)
def test_refusals(door: Door, site: Site, queue: Queue, given: dict[str, str], status: int) -> None:
    response = door("GET", f"/matomo.php?{query(site, **given)}", b"", **AGENT)
    assert response.status == status
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert queue() == []


def test_other_methods(door: Door) -> None:
    assert door("DELETE", "/matomo.php").status == 405
    assert door("OPTIONS", "/matomo.php", Origin="https://example.com").status == 204
