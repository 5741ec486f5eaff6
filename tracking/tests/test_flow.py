"""A newcomer's entry: a hit comes in at one end, the same figure comes out at every other."""

import json
from datetime import timedelta
from decimal import Decimal
from unittest.mock import patch

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from tracking.models import Event, Site, Visit
from tracking.processing.geodata import Geodata
from tracking.tests.hits import FIREFOX, NOON, process

LOS_ANGELES = Geodata(
    city="Los Angeles",
    postal_code="90001",
    region="California",
    country="US",
    latitude=Decimal("34.05"),
    longitude=Decimal("-118.25"),
)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)


def test_the_original_story(site: Site, client: Client) -> None:
    with patch("tracking.processing.worker.get_geodata", return_value=LOS_ANGELES) as get_geodata:
        response = client.get(
            f"/sites/{site.pk}/visit",
            REMOTE_ADDR="1.2.3.4",
            headers={"Referer": "/some/url", "User-Agent": FIREFOX},
        )
        process()
    assert response.status_code == 204
    get_geodata.assert_called_once_with("1.2.3.4")
    visit = Visit.objects.get()
    assert visit.url == "/some/url"
    assert visit.location == "Los Angeles, 90001"
    assert visit.latitude == Decimal("34.05")
    assert visit.longitude == Decimal("-118.25")
    assert (visit.site, visit.browser, visit.os) == (site, "Firefox", "GNU/Linux")
    event = Event.objects.get()
    assert (event.name, event.page) == ("pageview", "/some/url")


def send(site: Site, ip: str, agent: str, *hits: tuple[str, str, str]) -> None:
    for url, referrer, event in hits:
        response = Client().post(
            f"/t/{site.public_id}",
            json.dumps({"url": url, "referrer": referrer, "event": event}),
            content_type="text/plain",
            REMOTE_ADDR=ip,
            headers={"User-Agent": agent},
        )
        assert response.status_code == 202


@pytest.fixture
def three_visits(site: Site) -> None:
    """Two visitors: one reads two pages, leaves and comes back, the other one bounces."""
    with time_machine.travel(NOON, tick=False) as clock:
        send(
            site,
            "1.2.3.4",
            FIREFOX,
            ("https://example.com/", "https://www.google.com/", "pageview"),
            ("https://example.com/prices", "https://example.com/", "pageview"),
        )
        send(site, "5.6.7.8", CHROME, ("https://example.com/prices", "", "pageview"))
        clock.shift(timedelta(minutes=10))
        send(site, "1.2.3.4", FIREFOX, ("https://example.com/prices", "", "Sign-up"))
        clock.shift(timedelta(minutes=45))
        send(site, "1.2.3.4", FIREFOX, ("https://example.com/", "", "pageview"))
        process()


@pytest.mark.usefixtures("three_visits")
def test_the_same_figures_everywhere(
    site: Site, owner_client: Client, staff_client: Client
) -> None:
    with time_machine.travel(NOON + timedelta(hours=1)):
        dashboard, log, sites, visits, events = (
            BeautifulSoup(client.get(url).content, "html.parser")
            for client, url in (
                (owner_client, f"{site.get_absolute_url()}?sources=source&places=country"),
                (owner_client, reverse("visit_log", args=[site.pk])),
                (owner_client, reverse("index")),
                (staff_client, reverse("admin:tracking_visit_changelist")),
                (staff_client, reverse("admin:tracking_event_changelist")),
            )
        )
    assert {
        figure.select_one(".figure-label").get_text(): figure.select_one(".figure-value").get_text(
            strip=True
        )
        for figure in dashboard.select(".figure-link")
    } == {
        "Visitors": "2",
        "Visits": "3",
        "Pageviews": "4",
        "Views per visit": "1.33",
        "Bounce rate": "67%",
        "Visit duration": "3m\N{NO-BREAK SPACE}20s",
    }
    assert {
        panel.h2.get_text(strip=True): [
            (row.th.get_text(strip=True), row.td.get_text(strip=True))
            for row in panel.select("tbody tr")
        ]
        for panel in dashboard.select(".panel:not(.panel-times)")
    } == {
        "Pages": [("/prices", "2"), ("/", "1")],
        "Sources": [("Direct / none", "2"), ("Google", "1")],
        "Places": [("Unknown", "2")],
        "Devices": [("Chrome", "1"), ("Firefox", "1")],
        "Events": [("Sign-up", "1")],
    }
    assert [
        [row.select_one(f".visit-{part}").get_text() for part in ("page", "views")]
        for row in log.select(".visit")
    ] == [["began at /", "1 view"], ["began at /prices", "1 view"], ["began at /", "2 views"]]
    assert sites.select_one(".site-today").get_text(strip=True) == "2 today"
    assert len(visits.select(".data-row")) == 3
    assert len(events.select(".data-row")) == 5
