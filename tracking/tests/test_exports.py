from datetime import UTC, date, datetime

import pytest

from tracking.models import Site
from tracking.reporting.exports import csv_lines
from tracking.reporting.period import Interval, Period
from tracking.reporting.query import Query
from tracking.tests.factories import EventFactory, VisitFactory

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 8)
NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)


def lines(
    site: Site, *metrics: str, period: Period | None = None, by: tuple[str, ...]
) -> list[str]:
    period = period or Period(DAY, DAY, site.zone)
    return list(csv_lines(Query((site,), period, metrics, by)))


def test_names_stand_above_exact_figures(site: Site) -> None:
    for country, events in {"NP": 1, "": 2, "CI": 1}.items():
        visit = VisitFactory(site=site, started_at=NOON, country=country, events=events)
        for _ in range(events):
            EventFactory(visit=visit)

    assert lines(site, "visitors", "bounce_rate", "scroll_depth", by=("country",)) == [
        "Country,Visitors,Bounce rate,Scroll depth\r\n",
        "Unknown,1,0.0,\r\n",
        "Côte d’Ivoire,1,1.0,\r\n",
        "Nepal,1,1.0,\r\n",
    ]


def test_moments_are_the_sites(site: Site) -> None:
    site.time_zone = "Asia/Kathmandu"
    site.save()
    VisitFactory(site=site, started_at=NOON)
    hours = Period(DAY, DAY, site.zone, Interval.HOUR)

    found = lines(site, "visits", period=hours, by=("time",))

    assert found[0] == "Time,Visits\r\n"
    assert found[18] == "2026-03-08T17:00+05:45,1\r\n"
    assert lines(site, "visits", by=("time",))[1:] == ["2026-03-08,1\r\n"]


def test_a_spreadsheet_takes_nothing_for_a_formula(site: Site) -> None:
    VisitFactory(site=site, started_at=NOON, source='=HYPERLINK("https://evil.example")')

    assert lines(site, "visits", by=("source",))[1:] == [
        '"\'=HYPERLINK(""https://evil.example"")",1\r\n'
    ]
