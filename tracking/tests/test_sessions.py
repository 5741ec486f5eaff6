"""Hits become visits as docs/metrics.md defines them."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tracking.models import Event, Reason, Site, Visit
from tracking.spool import Record
from tracking.tests.factories import SiteFactory
from tracking.tests.hits import NOON, process, process_hits, put, record

pytestmark = pytest.mark.usefixtures("in_the_afternoon")

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def visits(*fields: str) -> list[Any]:
    rows = Visit.objects.order_by("started_at")
    return [
        getattr(row, fields[0])
        if len(fields) == 1
        else tuple(getattr(row, name) for name in fields)
        for row in rows
    ]


def test_hits_of_one_visitor_are_one_visit(site: Site) -> None:
    process_hits(
        record(site, NOON, url="https://example.com/a?x=1#y"),
        record(site, NOON + MINUTE, url="https://example.com/b"),
        record(site, NOON + 2 * MINUTE, url="https://example.com/b", event="Sign-up"),
    )
    visit = Visit.objects.get()
    assert (visit.entry_page, visit.exit_page, visit.hostname) == ("/a", "/b", "example.com")
    assert (visit.pageviews, visit.events, visit.is_bounce) == (2, 3, False)
    assert (visit.started_at, visit.ended_at) == (NOON, NOON + 2 * MINUTE)
    assert visit.duration == 120_000
    events = Event.objects.order_by("time")
    assert [(event.name, event.page, event.visit_id) for event in events] == [
        ("pageview", "/a", visit.pk),
        ("pageview", "/b", visit.pk),
        ("Sign-up", "/b", visit.pk),
    ]
    assert visit.pk == Event.objects.earliest("time").pk


@pytest.mark.parametrize(
    ("difference", "count"),
    [({}, 1), ({"ip": "1.2.3.5"}, 2), ({"user_agent": "Mozilla/5.0 (Windows NT 10.0) Gecko"}, 2)],
)
def test_a_visitor_is_an_address_and_a_user_agent(
    site: Site, difference: dict[str, Any], count: int
) -> None:
    process_hits(record(site), record(site, **difference))
    assert Visit.objects.values("visitor_id").distinct().count() == count
    assert Visit.objects.count() == count


def test_the_same_person_is_another_visitor_of_another_site(site: Site) -> None:
    process_hits(record(site), record(SiteFactory()))
    assert len(set(visits("visitor_id"))) == 2


@pytest.mark.parametrize(
    ("gap", "count"), [(30 * MINUTE, 1), (30 * MINUTE + timedelta(milliseconds=1), 2)]
)
def test_a_visit_ends_after_half_an_hour_without_an_event(
    site: Site, gap: timedelta, count: int
) -> None:
    process_hits(record(site, NOON), record(site, NOON + gap))
    assert Visit.objects.count() == count
    assert Visit.objects.values("visitor_id").distinct().count() == 1


def test_it_makes_no_difference_how_hits_fall_into_batches(site: Site) -> None:
    for minute in (0, 20, 40, 80):
        process_hits(record(site, NOON + minute * MINUTE, url=f"/{minute}"))
    assert visits("entry_page", "exit_page", "pageviews") == [("/0", "/40", 3), ("/80", "/80", 1)]


def test_a_single_pageview_is_a_bounce_and_an_event_of_your_own_ends_it(site: Site) -> None:
    process_hits(record(site, NOON))
    assert visits("is_bounce", "duration") == [(True, 0)]
    process_hits(record(site, NOON + MINUTE, event="Play"))
    assert visits("is_bounce", "duration") == [(False, 60_000)]


def test_a_visit_may_begin_without_a_pageview(site: Site) -> None:
    process_hits(record(site, NOON, event="Play", url="/player"))
    assert visits("entry_page", "exit_page", "pageviews", "events") == [("", "", 0, 1)]
    process_hits(record(site, NOON + MINUTE, url="/a"), record(site, NOON + 2 * MINUTE, url="/b"))
    assert visits("entry_page", "exit_page", "pageviews", "events") == [("/a", "/b", 2, 3)]


def test_a_late_hit_is_put_where_it_belongs(site: Site) -> None:
    process_hits(
        record(site, NOON, url="/b", referrer="https://example.com/a"),
        record(site, NOON + MINUTE, url="/d"),
    )
    process_hits(record(site, NOON + 30 * SECOND, url="/c"))
    process_hits(record(site, NOON - MINUTE, url="/a", referrer="https://news.example/story"))
    visit = Visit.objects.get()
    assert (visit.entry_page, visit.exit_page, visit.pageviews) == ("/a", "/d", 4)
    assert (visit.started_at, visit.duration) == (NOON - MINUTE, 120_000)
    assert (visit.source, visit.referrer) == ("news.example", "news.example/story")


def test_hits_of_one_batch_are_taken_in_order_of_time(site: Site) -> None:
    process_hits(
        record(site, NOON + MINUTE, url="/second"),
        record(site, NOON, url="/first"),
    )
    assert visits("entry_page", "exit_page") == [("/first", "/second")]


def test_a_visit_that_crosses_midnight_stays_one_and_belongs_to_the_day_of_its_beginning(
    owner: Any,
) -> None:
    site = SiteFactory(owner=owner, time_zone="America/New_York")
    midnight = datetime.fromisoformat("2026-06-15T00:00:00-04:00")
    process_hits(
        record(site, midnight - 10 * MINUTE, url="/before"),
        record(site, midnight + 10 * MINUTE, url="/after"),
    )
    process_hits(record(site, midnight + 35 * MINUTE, url="/later"))
    process_hits(record(site, midnight + 600 * MINUTE, url="/morning"))
    assert visits("day", "entry_page", "exit_page", "pageviews") == [
        (date(2026, 6, 14), "/before", "/later", 3),
        (date(2026, 6, 15), "/morning", "/morning", 1),
    ]
    assert len(set(visits("visitor_id"))) == 2
    assert list(Event.objects.order_by("time").values_list("day", flat=True)) == [
        date(2026, 6, 14),
        *[date(2026, 6, 15)] * 3,
    ]


def test_two_page_loads_at_the_same_instant_are_one_visit(site: Site, tmp_path: Any) -> None:
    put(*(record(site, ip=f"10.0.{n // 256}.{n % 256}") for n in range(300)))
    put(*(record(site, ip=f"10.0.{n // 256}.{n % 256}") for n in range(300)))
    process()
    assert Visit.objects.count() == 300
    assert Event.objects.count() == 600


@pytest.mark.parametrize(("keep_ip", "ip"), [(False, None), (True, "1.2.3.4")])
def test_the_address_is_kept_where_the_site_wants_it(
    owner: Any, keep_ip: bool, ip: str | None
) -> None:
    process_hits(record(SiteFactory(owner=owner, keep_ip=keep_ip)))
    assert visits("ip") == [ip]


def engagement(site: Site, time: datetime, page: str = "/a", **fields: Any) -> Record:
    return record(site, time, url=f"https://example.com{page}", event="engagement", **fields)


def readings() -> list[tuple[str, int, int]]:
    return [(view.page, view.engaged, view.scroll) for view in Event.objects.order_by("time")]


@pytest.mark.parametrize("together", [True, False])
def test_engagement_is_added_to_the_page_that_was_read(site: Site, together: bool) -> None:
    hits = [
        record(site, NOON, url="https://example.com/a"),
        engagement(site, NOON + 10 * SECOND, engaged=9_000, scroll=40),
        engagement(site, NOON + 70 * SECOND, engaged=30_000, scroll=30),
        record(site, NOON + 80 * SECOND, url="https://example.com/b"),
        engagement(site, NOON + 95 * SECOND, "/b", engaged=15_000, scroll=100),
        engagement(site, NOON + 99 * SECOND, "/a", engaged=1_000, scroll=50),
    ]
    if together:
        process_hits(*hits)
    else:
        for hit in hits:
            process_hits(hit)
    assert readings() == [("/a", 40_000, 50), ("/b", 15_000, 100)]
    [visit] = Visit.objects.all()
    assert (visit.pageviews, visit.events, visit.duration) == (2, 2, 99_000)


def test_a_page_that_is_read_for_an_hour_is_one_visit_and_a_bounce(site: Site) -> None:
    process_hits(
        record(site, NOON, url="https://example.com/a"),
        engagement(site, NOON + 60 * MINUTE, engaged=55 * 60_000, scroll=90),
    )
    [visit] = Visit.objects.all()
    assert (visit.is_bounce, visit.duration, visit.events) == (True, 3_600_000, 1)


def test_engagement_without_a_view_is_not_counted_and_said(site: Site) -> None:
    worker = process_hits(
        engagement(site, NOON, engaged=1000),
        record(site, NOON + SECOND, url="https://example.com/a"),
        engagement(site, NOON + 2 * SECOND, "/other", engaged=1000),
        engagement(site, NOON + 40 * MINUTE, engaged=1000),
    )
    assert (worker.stored, worker.excluded) == (1, {Reason.NO_VISIT: 3})
    assert readings() == [("/a", 0, 0)]


def test_an_event_that_happens_by_itself_ends_no_bounce(site: Site) -> None:
    process_hits(
        record(site, NOON),
        record(site, NOON + SECOND, event="Web vitals", interactive=False),
    )
    assert visits("is_bounce", "events") == [(True, 2)]
    process_hits(record(site, NOON + 2 * SECOND, event="Sign-up"))
    assert visits("is_bounce", "events") == [(False, 3)]
