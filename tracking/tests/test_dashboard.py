from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertRedirects

from tracking.models import Annotation, Site, Visit
from tracking.reporting.period import Preset
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory
from tracking.views.overview import Figure

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>"

pytestmark = [pytest.mark.django_db, pytest.mark.time_machine(NOW, tick=False)]


def address(site: Site, query: str = "") -> str:
    return reverse("site_dashboard", args=[site.pk]) + query


def visit(site: Site, pages: int = 1, **fields: object) -> Visit:
    made = VisitFactory(
        site=site, pageviews=pages, **{"started_at": NOW - timedelta(hours=1), **fields}
    )
    EventFactory.create_batch(pages, visit=made)
    return made


def page_of(response: Any) -> BeautifulSoup:
    return BeautifulSoup(response.content, "html.parser")


def rows_of(panel: Any) -> list[tuple[str, float | None]]:
    return [(row.label, row.values[0][1]) for row in panel.rows]


@pytest.mark.parametrize("name", ["site_dashboard", "current_visitors"])
class TestAccess:
    def test_owner(self, name: str, site: Site, owner_client: Client) -> None:
        assert owner_client.get(reverse(name, args=[site.pk])).status_code == 200

    def test_stranger(self, name: str, site: Site, stranger_client: Client) -> None:
        visit(site, source="a secret source")
        response = stranger_client.get(reverse(name, args=[site.pk]))
        assert response.status_code == 404
        assert "a secret source" not in response.content.decode()

    def test_anonymous(self, name: str, site: Site, client: Client) -> None:
        url = reverse(name, args=[site.pk])
        assertRedirects(client.get(url), f"{reverse('account_login')}?next={url}")


class TestFigures:
    def test_say_how_they_changed(self, site: Site, owner_client: Client) -> None:
        visit(site, 3, duration=120_000)
        visit(site)
        yesterday = NOW - timedelta(days=1)
        visit(site, started_at=yesterday - timedelta(hours=1))
        visit(site, started_at=yesterday + timedelta(minutes=1))  # later than it is today
        visit(SiteFactory())

        response = owner_client.get(address(site, "?period=today"))
        figures: list[Figure] = response.context["overview"].figures

        assert [(figure.metric.name, figure.value, figure.before) for figure in figures] == [
            ("visitors", 2, 1),
            ("visits", 2, 1),
            ("pageviews", 4, 1),
            ("views_per_visit", 2, 1),
            ("bounce_rate", 0.5, 1),
            ("visit_duration", 60, 0),
        ]
        assert [str(figure.change) for figure in figures] == [
            "100% more",
            "100% more",
            "300% more",
            "100% higher",
            "50 points lower",
            "None",
        ]

    def test_are_each_defined_beside_their_names(self, site: Site, owner_client: Client) -> None:
        visit(site)
        response = owner_client.get(address(site))
        page = response.content.decode()
        for figure in response.context["overview"].figures:
            assert page.count(f'popovertarget="about-{figure.metric.name}"') == 1
            assert (
                f'id="about-{figure.metric.name}" popover>{figure.metric.definition}</div>' in page
            )

    def test_can_be_charted(self, site: Site, owner_client: Client) -> None:
        visit(site, 3)
        response = owner_client.get(address(site, "?period=today&metric=pageviews"))
        assert response.context["overview"].title == "Pageviews by hour"
        assert response.context["overview"].chart.slots[11].interval.value == 3
        link = page_of(response).select_one(".figure-link[aria-current]")
        assert link["href"] == "?period=today&metric=pageviews"


class TestChart:
    @pytest.mark.parametrize(
        ("period", "values"),
        [
            ("today", [0] * 11 + [1, 0] + [0] * 11),
            ("7d", [0, 0, 0, 0, 0, 1, 1]),
            ("30d", [0] * 22 + [1] + [0] * 5 + [1, 1]),
            ("12mo", [0] * 11 + [3]),
        ],
    )
    def test_shows_every_interval(
        self, site: Site, owner_client: Client, period: str, values: list[int]
    ) -> None:
        for days in (0, 1, 7):
            visit(site, started_at=NOW - timedelta(days=days, hours=1))

        chart = owner_client.get(address(site, f"?period={period}")).context["overview"].chart

        assert [slot.interval.value for slot in chart.slots] == values

    def test_draws_nothing_of_what_is_to_come(self, site: Site, owner_client: Client) -> None:
        visit(site)
        chart = owner_client.get(address(site, "?period=today")).context["overview"].chart
        assert [slot.y is None for slot in chart.slots] == [False] * 13 + [True] * 11
        assert [slot.interval.text for slot in chart.slots[11:14]] == ["1", "0", "to come"]
        assert chart.now == (52.17, 100)

    def test_shows_the_whole_previous_period(self, site: Site, owner_client: Client) -> None:
        visit(site)
        visit(site, started_at=datetime(2026, 3, 9, 23, 59, tzinfo=UTC))

        slots = owner_client.get(address(site, "?period=today")).context["overview"].chart.slots

        assert [slot.interval.before for slot in slots] == [0] * 23 + [1]
        assert slots[23].interval.label_before == "Monday 9 March, 23:00"

    @pytest.mark.time_machine(datetime(2026, 11, 1, 20, tzinfo=UTC), tick=False)
    def test_knows_days_of_25_hours(self, owner_client: Client, site: Site) -> None:
        site.time_zone = "America/New_York"
        site.save()
        visit(site, started_at=datetime(2026, 11, 1, 6, 30, tzinfo=UTC))

        slots = owner_client.get(address(site, "?period=today")).context["overview"].chart.slots

        assert [slot.interval.name for slot in slots[:4]] == [
            "Sunday 1 November, 00:00",
            "Sunday 1 November, 01:00 EDT",
            "Sunday 1 November, 01:00 EST",
            "Sunday 1 November, 02:00",
        ]
        assert [slot.interval.value for slot in slots[:4]] == [0, 0, 1, 0]
        assert slots[24].interval.before is None

    def test_can_have_other_intervals(self, site: Site, owner_client: Client) -> None:
        visit(site)
        response = owner_client.get(address(site, "?period=30d&interval=week"))
        overview = response.context["overview"]
        assert overview.title == "Visitors by week"
        assert [slot.interval.name for slot in overview.chart.slots][-1] == "Week of 9 March 2026"
        links = page_of(response).select(".switch a")
        assert [(link.text, link.get("aria-current")) for link in links] == [
            ("Day", None),
            ("Week", "true"),
        ]

    def test_stands_in_a_table_too(self, site: Site, owner_client: Client) -> None:
        visit(site)
        page = page_of(owner_client.get(address(site, "?period=7d")))
        cells = [
            [cell.text for cell in row.select("th, td")]
            for row in page.select("[data-intervals] tr")
        ]
        assert cells[-1] == ["Tuesday 10 March 2026", "1", "0"]
        assert len(cells) == 7

    @pytest.mark.parametrize(
        ("query", "place"), [("period=7d", 5), ("period=12mo", 11), ("period=30d&interval=week", 4)]
    )
    def test_bears_notes(self, site: Site, owner_client: Client, query: str, place: int) -> None:
        visit(site)
        day = NOW.date() - timedelta(days=1)
        Annotation.objects.create(site=site, day=day, text="New <prices>")
        Annotation.objects.create(site=SiteFactory(), day=day, text="another site’s")

        response = owner_client.get(address(site, f"?{query}"))

        slots = response.context["overview"].chart.slots
        assert [
            (n, slot.interval.notes) for n, slot in enumerate(slots) if slot.interval.notes
        ] == [(place, ("New <prices>",))]
        assert page_of(response).select_one(".chart-note").text == "New <prices>"


def test_filters_hold_for_everything(site: Site, owner_client: Client) -> None:
    visit(site, country="NP", browser="Firefox")
    visit(site, country="CH", browser="Safari")

    context = owner_client.get(address(site, "?f=country,is,NP")).context

    assert context["overview"].figures[0].value == 1
    devices = {panel.name: panel for panel in context["panels"]}["devices"]
    assert rows_of(devices) == [("Firefox", 1)]


class TestFragments:
    def get(self, client: Client, site: Site, target: str, **headers: str) -> Any:
        headers = {"HX-Request": "true", "HX-Target": target, **headers}
        return client.get(address(site, "?period=7d"), headers=headers)

    def test_the_report_is_swapped_whole(self, site: Site, owner_client: Client) -> None:
        visit(site)
        page = page_of(self.get(owner_client, site, "report"))
        assert page.find()["id"] == "report"
        assert len(page.select(".panel")) == 6

    @pytest.mark.parametrize("part", ["overview", "panel-sources"])
    def test_a_part_is_swapped_alone(self, site: Site, owner_client: Client, part: str) -> None:
        visit(site)
        page = page_of(self.get(owner_client, site, part))
        assert [element["id"] for element in page.find_all(recursive=False)] == [part]

    def test_the_back_button_gets_the_page(self, site: Site, owner_client: Client) -> None:
        visit(site)
        response = self.get(owner_client, site, "", **{"HX-History-Restore-Request": "true"})
        assert response.content.startswith(b"<!doctype html>")


def test_hostile_values_are_text(site: Site, owner_client: Client) -> None:
    visit(site, entry_page=f"/{HOSTILE}", channel=HOSTILE, country="<>", browser=HOSTILE)
    page = owner_client.get(address(site)).content.decode()
    assert HOSTILE not in page
    # Text and title of page, channel and browser.
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 6


class TestWhenNobodyCame:
    def test_without_any_visit_it_leads_to_the_snippet(
        self, site: Site, owner_client: Client
    ) -> None:
        page = owner_client.get(address(site)).content.decode()
        assert "No visit yet" in page
        assert "data-chart" not in page

    def test_it_offers_all_time(self, site: Site, owner_client: Client) -> None:
        visit(site, started_at=NOW - timedelta(days=40))
        page = page_of(owner_client.get(address(site, "?period=today")))
        assert page.select_one(".empty-state h2").text == "Nobody came today"
        assert page.select_one(".empty-state .button")["href"] == "?period=all"

    def test_it_offers_to_clear_the_filters(self, site: Site, owner_client: Client) -> None:
        visit(site)
        page = page_of(owner_client.get(address(site, "?period=7d&f=country,is,NP")))
        assert page.select_one(".empty-state .button")["href"] == "?period=7d"


def test_current_visitors_are_counted_anew(site: Site, owner_client: Client) -> None:
    url = reverse("current_visitors", args=[site.pk])
    assert (
        "<strong><span>0</span></strong> current visitors" in owner_client.get(url).content.decode()
    )

    EventFactory(visit__site=site, time=NOW - timedelta(minutes=1))

    page = owner_client.get(url).content.decode()
    assert page.strip().endswith("<strong><span>1</span></strong> current visitor")


@pytest.mark.not_on_clickhouse
@pytest.mark.parametrize("visits", [1, 3])
def test_queries_do_not_grow_with_visits(
    site: Site,
    owner_client: Client,
    visits: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(visits):
        visit(site, source=f"source {number}", entry_page=f"/{number}", country="NP")
    with django_assert_num_queries(QUERIES):
        owner_client.get(address(site))
    with django_assert_num_queries(4):
        owner_client.get(reverse("current_visitors", args=[site.pk]))


QUERIES = 12  # session, person, site; current visitors, segments, notes; the rest is the reports'


@pytest.mark.parametrize("preset", [preset.value for preset in Preset])
def test_every_period_can_be_shown_in_each_of_its_intervals(
    site: Site, owner_client: Client, preset: str
) -> None:
    visit(site)
    visit(site, started_at=NOW - timedelta(days=3))
    days = "&first=2026-03-01&last=2026-03-10"
    usual = owner_client.get(address(site, f"?period={preset}{days}"))
    assert usual.context["report"].problems == []
    for interval in usual.context["report"].intervals:
        query = f"?period={preset}{days}&interval={interval.value}"
        response = owner_client.get(address(site, query))
        assert response.context["report"].period.interval == interval.value
        assert len(page_of(response).select("#report")) == 1


@pytest.mark.parametrize(
    "query", ["?f=weekday,is,99", "?f=weekday,is,99;hour,matches,**", f"?f=weekday,is,{'9' * 5000}"]
)
def test_a_weekday_that_there_is_not_is_on_no_day(
    site: Site, owner_client: Client, query: str
) -> None:
    response = owner_client.get(f"/sites/{site.pk}/{query}")
    assert response.status_code == 200


def test_filters_without_end_make_no_page_without_end(site: Site, owner_client: Client) -> None:
    """Each link repeats them."""
    visit(site)
    usual = len(owner_client.get(address(site)).content)
    many = "?" + "&".join(f"f=page,contains,x{number}" for number in range(1000))
    response = owner_client.get(address(site, many))
    assert response.context["report"].problems == ["There can be 20 filters at most."]
    assert len(response.content) < 3 * usual
