"""Visits and events as reports: bounded by a period, with figures, a chart, and exports."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from accounts.models import User
from tracking.admin import exports, reports
from tracking.models import Event, Site
from tracking.tests.back_office import EVENTS, VISITS, changelist, listed
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


def ago(**parts: float) -> datetime:
    return NOON - timedelta(**parts)


# The period


def test_a_list_is_of_the_last_seven_days_unless_others_are_chosen(
    staff_client: Client, site: Site
) -> None:
    old, first, new = (VisitFactory(site=site, started_at=ago(days=days)).pk for days in (7, 6, 0))
    assert listed(staff_client, VISITS) == [new, first]
    assert listed(staff_client, f"{VISITS}?day_from=2026-03-08") == [new, first, old]
    assert listed(staff_client, f"{VISITS}?day_from=2026-03-08&day_to=2026-03-08") == [old]
    assert listed(staff_client, f"{VISITS}?day_to=2026-03-14") == [first, old]
    assert listed(staff_client, f"{VISITS}?q={old}") == [old]
    assert listed(staff_client, f"{VISITS}?q=%2F") == [new, first]


def test_days_are_those_of_the_sites_calendar(staff_client: Client) -> None:
    tokyo = SiteFactory(time_zone="Asia/Tokyo")
    visit = VisitFactory(site=tokyo, started_at=datetime(2026, 3, 14, 16, tzinfo=UTC))
    assert listed(staff_client, f"{VISITS}?day_from=2026-03-15&day_to=2026-03-15") == [visit.pk]
    assert listed(staff_client, f"{VISITS}?day_from=2026-03-14&day_to=2026-03-14") == []


def test_periods_are_one_click_away(staff_client: Client, site: Site) -> None:
    VisitFactory(site=site)
    periods = changelist(staff_client, f"{VISITS}?browser=Lynx&p=2").periods
    assert [(text, is_current) for text, _, is_current in periods] == [
        ("Today", False),
        ("7 days", True),
        ("30 days", False),
        ("365 days", False),
    ]
    assert periods[2][1] == "?browser=Lynx&day_from=2026-02-14&day_to=2026-03-15"


# Figures and chart


def test_figures_and_chart_are_of_the_filtered_set(staff_client: Client, site: Site) -> None:
    for days, browser, pageviews in ((0, "Lynx", 1), (1, "Lynx", 4), (1, "Firefox", 9)):
        started = ago(days=days)
        visit = VisitFactory(
            site=site,
            browser=browser,
            pageviews=pageviews,
            started_at=started,
            ended_at=started + timedelta(minutes=pageviews - 1),
        )
        EventFactory.create_batch(pageviews, visit=visit)
    # What sites' reports can be asked for, and what they cannot, come to the same.
    for query in ("browser=Lynx", "browser=Lynx&pageviews=1"):
        report = changelist(staff_client, f"{VISITS}?{query}").report
        assert {figure.metric.name: figure.value for figure in report.figures} == {
            "visitors": 2,
            "visits": 2,
            "pageviews": 5,
            "views_per_visit": 2.5,
            "bounce_rate": 0.5,
            "visit_duration": 90,
        }
        bars = report.chart.bars
        assert [bar.value for bar in bars] == [0, 0, 0, 0, 0, 1, 1]
        assert set(bars[5].address[1:].split("&")) == {
            *query.split("&"),
            "day_from=2026-03-14",
            "day_to=2026-03-14",
        }


def test_a_day_is_shown_by_hours_and_a_year_by_months(staff_client: Client, site: Site) -> None:
    for hours in (0, 2, 24 * 40):
        VisitFactory(site=site, started_at=ago(hours=hours))
    today = changelist(staff_client, f"{VISITS}?day_from=2026-03-15").report.chart.bars
    assert [(bar.name, bar.value) for bar in today if bar.value] == [("10:00", 1), ("12:00", 1)]
    assert today[13].value is None
    year = changelist(staff_client, f"{VISITS}?day_from=2025-04-01").report.chart.bars
    assert [(bar.name, bar.value) for bar in year if bar.value] == [
        ("Feb 2026", 1),
        ("Mar 2026", 2),
    ]
    assert year[-2].address == "?day_from=2026-02-01&day_to=2026-02-28"


def test_events_are_counted_by_kind(staff_client: Client, site: Site) -> None:
    visit = VisitFactory(site=site)
    for name in (Event.PAGEVIEW, Event.PAGEVIEW, "Sign-up"):
        EventFactory(visit=visit, name=name, page="/pricing")
    report = changelist(staff_client, EVENTS).report
    assert [(figure.metric.name, figure.value) for figure in report.figures] == [
        ("events", 3),
        ("pageviews", 2),
    ]
    assert changelist(staff_client, f"{EVENTS}?page__icontains=pric").report.figures[0].value == 3


@pytest.mark.not_on_clickhouse
def test_nothing_is_counted_in_the_whole_table(staff_client: Client, site: Site) -> None:
    EventFactory(visit__site=site)
    for table, address in (
        ('"tracking_visit"', f"{VISITS}?pageviews=1"),
        ('"tracking_event"', f"{EVENTS}?page__icontains=x"),
    ):
        with CaptureQueriesContext(connection) as queries:
            staff_client.get(address)
        counting = [
            query["sql"]
            for query in queries
            if "COUNT(" in query["sql"] and f"FROM {table}" in query["sql"]
        ]
        assert len(counting) == 1
        assert '"day" BETWEEN' in counting[0]


# Filters


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("is_bounce__exact=1", ["a"]),
        ("is_bounce__exact=0", ["b", "c"]),
        ("pageviews=3", ["b", "c"]),
        ("pageviews=4", ["c"]),
        ("duration=60", ["b", "c"]),
        ("duration=61", ["c"]),
        ("os=Linux", ["b"]),
        ("entry_page__icontains=PRIC", ["c"]),
        ("q=about", ["b"]),
        ("q=order", ["c"]),
        ("q=203.0.113.7", ["c"]),
        ("pageviews=&duration=", ["a", "b", "c"]),
    ],
)
def test_visits_are_filtered(
    staff_client: Client, site: Site, query: str, expected: list[str]
) -> None:
    hour = ago(hours=1)
    visits = {
        "a": VisitFactory(site=site, started_at=hour),
        "b": VisitFactory(
            site=site, started_at=hour, ended_at=hour + timedelta(minutes=1), pageviews=3,
            os="Linux", entry_page="/about",
        ),
        "c": VisitFactory(
            site=site, started_at=hour, ended_at=hour + timedelta(minutes=2), pageviews=5,
            entry_page="/pricing", exit_page="/order/done", ip="203.0.113.7",
        ),
    }  # fmt: skip
    found = listed(staff_client, f"{VISITS}?{query}")
    assert sorted(name for name, visit in visits.items() if visit.pk in found) == expected


# Exports


def csv_of(client: Client, address: str) -> list[dict[str, str]]:
    response = client.get(address)
    assert response.status_code == 200
    text = response.getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_filtered_set_is_exported_as_csv(analyst_client: Client, site: Site) -> None:
    wanted = VisitFactory(site=site, browser="Lynx", source="=1+1", city="Zürich", pageviews=2)
    VisitFactory(site=site, browser="Firefox")
    VisitFactory(site=site, browser="Lynx", started_at=ago(days=30))
    [row] = csv_of(analyst_client, f"{VISITS}export/csv/?browser=Lynx")
    assert (row["id"], row["site"], row["browser"], row["pageviews"]) == (
        str(wanted.pk),
        "example.com",
        "Lynx",
        "2",
    )
    assert (row["source"], row["city"], row["country"]) == ("'=1+1", "Zürich", "")
    assert row["started_at"] == "2026-03-15T11:30:00.000+00:00"


def test_the_links_export_what_is_shown(analyst_client: Client, site: Site) -> None:
    for pageviews in (1, 5):
        VisitFactory(site=site, pageviews=pageviews)
    shown = changelist(analyst_client, f"{VISITS}?pageviews=5&p=1")
    rows = csv_of(analyst_client, VISITS + shown.exports()["csv"])
    assert [row["pageviews"] for row in rows] == ["5"]


def test_events_are_exported_with_their_properties(analyst_client: Client, site: Site) -> None:
    EventFactory(visit__site=site, name="Order", props={"plan": "größer"}, revenue="9.5")
    EventFactory(visit__site=site, name="Refund", revenue="-9.5")
    refund, order = csv_of(analyst_client, f"{EVENTS}export/csv/")
    found = (order["name"], order["props"], order["revenue"])
    assert found == ("Order", '{"plan": "größer"}', "9.500")
    assert (refund["name"], refund["revenue"]) == ("Refund", "'-9.500")


def test_a_csv_is_sent_while_its_rows_are_read(
    analyst_client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    monkeypatch.setattr(exports, "with_texts", lambda rows: read.append(len(rows)))
    VisitFactory.create_batch(5, site=site)
    sent = iter(analyst_client.get(f"{VISITS}export/csv/"))
    header = b""
    while not header.endswith(b"\r\n"):
        header += next(sent)
    assert header.startswith('\N{BYTE ORDER MARK}"id",'.encode())
    assert read == []
    for already in ([2], [2], [2, 2], [2, 2], [2, 2, 1]):
        assert next(sent).endswith(b"\r\n")
        assert read == already
    assert list(sent) == []


def test_an_export_reads_texts_by_the_thousand(
    analyst_client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tracking.models.labels import remembered

    for number in range(5):
        VisitFactory(site=site, entry_page=f"/{number}")
    remembered.forget()
    with CaptureQueriesContext(connection) as queries:
        assert len(csv_of(analyst_client, f"{VISITS}export/csv/")) == 5
    labels = [query for query in queries if 'FROM "tracking_label"' in query["sql"]]
    assert len(labels) <= 4  # what the filters offer, and all texts of the rows at once


def test_the_filtered_set_is_exported_for_excel(analyst_client: Client, site: Site) -> None:
    visit = VisitFactory(
        site=site, id=2**60 + 1, entry_page="/a\x01b", pageviews=3, source="\x01=1+1", city="Zürich"
    )
    response = analyst_client.get(f"{VISITS}export/xlsx/")
    sheet = load_workbook(io.BytesIO(response.getvalue())).active
    header, row = sheet.iter_rows(values_only=True)
    values = dict(zip(header, row, strict=True))
    assert (values["id"], values["pageviews"], values["entry_page"]) == (str(visit.pk), 3, "/ab")
    assert (values["source"], values["city"], values["country"]) == ("'=1+1", "Zürich", None)
    assert response["Content-Disposition"] == 'attachment; filename="visits-2026-03-15.xlsx"'


def test_too_many_rows_for_excel_lead_back_with_advice(
    analyst_client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MAX_EXCEL_ROWS", 2)
    VisitFactory.create_batch(3, site=site)
    response = analyst_client.get(f"{VISITS}export/xlsx/?browser=", follow=True)
    assert response.redirect_chain == [(f"{VISITS}?browser=", 302)]
    assert "An Excel file holds 2 rows here and these are more" in response.text


def test_a_senseless_export_leads_back_to_the_list(analyst_client: Client, site: Site) -> None:
    response = analyst_client.get(f"{VISITS}export/csv/?day_from=x")
    assert (response.status_code, response["Location"]) == (302, f"{VISITS}?e=1")
    assert analyst_client.get(f"{VISITS}export/pdf/").status_code == 403


def test_who_may_export(
    client: Client, stranger_client: Client, owner_client: Client, operator_client: Client,
    staff_client: Client, analyst: User, site: Site,
) -> None:  # fmt: skip
    for address in (f"{VISITS}export/csv/", f"{EVENTS}export/xlsx/"):
        statuses = [
            person.get(address, follow=True).status_code
            for person in (stranger_client, owner_client, operator_client, staff_client)
        ]
        assert statuses == [403, 403, 200, 200]
        chain = client.get(address, follow=True).redirect_chain
        assert chain[-1] == (f"/account/login/?next={address}", 302)
    analyst.groups.clear()
    client.force_login(analyst)
    assert client.get(f"{VISITS}export/csv/").status_code == 403
