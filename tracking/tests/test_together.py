"""Questions that are asked together have the answers that they have alone."""

from datetime import UTC, date, datetime

import pytest

from tracking.models import Site
from tracking.reporting.period import Interval, Period
from tracking.reporting.query import Query, answer, answers
from tracking.tests.factories import EventFactory, VisitFactory

Asked = tuple[str, tuple[str, ...]]

TOGETHER: list[list[Asked]] = [
    [("visits", ("country", "source")), ("visits", ("source", "country"))],
    [("events", ("country", "page")), ("events", ("page", "country")), ("events", ())],
    [("visits", ("time", "weekday")), ("visits", ("weekday",)), ("visits", ())],
    [("visitors", ()), ("visits", ("time",)), ("visits", ("time", "country"))],
    [("visitors", ("page",)), ("visitors", ("event",)), ("visitors", ("page", "country"))],
    [("visitors", ("page",)), ("visitors", ("title",)), ("events", ("event",))],
    [("visitors", ("country",)), ("visits", ("country", "time")), ("pageviews", ())],
]


@pytest.fixture
def visited(site: Site) -> Site:
    """Two visitors, one of them twice a day, each with a pageview and a download."""
    for number, (country, source) in enumerate([("NP", "Google"), ("US", "Google"), ("US", "")]):
        for hour in (12, 13):
            moment = datetime(2026, 3, 2 + number % 2, hour, tzinfo=UTC)
            visit = VisitFactory.create(
                site=site,
                visitor_id=100 + number,
                started_at=moment,
                country=country,
                source=source,
                events=2,
            )
            EventFactory.create(visit=visit, page=f"/{number}", title=f"Title {hour}")
            EventFactory.create(visit=visit, name="Download", page=f"/{hour}")
    return site


@pytest.mark.parametrize("interval", [Interval.DAY, Interval.HOUR])
@pytest.mark.parametrize("asked", TOGETHER)
def test_asked_together_or_alone(visited: Site, asked: list[Asked], interval: Interval) -> None:
    period = Period(date(2026, 3, 1), date(2026, 3, 8), visited.zone).by(interval)
    queries = [Query((visited,), period, (metric,), told_by) for metric, told_by in asked]
    assert list(answers(queries)) == [answer(query) for query in queries]
