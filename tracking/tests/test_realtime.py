from datetime import UTC, datetime, timedelta

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from tracking.models import Site
from tracking.tests.factories import EventFactory, VisitFactory

NOW = datetime(2026, 3, 10, 12, 30, 30, tzinfo=UTC)
pytestmark = [pytest.mark.django_db, pytest.mark.time_machine(NOW, tick=False)]


@pytest.fixture
def visitors(site: Site) -> None:
    for minutes, page in ((1, "/"), (12, "/old"), (45, "/gone")):
        moment = NOW - timedelta(minutes=minutes)
        visit = VisitFactory(site=site, started_at=moment, source="Google", country="NP")
        EventFactory(visit=visit, page=page, time=moment)


@pytest.mark.usefixtures("visitors")
def test_shows_who_is_here_and_the_last_half_hour(site: Site, owner_client: Client) -> None:
    response = owner_client.get(reverse("realtime", args=[site.pk]))
    page = BeautifulSoup(response.content, "html.parser")
    assert page.select_one(".live-count").get_text(strip=True) == "1"
    assert [visitors for _, visitors, _ in response.context["minutes"]] == [
        *[0] * 17,
        1,
        *[0] * 10,
        1,
        0,
    ]
    assert [
        [row.select_one(".bar-label").get_text(strip=True) for row in panel.select("tbody tr")]
        for panel in page.select(".panel")
    ] == [["/", "/old"], ["Google"], ["Nepal"]]


@pytest.mark.usefixtures("visitors")
def test_refreshes_itself_as_a_fragment(site: Site, owner_client: Client) -> None:
    headers = {"HX-Request": "true", "HX-Target": "report"}
    response = owner_client.get(reverse("realtime", args=[site.pk]), headers=headers)
    page = BeautifulSoup(response.content, "html.parser")
    assert (page.find()["id"], page.find()["hx-trigger"]) == ("report", "every 10s")
    assert page.find("html") is None


def test_nobody_is_here(site: Site, owner_client: Client) -> None:
    page = owner_client.get(reverse("realtime", args=[site.pk])).content.decode()
    assert page.count("Nobody is here just now.") == 3
