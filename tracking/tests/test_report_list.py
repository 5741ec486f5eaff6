import csv
from datetime import UTC, datetime
from io import StringIO

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from tracking.models import Site
from tracking.tests.factories import EventFactory, VisitFactory
from tracking.views import report_list

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.time_machine(datetime(2026, 3, 10, 12, 30, tzinfo=UTC), tick=False),
]


@pytest.fixture
def pages(site: Site) -> None:
    for number, page in enumerate(["/", "/blog/a", "/blog/b"], start=1):
        for _ in range(number):
            visit = VisitFactory(site=site, entry_page=page, country="CH" if number > 1 else "NP")
            EventFactory.create_batch(4 - number, visit=visit, page=page)


def listed(client: Client, site: Site, dimension: str, query: str = "") -> list[list[str]]:
    response = client.get(reverse("report_list", args=[site.pk, dimension]) + query)
    page = BeautifulSoup(response.content, "html.parser")
    return [
        [cell.get_text(strip=True) for cell in row.select("th, td")]
        for row in page.select(".list-table tbody tr")
    ]


@pytest.mark.usefixtures("pages")
class TestList:
    def test_shows_all_rows(self, site: Site, owner_client: Client) -> None:
        rows = listed(owner_client, site, "page")
        assert [row[:4] for row in rows] == [
            ["/blog/b", "3", "50%", "3"],
            ["/blog/a", "2", "33%", "4"],
            ["/", "1", "17%", "3"],
        ]

    def test_can_be_searched(self, site: Site, owner_client: Client) -> None:
        assert [row[0] for row in listed(owner_client, site, "page", "?q=Blog")] == [
            "/blog/b",
            "/blog/a",
        ]
        assert listed(owner_client, site, "page", "?q=nothing") == []

    def test_countries_are_searched_as_they_are_read(
        self, site: Site, owner_client: Client
    ) -> None:
        rows = listed(owner_client, site, "country", "?q=switz")
        assert [row[0] for row in rows] == ["Switzerland"]

    def test_can_be_sorted(self, site: Site, owner_client: Client) -> None:
        rows = listed(owner_client, site, "page", "?order=pageviews")
        assert [row[0] for row in rows] == ["/blog/a", "/", "/blog/b"]
        rows = listed(owner_client, site, "page", "?order=-visitors")
        assert [row[0] for row in rows] == ["/", "/blog/a", "/blog/b"]
        rows = listed(owner_client, site, "page", "?order=-page")
        assert [row[0] for row in rows] == ["/blog/b", "/blog/a", "/"]

    def test_a_column_says_how_it_is_sorted_and_turns_it_round(
        self, site: Site, owner_client: Client
    ) -> None:
        url = reverse("report_list", args=[site.pk, "page"])
        for query, column, sort, link in (
            ("", "visitors", "descending", "?order=-visitors"),
            ("?order=-visitors", "visitors", "ascending", "?order=visitors"),
            ("?order=page", "page", "ascending", "?order=-page"),
            ("?order=page", "visitors", "none", "?order=visitors"),
        ):
            page = BeautifulSoup(owner_client.get(url + query).content, "html.parser")
            header = page.select_one(f"#order-{column}")
            assert (header.parent["aria-sort"], header["href"]) == (sort, link)

    def test_heeds_filters_and_leads_to_them(self, site: Site, owner_client: Client) -> None:
        url = reverse("report_list", args=[site.pk, "page"]) + "?f=country,is,NP&period=7d"
        page = BeautifulSoup(owner_client.get(url).content, "html.parser")
        links = [link["href"] for link in page.select(".bar-label")]
        assert links == [f"{site.get_absolute_url()}?period=7d&f=country,is,NP&f=page,is,/"]

    def test_has_pages(
        self, site: Site, owner_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(report_list, "ROWS", 2)
        url = reverse("report_list", args=[site.pk, "page"])
        first = BeautifulSoup(owner_client.get(url).content, "html.parser")
        assert len(first.select(".list-table tbody tr")) == 2
        assert [link["href"] for link in first.select(".log-pages a")] == ["?page=2"]
        second = BeautifulSoup(owner_client.get(f"{url}?page=2").content, "html.parser")
        assert [row.select_one(".bar-label").text for row in second.select("tbody tr")] == ["/"]

    def test_as_a_file(self, site: Site, owner_client: Client) -> None:
        response = owner_client.get(reverse("report_csv", args=[site.pk, "page"]))
        text = response.getvalue().decode("utf-8-sig")
        assert [row[:3] for row in csv.reader(StringIO(text))] == [
            ["Page", "Visitors", "Pageviews"],
            ["/blog/b", "3", "3"],
            ["/blog/a", "2", "4"],
            ["/", "1", "3"],
        ]
        assert response["Content-Disposition"] == (
            'attachment; filename="example.com-page-2026-02-09-2026-03-10.csv"'
        )


def test_no_cell_of_the_file_is_a_formula(site: Site, owner_client: Client) -> None:
    VisitFactory(site=site, utm_term='=HYPERLINK("https://evil.example")')
    response = owner_client.get(reverse("report_csv", args=[site.pk, "utm_term"]))
    rows = list(csv.reader(StringIO(response.getvalue().decode("utf-8-sig"))))
    assert rows[1][0] == '\'=HYPERLINK("https://evil.example")'


@pytest.mark.parametrize("dimension", ["luck", "time", "prop:"])
def test_what_cannot_be_listed_is_not_there(
    site: Site, owner_client: Client, dimension: str
) -> None:
    assert owner_client.get(f"/sites/{site.pk}/report/{dimension}/").status_code == 404
