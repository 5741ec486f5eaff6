from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertRedirects

from tracking.models import Site, Visit
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory
from tracking.views import visits
from tracking.views.visits import Place, page_of

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>"

pytestmark = pytest.mark.django_db


def address(site: Site, query: str = "") -> str:
    return reverse("visit_log", args=[site.pk]) + query


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "VISITS", 2)


class TestAccess:
    def test_owner(self, site: Site, owner_client: Client) -> None:
        assert owner_client.get(address(site)).status_code == 200

    def test_stranger(self, site: Site, stranger_client: Client) -> None:
        VisitFactory(site=site, city="Secretville")
        response = stranger_client.get(address(site))
        assert response.status_code == 404
        assert "Secretville" not in response.content.decode()

    def test_anonymous(self, site: Site, client: Client) -> None:
        url = address(site)
        assertRedirects(client.get(url), f"{reverse('account_login')}?next={url}")


def test_shows_the_sites_visits_newest_first(site: Site, owner_client: Client) -> None:
    older = VisitFactory(site=site, started_at=NOON - timedelta(hours=1))
    newer = VisitFactory(site=site, started_at=NOON)
    twin = VisitFactory(site=site, started_at=NOON)
    VisitFactory(site=SiteFactory(owner=site.owner))

    assert owner_client.get(address(site)).context["page"].visits == [twin, newer, older]


def test_a_visit_is_told_in_words(site: Site, owner_client: Client) -> None:
    site.time_zone = "Asia/Kathmandu"
    site.save()
    VisitFactory(
        site=site,
        started_at=NOON,
        duration=134_000,
        pageviews=2,
        events=3,
        hostname="example.com",
        entry_page="/start",
        source="Google",
        referrer="https://www.google.com/",
        city="Los Angeles",
        postal_code="90001",
        country="US",
        browser="Firefox",
        os="Linux",
        device="Desktop",
    )

    page = owner_client.get(address(site)).content.decode()

    for text in (
        "Times are those of Asia/Kathmandu.",
        ">Tuesday 10 March 2026</h2>",
        ">17:45</time>",
        "</span>/start</span>",
        "Google</span>",
        "Los Angeles, United States</span>",
        "Firefox · Linux · Desktop</span>",
        "2m\N{NO-BREAK SPACE}14s</span>",
    ):
        assert page.count(text) == 1, text


def test_what_is_not_known_is_said(site: Site, owner_client: Client) -> None:
    VisitFactory(site=site, entry_page="", pageviews=0, events=1)
    page = owner_client.get(address(site)).content.decode()
    for text in ("(no page viewed)", "Direct / none", "in </span>Unknown", "with </span>Unknown"):
        assert page.count(text) == 1, text


class TestVisit:
    """The page of one visit."""

    def get(self, client: Client, visit: Visit, **headers: str) -> Any:
        return client.get(reverse("visit", args=[visit.site_id, visit.pk]), headers=headers)

    def test_tells_all_that_is_known(self, site: Site, owner_client: Client) -> None:
        site.time_zone = "Asia/Kathmandu"
        site.save()
        visit = VisitFactory(
            site=site,
            started_at=NOON,
            duration=134_000,
            city="Los Angeles",
            postal_code="90001",
            country="US",
            referrer="https://www.google.com/",
            browser="Firefox",
            browser_version="145",
            language="de-CH",
        )
        EventFactory(visit=visit, page="/second", time=NOON + timedelta(seconds=20))
        EventFactory(visit=visit, page="/start", title="Start", engaged=5_000, scroll=40)
        EventFactory(
            visit=visit,
            name="Order",
            page="/second",
            time=NOON + timedelta(seconds=134),
            props={"plan": "Pro"},
            revenue=Decimal("12.50"),
            currency="EUR",
        )

        page = BeautifulSoup(self.get(owner_client, visit).content, "html.parser")

        facts = {fact.dt.text: fact.dd.text for fact in page.select(".visit-facts > div")}
        assert facts == {
            "Location": "Los Angeles, 90001, United States",
            "Browser": "Firefox 145",
            "Channel": "Direct",
            "Referrer": "https://www.google.com/",
            "Language": "German (Switzerland)",
            "Length": "2m\N{NO-BREAK SPACE}14s",
        }
        assert [" ".join(step.get_text(" ").split()) for step in page.select(".timeline li")] == [
            "17:45:00 /start Start read for 5s · seen to 40%",
            "17:45:20 +20s /second",
            "17:47:14 +1m 54s Order on /second plan: Pro · 12.50 EUR",
        ]

    def test_unfolds_in_the_log(self, site: Site, owner_client: Client) -> None:
        visit = EventFactory(visit__site=site).visit
        response = self.get(owner_client, visit, **{"HX-Request": "true"})
        page = BeautifulSoup(response.content, "html.parser")
        assert page.find()["class"] == ["visit-more"]

    def test_of_many_events_is_cut(
        self, site: Site, owner_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(visits, "EVENTS", 2)
        visit = VisitFactory(site=site, pageviews=5)
        EventFactory.create_batch(5, visit=visit)
        page = BeautifulSoup(self.get(owner_client, visit).content, "html.parser")
        assert len(page.select(".timeline li")) == 2
        assert page.select_one(".visit-more > p").text == "and 3 more"


class TestFilters:
    """The log shows the visits that reports under the same filters count."""

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            (["country,is,NP"], ["nepal"]),
            (["country,is_not,NP"], ["swiss", "unknown"]),
            (["country,is,"], ["unknown"]),
            (["country,is,NP,"], ["nepal", "unknown"]),
            (["entry_page,contains,BLOG"], ["nepal", "swiss"]),
            (["entry_page,starts_with,/blog/"], ["nepal"]),
            (["entry_page,matches,/*/a"], ["nepal"]),
            (["page,is,/b"], ["swiss"]),
            (["page,is,/b", "title,is,Other"], []),
            (["event,is,Order"], ["nepal"]),
            (["did_not.event,is,Order"], ["swiss", "unknown"]),
            (["did.event,is,Order", "page,is,/a"], ["nepal"]),
            (["prop:plan,is,Pro"], ["nepal"]),
            (["prop:plan,contains,pr"], ["nepal"]),
            (["country,is,CH;event,is,Order"], ["nepal", "swiss"]),
        ],
    )
    def test_hold(
        self, site: Site, owner_client: Client, filters: list[str], found: list[str]
    ) -> None:
        nepal = VisitFactory(site=site, country="NP", entry_page="/blog/a", city="nepal")
        swiss = VisitFactory(site=site, country="CH", entry_page="/the-blog", city="swiss")
        unknown = VisitFactory(site=site, entry_page="/", city="unknown")
        EventFactory(visit=nepal, page="/a")
        EventFactory(visit=nepal, name="Order", page="/a", props={"plan": "Pro"})
        EventFactory(visit=swiss, page="/b", title="B")
        EventFactory(visit=swiss, page="/c", title="Other")
        EventFactory(visit=unknown, page="/")

        page = owner_client.get(address(site), {"f": filters}).context["page"]

        assert sorted(visit.city for visit in page.visits) == found

    def test_that_fit_nothing_can_be_cleared(self, site: Site, owner_client: Client) -> None:
        VisitFactory(site=site)
        page = owner_client.get(address(site, "?f=country,is,NP"))
        html = BeautifulSoup(page.content, "html.parser")
        assert html.select_one(".empty-state h2").text == "No such visit"
        assert html.select_one(".empty-state .button")["href"] == "?"

    def test_that_only_reports_know_are_named(self, site: Site, owner_client: Client) -> None:
        VisitFactory(site=site)
        page = owner_client.get(address(site, "?f=hour,is,12")).content.decode()
        assert page.count('<p class="notice notice-warning"') == 1


def test_hostile_values_are_text(site: Site, owner_client: Client) -> None:
    hostile = dict.fromkeys(
        ("entry_page", "source", "referrer", "city", "browser", "os", "hostname"), HOSTILE
    )
    visit = EventFactory(
        visit__site=site,
        name=HOSTILE,
        page=HOSTILE,
        title=HOSTILE,
        props={HOSTILE: HOSTILE},
        **{f"visit__{k}": v for k, v in hostile.items()},
    ).visit

    for url in (address(site), reverse("visit", args=[site.pk, visit.pk])):
        page = owner_client.get(url).content.decode()
        assert HOSTILE not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.usefixtures("small_pages")
class TestPages:
    @pytest.fixture
    def log(self, site: Site) -> list[Visit]:
        """Five visits, the newest first; two began at the same moment."""
        hours = [0, 1, 2, 2, 3]
        return [
            VisitFactory(site=site, pk=100 - n, started_at=NOON - timedelta(hours=hour))
            for n, hour in enumerate(hours)
        ]

    def test_lead_through_every_visit_and_back(self, site: Site, log: list[Visit]) -> None:
        first = page_of(site)
        second = page_of(site, before=first.older)
        third = page_of(site, before=second.older)
        back = page_of(site, after=third.newer)

        assert [first.visits, second.visits, third.visits] == [log[:2], log[2:4], log[4:]]
        assert (first.newer, third.older) == (None, None)
        assert back.visits == log[2:4]
        assert page_of(site, after=back.newer).visits == log[:2]
        assert page_of(site, after=back.newer).newer is None

    def test_part_between_visits_of_the_same_moment(self, site: Site, log: list[Visit]) -> None:
        assert page_of(site, before=Place.of(log[2])).visits == log[3:5]
        assert page_of(site, after=Place.of(log[3])).visits == log[1:3]

    def test_stand_in_the_address(self, site: Site, log: list[Visit], owner_client: Client) -> None:
        page = owner_client.get(address(site)).content.decode()
        older = f"?before={Place.of(log[1])}"
        assert f'href="{older}"' in page
        assert "?after=" not in page
        assert owner_client.get(address(site, older)).context["page"].visits == log[2:4]

    def test_know_only_this_sites_visits(self, site: Site, log: list[Visit]) -> None:
        other = VisitFactory(started_at=NOON - timedelta(hours=1))
        assert (
            page_of(site, before=Place.of(other)).visits
            == [
                visit
                for visit in log
                if (visit.started_at, visit.pk) < (other.started_at, other.pk)
            ][:2]
        )

    def test_beyond_the_end_say_so(
        self, site: Site, log: list[Visit], owner_client: Client
    ) -> None:
        response = owner_client.get(address(site, f"?before={Place.of(log[-1])}"))
        assert "No visit on this page" in response.content.decode()


@pytest.mark.parametrize(
    "text", ["x", "1", "1-2-3", "-1-2", "1-x", "9" * 30 + "-1", "1-" + "9" * 30, "9" * 5000 + "-1"]
)
@pytest.mark.parametrize("parameter", ["before", "after"])
def test_a_page_that_does_not_exist_is_answered_by_a_message(
    site: Site, owner_client: Client, parameter: str, text: str
) -> None:
    visit = VisitFactory(site=site)
    response = owner_client.get(address(site), {parameter: text})

    assert response.status_code == 200
    assert response.context["page"].visits == [visit]
    assert response.context["form"].errors == {
        parameter: ["That page of the log does not exist. These are the newest visits."]
    }


def test_a_place_survives_the_address() -> None:
    place = Place(datetime(2026, 3, 10, 12, 0, 0, 123456, tzinfo=UTC), 2**63 - 1)
    assert Place.parse(str(place)) == place


def test_an_empty_log_leads_to_the_snippet(site: Site, owner_client: Client) -> None:
    page = owner_client.get(address(site)).content.decode()
    assert "No visit yet" in page
    assert page.count(reverse("site_snippet", args=[site.pk])) == 2  # tab and button


@pytest.mark.not_on_clickhouse
@pytest.mark.parametrize("number", [1, 3])
def test_queries_do_not_grow_with_visits(
    site: Site,
    owner_client: Client,
    number: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for visit in VisitFactory.create_batch(number, site=site):
        EventFactory.create_batch(2, visit=visit)
    with django_assert_num_queries(5):
        owner_client.get(address(site))
