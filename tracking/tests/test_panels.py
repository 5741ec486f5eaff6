"""The panels of the dashboard."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tracking.models import Site
from tracking.tests.factories import EventFactory
from tracking.tests.test_dashboard import address, page_of, rows_of, visit

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.time_machine(NOW, tick=False)]


class TestPanels:
    def panels(self, client: Client, site: Site, query: str = "") -> dict[str, Any]:
        context = client.get(address(site, query)).context
        return {panel.name: panel for panel in context["panels"] if panel.name != "times"}

    def test_show_shares_and_bars(self, site: Site, owner_client: Client) -> None:
        for _ in range(3):
            visit(site, country="NP", channel="Organic Search", browser="Firefox")
        visit(site, entry_page="/about")

        panels = self.panels(owner_client, site)

        assert {name: rows_of(panel) for name, panel in panels.items()} == {
            "pages": [("/", 3), ("/about", 1)],
            "sources": [("Organic Search", 3), ("Direct", 1)],
            "places": [("Nepal", 3), ("Unknown", 1)],
            "devices": [("Firefox", 3), ("Unknown", 1)],
            "events": [],
        }
        assert [(row.share, row.width) for row in panels["pages"].rows] == [
            (0.75, 100),
            (0.25, 33.3),
        ]

    @pytest.mark.parametrize(
        ("query", "panel", "rows"),
        [
            ("pages=entry_page", "pages", [("/in", 1)]),
            ("pages=exit_page", "pages", [("/out", 1)]),
            ("sources=source", "sources", [("Google", 1)]),
            ("sources=referrer", "sources", [("https://google.com/", 1)]),
            ("sources=utm_term", "sources", [("shoes", 1)]),
            ("places=city", "places", [("Kathmandu", 1)]),
            ("devices=device", "devices", [("Desktop", 1)]),
            ("devices=screen", "devices", [("1440x900", 1)]),
            ("devices=language", "devices", [("German (Switzerland)", 1)]),
            ("devices=nonsense", "devices", [("Firefox", 1)]),
        ],
    )
    def test_have_tabs(
        self, site: Site, owner_client: Client, query: str, panel: str, rows: list[tuple[str, int]]
    ) -> None:
        visit(
            site,
            entry_page="/in",
            exit_page="/out",
            source="Google",
            referrer="https://google.com/",
            utm_term="shoes",
            city="Kathmandu",
            device="Desktop",
            screen="1440x900",
            language="de-CH",
            browser="Firefox",
        )
        assert rows_of(self.panels(owner_client, site, f"?{query}")[panel]) == rows

    def test_a_row_adds_itself_as_a_filter(self, site: Site, owner_client: Client) -> None:
        visit(site, channel="Email", browser="A, B; C")
        page = page_of(owner_client.get(address(site, "?period=7d")))
        link = page.select_one(".panel-devices .bar-label")
        assert link["href"] == "?period=7d&f=browser,is,A%5C,%20B%5C%3B%20C"

        page = page_of(owner_client.get(address(site, link["href"])))
        chips = [chip.text for chip in page.select(".chip-text")]
        assert chips == ["Browser is A, B; C"]
        assert page.select_one(".chip-remove")["href"] == "?period=7d"

    def test_events_and_their_properties(self, site: Site, owner_client: Client) -> None:
        made = visit(site)
        visit(site)
        EventFactory(visit=made, name="Order", props={"plan": "Pro", "coupon": "none"})
        EventFactory(visit=made, name="Order", props={"plan": "Free"})

        panels = self.panels(owner_client, site)
        [row] = panels["events"].rows
        assert [(metric.name, value) for metric, value in row.values] == [
            ("visitors", 1),
            ("events", 2),
            ("conversion_rate", 0.5),
        ]
        assert row.address == "?f=did.event,is,Order"
        assert [str(tab.label) for tab in panels["events"].tabs] == ["Events", "Properties"]

        panel = self.panels(owner_client, site, "?events=prop:plan")["events"]
        assert [str(tab.label) for tab in panel.group] == ["coupon", "plan"]
        assert rows_of(panel) == [("Free", 1), ("Pro", 1)]
        assert panel.rows[1].address == "?events=prop:plan&f=did.prop:plan,is,Pro"

    def test_the_heat_map_tells_weekdays_and_hours(self, site: Site, owner_client: Client) -> None:
        for days, hours in ((0, 1), (7, 1), (1, 3)):  # Tuesday 11:30 twice, Monday 09:30
            visit(site, started_at=NOW - timedelta(days=days, hours=hours))
        response = owner_client.get(address(site))
        heat = {panel.name: panel for panel in response.context["panels"]}["times"]
        shades = {
            (day.short, number): (hour.text, hour.level)
            for day in heat.days
            for number, hour in enumerate(day.hours)
            if hour.level
        }
        assert shades == {("Tue", 11): ("2", 5), ("Mon", 9): ("1", 3)}
        assert [day.short for day in heat.days] == [
            "Sun",
            "Mon",
            "Tue",
            "Wed",
            "Thu",
            "Fri",
            "Sat",
        ]
        cell = page_of(response).select(".heat tbody tr")[2].select("td")[11]
        assert (cell.text, cell["data-tip"]) == ("2", "Tue 11:00 · 2")
        for link, visitors in ((cell["data-href"], 2), (heat.days[1].address, 1)):
            overview = owner_client.get(address(site) + str(link)).context["overview"]
            assert overview.figures[0].value == visitors

    def test_the_map_shades_countries(self, site: Site, owner_client: Client) -> None:
        for code in ("NP", "NP", "NP", "NP", "CH", "", "??"):
            visit(site, country=code)
        response = owner_client.get(address(site))
        panel = {panel.name: panel for panel in response.context["panels"]}["places"]
        assert [(country.code, country.level, row.tip) for country, row in panel.map] == [
            ("CH", 3, "Switzerland · 1 · 14%"),
            ("NP", 5, "Nepal · 4 · 57%"),
        ]
        shape = page_of(response).select_one(".map path.shade-5")
        assert shape["data-href"] == "?f=country,is,NP"

    def test_countries_have_flags(self, site: Site, owner_client: Client) -> None:
        visit(site, country="NP")
        visit(site, country="ZZ")
        page = page_of(owner_client.get(address(site, "?places=country")))
        assert [flag["src"] for flag in page.select(".panel-places .flag")] == [
            "/static/tracking/flags/np.svg"
        ]
