from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertRedirects

from tracking.models import Site, Visit
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory
from tracking.views.dashboard import Figure, PanelRow

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>"

pytestmark = [pytest.mark.django_db, pytest.mark.time_machine(NOW, tick=False)]


def address(site: Site, period: str = "") -> str:
    return reverse("site_dashboard", args=[site.pk]) + (f"?period={period}" if period else "")


def visit(site: Site, pages: int = 1, **fields: object) -> Visit:
    made = VisitFactory(
        site=site, pageviews=pages, **{"started_at": NOW - timedelta(hours=1), **fields}
    )
    EventFactory.create_batch(pages, visit=made)
    return made


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


def test_figures_and_how_they_changed(site: Site, owner_client: Client) -> None:
    visit(site, 3, duration=120_000)
    visit(site)
    yesterday = NOW - timedelta(days=1)
    visit(site, started_at=yesterday - timedelta(hours=1))
    visit(site, started_at=yesterday + timedelta(minutes=1))  # later than it is today
    visit(SiteFactory())

    figures: list[Figure] = owner_client.get(address(site, "today")).context["figures"]

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


def test_each_figure_is_defined_beside_its_name(site: Site, owner_client: Client) -> None:
    visit(site)
    response = owner_client.get(address(site))
    page = response.content.decode()
    for figure in response.context["figures"]:
        assert page.count(f'popovertarget="about-{figure.metric.name}"') == 1
        assert f'id="about-{figure.metric.name}" popover>{figure.metric.definition}</div>' in page


@pytest.mark.parametrize(
    ("period", "values"),
    [
        ("today", [0] * 11 + [1, 0] + [None] * 11),
        ("7d", [0, 0, 0, 0, 0, 1, 1]),
        ("30d", [0] * 22 + [1] + [0] * 5 + [1, 1]),
        ("12mo", [0] * 11 + [3]),
    ],
)
def test_the_chart_shows_every_interval(
    site: Site, owner_client: Client, period: str, values: list[int | None]
) -> None:
    for days in (0, 1, 7):
        visit(site, started_at=NOW - timedelta(days=days, hours=1))

    response = owner_client.get(address(site, period))

    assert [slot.interval.value for slot in response.context["chart"].slots] == values


def test_the_chart_shows_the_whole_previous_period(site: Site, owner_client: Client) -> None:
    visit(site)
    visit(site, started_at=datetime(2026, 3, 9, 23, 59, tzinfo=UTC))

    slots = owner_client.get(address(site, "today")).context["chart"].slots

    assert [slot.interval.before for slot in slots] == [0] * 23 + [1]
    assert slots[23].interval.label_before == "23:00"


@pytest.mark.time_machine(datetime(2026, 11, 1, 20, tzinfo=UTC), tick=False)
def test_a_day_of_25_hours_follows_one_of_24(owner_client: Client, site: Site) -> None:
    site.time_zone = "America/New_York"
    site.save()
    visit(site, started_at=datetime(2026, 11, 1, 6, 30, tzinfo=UTC))

    slots = owner_client.get(address(site, "today")).context["chart"].slots

    assert [slot.interval.name for slot in slots[:4]] == [
        "Sunday 1 November, 00:00",
        "Sunday 1 November, 01:00 EDT",
        "Sunday 1 November, 01:00 EST",
        "Sunday 1 November, 02:00",
    ]
    assert [slot.interval.value for slot in slots[:4]] == [0, 0, 1, 0]
    assert slots[24].interval.before is None


def test_panels(site: Site, owner_client: Client) -> None:
    for _ in range(3):
        visit(site, country="NP", source="Google", browser="Firefox", os="Linux", device="Desktop")
    visit(site, entry_page="/about")

    panels = owner_client.get(address(site)).context["panels"]

    assert {panel.title: panel.rows for panel in panels} == {
        "Top pages": [PanelRow("/", 3, 0.75, 100), PanelRow("/about", 1, 0.25, 33.3)],
        "Entry pages": [PanelRow("/", 3, 0.75, 100), PanelRow("/about", 1, 0.25, 33.3)],
        "Sources": [PanelRow("Google", 3, 0.75, 100), PanelRow("Direct / none", 1, 0.25, 33.3)],
        "Countries": [PanelRow("Nepal", 3, 0.75, 100), PanelRow("Unknown", 1, 0.25, 33.3)],
        "Browsers": [PanelRow("Firefox", 3, 0.75, 100), PanelRow("Unknown", 1, 0.25, 33.3)],
        "Operating systems": [PanelRow("Linux", 3, 0.75, 100), PanelRow("Unknown", 1, 0.25, 33.3)],
        "Devices": [PanelRow("Desktop", 3, 0.75, 100), PanelRow("Unknown", 1, 0.25, 33.3)],
    }


def test_hostile_values_are_text(site: Site, owner_client: Client) -> None:
    visit(site, entry_page=f"/{HOSTILE}", source=HOSTILE, country="<>", browser=HOSTILE, os=HOSTILE)

    page = owner_client.get(address(site)).content.decode()

    assert HOSTILE not in page
    # Text and title of top page, entry page, source, browser and operating system.
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 10


@pytest.mark.parametrize("period", ["year", "<b>", "30D", "0"])
def test_an_unknown_period_is_answered_by_a_message_and_the_usual_one(
    site: Site, owner_client: Client, period: str
) -> None:
    response = owner_client.get(address(site, period))

    assert response.status_code == 200
    assert response.context["form"].errors == {"period": [f"There is no period “{period}”."]}
    assert response.context["preset"] == "30d"
    assert "<b>”" not in response.content.decode()


def test_the_chosen_period_is_marked(site: Site, owner_client: Client) -> None:
    page = owner_client.get(address(site, "7d")).content.decode()
    assert '<a href="?period=7d" aria-current="page">7 days</a>' in page
    assert '<a href="?period=30d">30 days</a>' in page


def test_without_any_visit_it_leads_to_the_snippet(site: Site, owner_client: Client) -> None:
    page = owner_client.get(address(site)).content.decode()
    assert "No visit yet" in page
    assert "data-chart" not in page


def test_without_a_visit_in_the_period_it_offers_a_longer_one(
    site: Site, owner_client: Client
) -> None:
    visit(site, started_at=NOW - timedelta(days=40))
    page = owner_client.get(address(site, "today")).content.decode()
    assert "Nobody came today" in page
    assert '<a class="button" href="?period=12mo">Show the last 12 months</a>' in page


def test_without_a_visit_in_the_longest_period_it_leads_to_the_log(
    site: Site, owner_client: Client
) -> None:
    visit(site, started_at=NOW - timedelta(days=400))
    page = owner_client.get(address(site, "12mo")).content.decode()
    assert "Nobody came in the last 12 months" in page
    log = reverse("visit_log", args=[site.pk])
    assert f'<a class="button" href="{log}">Open the visit log</a>' in page


def test_current_visitors_are_counted_anew(site: Site, owner_client: Client) -> None:
    url = reverse("current_visitors", args=[site.pk])
    assert (
        "<strong><span>0</span></strong> current visitors" in owner_client.get(url).content.decode()
    )

    EventFactory(visit__site=site, time=NOW - timedelta(minutes=1))

    page = owner_client.get(url).content.decode()
    assert page.strip().endswith("<strong><span>1</span></strong> current visitor")


@pytest.mark.parametrize("visits", [1, 3])
def test_queries_do_not_grow_with_visits(
    site: Site,
    owner_client: Client,
    visits: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(visits):
        visit(site, source=f"source {number}", entry_page=f"/{number}")
    with django_assert_num_queries(17):
        owner_client.get(address(site))
    with django_assert_num_queries(4):
        owner_client.get(reverse("current_visitors", args=[site.pk]))
