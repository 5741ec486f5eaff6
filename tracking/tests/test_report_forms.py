"""The forms beside a report: filters, segments, notes."""

from datetime import UTC, date, datetime

import pytest
from bs4 import BeautifulSoup
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from accounts.models import User
from tracking.models import Annotation, Segment, Site
from tracking.tests.factories import EventFactory, VisitFactory

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.time_machine(datetime(2026, 3, 10, 12, 30, tzinfo=UTC), tick=False),
]
HTMX = {"HX-Request": "true", "HX-Target": "dialog"}


@pytest.fixture
def visits(site: Site) -> None:
    for country in ("NP", "NP", "CH", ""):
        EventFactory(visit=VisitFactory(site=site, country=country))


class TestFilter:
    def get(self, client: Client, site: Site, query: str, **headers: str) -> HttpResponse:
        return client.get(  # type: ignore[return-value]
            reverse("report_filter", args=[site.pk]) + query, headers=headers
        )

    @pytest.mark.usefixtures("visits")
    def test_offers_what_most_visitors_have(self, site: Site, owner_client: Client) -> None:
        page = BeautifulSoup(
            self.get(owner_client, site, "?dimension=country").content, "html.parser"
        )
        assert [label.get_text(strip=True) for label in page.select(".filter-values label")] == [
            "Nepal",
            "Unknown",
            "Switzerland",
        ]

    @pytest.mark.usefixtures("visits")
    @pytest.mark.parametrize(
        ("fields", "filter"),
        [
            ("operator=is&picked=NP&picked=", "f=country,is,NP,"),
            ("operator=is_not&typed=switzerland%0AXX", "f=country,is_not,CH,XX"),
            ("operator=did_not&picked=NP", "f=did_not.country,is,NP"),
            ("operator=contains&typed=a,b", "f=country,contains,a%5C,b"),
        ],
    )
    def test_leads_to_the_report_with_it(
        self, site: Site, owner_client: Client, fields: str, filter: str
    ) -> None:
        response = self.get(owner_client, site, f"?period=7d&dimension=country&{fields}&apply=1")
        assertRedirects(
            response,
            f"{site.get_absolute_url()}?period=7d&{filter}",
            fetch_redirect_response=False,
        )

    @pytest.mark.usefixtures("visits")
    def test_can_be_changed(self, site: Site, owner_client: Client) -> None:
        state = "?f=country,is,NP&f=page,contains,/"
        page = BeautifulSoup(self.get(owner_client, site, f"{state}&edit=0").content, "html.parser")
        ticked = page.select(".filter-values input[checked]")
        assert [box["value"] for box in ticked] == ["NP"]

        fields = "&edit=0&dimension=country&operator=is&picked=CH&apply=1"
        response = self.get(owner_client, site, state + fields)
        assert response["Location"] == (
            f"{site.get_absolute_url()}?f=country,is,CH&f=page,contains,/"
        )

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ("dimension=page&operator=is&typed=", "Choose a value, or type one."),
            ("dimension=luck&operator=is&typed=x", "Select a valid choice."),
            ("dimension=page&operator=luck&typed=x", "Select a valid choice."),
        ],
    )
    def test_says_what_is_missing(
        self, site: Site, owner_client: Client, fields: str, error: str
    ) -> None:
        response = self.get(owner_client, site, f"?{fields}&apply=1")
        assert response.status_code == 200
        assert error in response.content.decode()

    def test_leads_back_to_the_page_it_was_opened_on(
        self, site: Site, owner_client: Client
    ) -> None:
        fields = "?dimension=page&operator=is&typed=/&apply=1"
        log = reverse("visit_log", args=[site.pk])
        assert self.get(owner_client, site, f"{fields}&back={log}")["Location"] == (
            f"{log}?f=page,is,/"
        )
        for elsewhere in ("https://example.com/", "//example.com", "/admin/"):
            response = self.get(owner_client, site, f"{fields}&back={elsewhere}")
            assert response["Location"] == f"{site.get_absolute_url()}?f=page,is,/"

    def test_in_a_dialog_the_report_is_swapped(self, site: Site, owner_client: Client) -> None:
        fields = "?dimension=page&operator=is&typed=/&apply=1"
        response = self.get(owner_client, site, fields, **HTMX)
        assert response.status_code == 200
        assert f'"path": "{site.get_absolute_url()}?f=page,is,/"' in response["HX-Location"]


class TestSegments:
    def test_filters_are_saved_under_a_name(self, site: Site, owner_client: Client) -> None:
        url = reverse("segment_add", args=[site.pk]) + "?period=7d&f=country,is,NP&f=page,is,/"
        response = owner_client.post(url, {"name": "Readers in Nepal"})
        assert response["Location"] == (
            f"{site.get_absolute_url()}?period=7d&f=country,is,NP&f=page,is,/"
        )
        segment = Segment.objects.get()
        assert (segment.name, segment.filters, segment.author, segment.is_shared) == (
            "Readers in Nepal",
            ["country,is,NP", "page,is,/"],
            site.owner,
            False,
        )

        EventFactory(visit__site=site, visit__country="NP", page="/")
        page = BeautifulSoup(owner_client.get(response["Location"]).content, "html.parser")
        assert page.select_one("#segments").text == "Readers in Nepal"

    def test_names_are_used_once(self, site: Site, owner_client: Client) -> None:
        Segment.objects.create(site=site, author=site.owner, name="Mine", filters=["page,is,/"])
        url = reverse("segment_add", args=[site.pk]) + "?f=page,is,/"
        page = owner_client.post(url, {"name": "Mine"}).content.decode()
        assert "You have a segment of this name already." in page
        assert Segment.objects.count() == 1

    def test_are_changed_and_deleted(self, site: Site, owner_client: Client) -> None:
        segment = Segment.objects.create(
            site=site, author=site.owner, name="Mine", filters=["page,is,/"]
        )
        url = reverse("segment_edit", args=[site.pk, segment.pk])
        owner_client.post(url, {"name": "Ours", "is_shared": "on"})
        segment.refresh_from_db()
        assert (segment.name, segment.is_shared) == ("Ours", True)
        owner_client.post(url, {"delete": "1"})
        assert not Segment.objects.exists()

    def test_those_of_others_are_seen_where_they_are_for_everyone(
        self, site: Site, owner: User, stranger: User, owner_client: Client
    ) -> None:
        make = Segment.objects.create
        make(site=site, author=owner, name="mine", filters=[])
        shared = make(site=site, author=stranger, name="for all", filters=[], is_shared=True)
        make(site=site, author=stranger, name="hers", filters=[])
        seen = Segment.objects.visible_to(owner)
        assert [segment.name for segment in seen] == ["for all", "mine"]
        url = reverse("segment_edit", args=[site.pk, shared.pk])
        assert owner_client.post(url, {"delete": "1"}).status_code == 404
        assert Segment.objects.count() == 3


class TestNotes:
    def test_are_added_changed_and_deleted(self, site: Site, owner_client: Client) -> None:
        add = reverse("annotation_add", args=[site.pk]) + "?period=7d"
        response = owner_client.post(add, {"day": "2026-03-09", "text": "New prices"})
        assert response["Location"] == f"{site.get_absolute_url()}?period=7d"
        note = Annotation.objects.get()
        assert (note.day, note.text, note.author) == (date(2026, 3, 9), "New prices", site.owner)

        edit = reverse("annotation_edit", args=[site.pk, note.pk])
        owner_client.post(edit, {"day": "2026-03-08", "text": "Newer prices"})
        note.refresh_from_db()
        assert (note.day, note.text) == (date(2026, 3, 8), "Newer prices")
        owner_client.post(edit, {"delete": "1"})
        assert not Annotation.objects.exists()

    @pytest.mark.parametrize("data", [{"day": "soon", "text": "x"}, {"day": "2026-03-09"}])
    def test_nothing_is_lost_of_what_is_refused(
        self, site: Site, owner_client: Client, data: dict[str, str]
    ) -> None:
        response = owner_client.post(reverse("annotation_add", args=[site.pk]), data, headers=HTMX)
        form = BeautifulSoup(response.content, "html.parser")
        assert form.find()["action"] == reverse("annotation_add", args=[site.pk])
        assert form.select_one("[name=day]")["value"] == data["day"]
        assert len(form.select(".field-error")) == 1

    @pytest.mark.parametrize(
        ("query", "day"), [("", "2026-03-10"), ("?day=2026-03-01", "2026-03-01")]
    )
    def test_the_day_that_was_clicked_is_filled_in(
        self, site: Site, owner_client: Client, query: str, day: str
    ) -> None:
        page = owner_client.get(reverse("annotation_add", args=[site.pk]) + query)
        form = BeautifulSoup(page.content, "html.parser")
        assert form.select_one("[name=day]")["value"] == day
