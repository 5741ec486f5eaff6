"""The same little story, told by each tracker, becomes the same figures."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine

from tracking.models import Event, Site, Visit
from tracking.tests.doors import Door, through_wsgi
from tracking.tests.hits import FIREFOX, NOON, process

PAGE = "https://example.com/prices?utm_campaign=spring"
GOOGLE = "https://www.google.com/"
HEADERS = {"User-Agent": FIREFOX, "Referer": "https://example.com/prices"}
Story = Iterator[tuple[str, Any]]  # path and body: a view, an order, how the page was read


def own(site: Site) -> Story:
    path, page = f"/t/{site.public_id}", {"url": PAGE, "referrer": GOOGLE}
    yield path, page | {"title": "Prices", "screen": "1440x900", "language": "de-DE"}
    order = {"event": "Order", "revenue": 19.9, "currency": "EUR", "props": {"plan": "pro"}}
    yield path, page | order
    yield path, page | {"event": "engagement", "engaged": 12_000, "scroll": 75}


def plausible(site: Site) -> Story:
    page = {"u": PAGE, "d": "example.com", "r": GOOGLE}
    more = {"title": "Prices", "screen": "1440x900", "language": "de-DE"}
    yield "/api/event", page | {"n": "pageview"} | more
    revenue = {"amount": 19.9, "currency": "EUR"}
    yield "/api/event", page | {"n": "Order", "$": revenue, "p": {"plan": "pro"}}
    yield "/api/event", page | {"n": "engagement", "e": 12_000, "sd": 75}


def umami(site: Site) -> Story:
    page = {"website": str(site.public_id), "url": PAGE, "referrer": GOOGLE, "title": "Prices"}
    page |= {"screen": "1440x900", "language": "de-DE"}
    data = {"revenue": 19.9, "currency": "EUR", "plan": "pro"}
    for more in (
        {},
        {"name": "Order", "data": data},
        {"name": "engagement", "engaged": 12_000, "scroll": 75},
    ):
        yield "/api/send", {"type": "event", "payload": page | more}


def goatcounter(site: Site) -> Story:
    page = {"p": "/prices", "q": "?utm_campaign=spring", "r": GOOGLE, "t": "Prices"}
    page |= {"s": "1440,900,1"}
    yield f"/count?{urlencode(page)}", None
    yield f"/count?{urlencode(page | {'p': 'Order', 'e': 'true'})}", None
    yield f"/count?{urlencode(page | {'engaged': '12000', 'scroll': '75'})}", None


def matomo(site: Site) -> Story:
    page = {"idsite": site.pk, "rec": 1, "url": PAGE, "urlref": GOOGLE, "action_name": "Prices"}
    page |= {"res": "1440x900", "lang": "de-DE"}
    yield f"/matomo.php?{urlencode(page)}", None
    yield f"/matomo.php?{urlencode(page | {'idgoal': 0, 'ec_id': 'A1', 'revenue': 19.9})}", None
    reading = {"ping": 1, "engaged": 12_000, "scroll": 75}
    yield f"/matomo.php?{urlencode(page | reading)}", None


@pytest.mark.parametrize("story", [own, plausible, umami, goatcounter, matomo])
def test_a_little_story(site: Site, story: Any) -> None:
    site.currency = "EUR"
    site.save()
    with time_machine.travel(NOON, tick=False) as clock:
        for path, body in story(site):
            sent = json.dumps(body).encode() if body else b""
            assert Door(through_wsgi)("POST", path, sent, **HEADERS).status in {200, 202}
            clock.shift(timedelta(seconds=10))
        process()
    visit = Visit.objects.get()
    assert (visit.pageviews, visit.events, visit.is_bounce) == (1, 2, False)
    assert (visit.entry_page, visit.source, visit.utm_campaign) == ("/prices", "Google", "spring")
    assert (visit.hostname, visit.screen) == ("example.com", "1440x900")
    assert visit.language == ("" if story is goatcounter else "de-DE")
    view, order = Event.objects.order_by("time")
    assert (view.name, view.page, view.title) == ("pageview", "/prices", "Prices")
    assert (view.engaged, view.scroll) == (12_000, 75)
    assert order.name == "Order"
    if story is not goatcounter:
        assert (order.revenue, order.currency) == (Decimal("19.9"), "EUR")
    if story not in (goatcounter, matomo):
        assert order.props["plan"] == "pro"


@pytest.mark.parametrize(("currency", "revenue"), [("", None), ("CHF", Decimal("19.9"))])
def test_an_amount_without_a_currency_is_in_the_sites(
    site: Site, currency: str, revenue: Decimal | None
) -> None:
    site.currency = currency
    site.save()
    body = json.dumps({"url": PAGE, "event": "Order", "revenue": 19.9}).encode()
    Door(through_wsgi)("POST", f"/t/{site.public_id}", body, **HEADERS)
    process()
    event = Event.objects.get()
    assert (event.revenue, event.currency) == (revenue, currency)


def test_shynets_story(site: Site) -> None:
    body = json.dumps({"location": PAGE, "referrer": GOOGLE, "idempotency": "key"}).encode()
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(3):
            Door(through_wsgi)("POST", f"/{site.public_id}/script.js", body, **HEADERS)
            clock.shift(timedelta(seconds=5))
        process()
    visit, event = Visit.objects.get(), Event.objects.get()
    assert (visit.pageviews, visit.source, visit.utm_campaign) == (1, "Google", "spring")
    assert (event.page, event.engaged) == ("/prices", 10_000)
