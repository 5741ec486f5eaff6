"""What the worker keeps of visits in ClickHouse until they are over."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from tracking.models import Event, OpenVisit, Reason, Site, Visit
from tracking.processing import open_visits
from tracking.processing.open_visits import KEPT, OpenVisits
from tracking.reporting.period import Period
from tracking.reporting.query import Query, answer
from tracking.routers import events_database
from tracking.tests.clickhouse_rows import events_that_differ_from_their_visits
from tracking.tests.hits import NOON, process_hits, record

pytestmark = [
    pytest.mark.only_on_clickhouse,
    pytest.mark.usefixtures("in_the_afternoon"),
]

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def test_a_visit_stays_open_for_two_hours_after_it_was_touched(site: Site) -> None:
    process_hits(record(site))
    OpenVisits().forget(datetime.now(UTC))
    assert OpenVisit.objects.count() == 1
    OpenVisits().forget(datetime.now(UTC) + KEPT)
    assert OpenVisit.objects.count() == 0


def test_a_late_hit_continues_a_visit_that_is_not_open_any_more(site: Site) -> None:
    process_hits(record(site, NOON, url="/a"))
    OpenVisit.objects.all().delete()
    process_hits(
        record(site, NOON + MINUTE, url="/a", event="engagement", engaged=3000),
        record(site, NOON + 2 * MINUTE, url="/b"),
    )
    visit = Visit.objects.get()
    assert (visit.pageviews, visit.entry_page, visit.exit_page) == (2, "/a", "/b")
    events = Event.objects.order_by("time")
    assert [(event.page, event.engaged) for event in events] == [("/a", 3000), ("/b", 0)]


def test_events_follow_their_visit_when_its_first_hit_comes_last(site: Site) -> None:
    process_hits(
        record(site, NOON + SECOND, url="/b", referrer="https://duckduckgo.com/"),
        record(site, NOON + 2 * SECOND, url="/b", event="Signup"),
        record(site, NOON + 3 * SECOND, url="/b", event="engagement", engaged=500, scroll=70),
        record(site, NOON + SECOND, ip="5.6.7.8", url="/c", referrer="https://www.bing.com/"),
    )
    process_hits(record(site, NOON, url="/a", referrer="https://www.google.com/"))
    with connections[events_database()].cursor() as cursor:
        cursor.execute(events_that_differ_from_their_visits())
        assert cursor.fetchall() == [(0,)]
    period = Period(NOON.date(), NOON.date(), site.zone)
    rows = answer(Query((site,), period, ("pageviews", "events"), ("source",)))
    assert {row.key: (row["pageviews"], row["events"]) for row in rows} == {
        ("Google",): (2, 3),
        ("Bing",): (1, 1),
    }
    events = Event.objects.filter(page="/b").order_by("time")
    assert [(event.name, event.engaged, event.scroll) for event in events] == [
        ("pageview", 500, 70),
        ("Signup", 0, 0),
    ]


def test_what_an_interrupted_batch_has_left_is_no_beginning(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    process_hits(record(site, NOON, url="/a"))
    visit = Visit.objects.get()
    OpenVisit.objects.all().delete()
    open_visits.open_again(Visit.objects.all(), but={visit.pk})
    assert OpenVisit.objects.count() == 0
    open_visits.open_again(Visit.objects.all())
    assert OpenVisit.objects.get().pk == visit.pk


def test_the_last_pages_of_a_long_visit_can_still_be_read(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_visits, "MAX_VIEWS", 2)
    process_hits(*(record(site, NOON + n * MINUTE, url=f"/{n}") for n in range(3)))
    worker = process_hits(
        record(site, NOON + 4 * MINUTE, url="/0", event="engagement", engaged=1000),
        record(site, NOON + 4 * MINUTE, url="/2", event="engagement", engaged=2000),
    )
    assert {event.page: event.engaged for event in Event.objects.all()} == {
        "/0": 0,
        "/1": 0,
        "/2": 2000,
    }
    assert worker.excluded == {Reason.NO_VISIT: 1}
