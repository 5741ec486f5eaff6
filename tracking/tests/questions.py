"""Questions to reports in tests: visits to ask about, and what is answered as plain rows."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tracking.models import Site, Visit
from tracking.reporting.period import Period
from tracking.reporting.query import Query, Rows, answer
from tracking.tests.factories import EventFactory, VisitFactory

UTC_ZONE = ZoneInfo("UTC")
DAY = date(2026, 3, 8)
NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)


def ask(site: Site, *metrics: str, period: Period | None = None, **about: Any) -> Rows:
    period = period or Period(DAY, DAY, site.zone)
    return answer(Query((site,), period, metrics, **about))


def table(rows: Rows) -> list[tuple[Any, ...]]:
    return [(*row.key, *row.values.values()) for row in rows]


def visit_with(site: Site, pages: list[str], **fields: Any) -> Visit:
    """A visit of these pages, a minute on each."""
    started_at = fields.pop("started_at", NOON)
    times = [started_at + timedelta(minutes=minute) for minute in range(len(pages))]
    visit = VisitFactory(
        site=site,
        started_at=started_at,
        ended_at=times[-1],
        pageviews=len(pages),
        entry_page=pages[0],
        exit_page=pages[-1],
        **fields,
    )
    for page, time in zip(pages, times, strict=True):
        EventFactory(visit=visit, page=page, time=time)
    return visit
