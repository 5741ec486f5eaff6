"""Hits that were not counted are counted after all: where they would have been."""

from datetime import date, timedelta
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from tracking.models import CrawlerDay, Event, ExcludedDay, ExcludedHit, Reason, Salt, Site, Visit
from tracking.processing import restore
from tracking.reporting.period import Period, Preset
from tracking.reporting.query import Query, answer
from tracking.tests.city_files import write_nested
from tracking.tests.factories import SiteFactory
from tracking.tests.hits import NOON, process_hits, record
from tracking.tests.test_exclusions import GOOGLEBOT

pytestmark = pytest.mark.usefixtures("in_the_afternoon")

MINUTE = timedelta(minutes=1)


def exclude_nothing(site: Site) -> None:
    Site.objects.filter(pk=site.pk).update(excluded_paths="", excluded_countries="")
    site.refresh_from_db()


def everything(site: Site) -> int:
    return restore.restore(site, site.excluded_hits.all())


def visits() -> list[tuple[Any, ...]]:
    return [
        (visit.started_at, visit.pageviews, visit.entry_page, visit.exit_page)
        for visit in Visit.objects.order_by("started_at", "pk")
    ]


def test_a_restored_hit_is_as_if_it_had_been_counted_at_once(
    site: Site, settings: Settings
) -> None:
    """The same hits, once counted and once restored, come to the same rows."""
    write_nested(settings.GEOIP_PATH)
    twin = SiteFactory(owner=site.owner, domain="example.com.example")
    Site.objects.filter(pk=site.pk).update(excluded_paths="/**")
    for one in (site, twin):
        process_hits(
            *(
                record(one, NOON - ago * MINUTE, url=f"https://example.com/{ago}?utm_source=x",
                       referrer="https://www.google.com/")
                for ago in (50, 10, 5)
            )
        )  # fmt: skip
    assert Visit.objects.filter(site=site).count() == 0

    assert everything(site) == 3

    def rows(model: type[Visit] | type[Event], one: Site) -> list[dict[str, Any]]:
        own = {"id", "site_id", "visitor_id", "visit_id"}
        found = model.objects.filter(site=one).order_by("pk").values()
        return [{name: value for name, value in row.items() if name not in own} for row in found]

    assert rows(Visit, site) == rows(Visit, twin)
    assert rows(Event, site) == rows(Event, twin)
    assert len(rows(Visit, site)) == 2
    assert not ExcludedHit.objects.exists()
    assert not ExcludedDay.objects.exists()


def test_it_belongs_to_the_visit_that_was_within_reach(site: Site) -> None:
    Site.objects.update(excluded_paths="/secret")
    process_hits(
        record(site, NOON, url="/1"),
        record(site, NOON + MINUTE, url="/secret"),
        record(site, NOON + 2 * MINUTE, url="/2"),
    )
    assert visits() == [(NOON, 2, "/1", "/2")]
    exclude_nothing(site)
    assert everything(site) == 1
    assert visits() == [(NOON, 3, "/1", "/2")]
    assert len(set(Event.objects.values_list("visitor_id", flat=True))) == 1


def test_the_visitor_is_known_also_when_the_salt_is_gone(site: Site) -> None:
    Site.objects.update(excluded_paths="/secret")
    process_hits(record(site, url="/1"), record(site, NOON + MINUTE, url="/secret"))
    Salt.objects.all().delete()
    everything(site)
    assert visits() == [(NOON, 2, "/1", "/secret")]


def test_it_counts_on_its_own_day(site: Site) -> None:
    Site.objects.update(excluded_paths="/secret", time_zone="Pacific/Auckland")
    process_hits(record(site, NOON - timedelta(days=1), url="/secret"))
    everything(site)
    assert Visit.objects.get().day == date(2026, 6, 15)
    assert Event.objects.get().day == date(2026, 6, 15)


def test_the_address_is_not_stored_where_it_was_forgotten(site: Site) -> None:
    Site.objects.update(excluded_paths="/secret", keep_ip=True)
    process_hits(record(site, url="/secret"))
    everything(site)
    assert Visit.objects.get().ip is None


def test_only_some_are_restored(site: Site) -> None:
    process_hits(*(record(site, prefetch=True, url=f"/{n}") for n in range(3)))
    hits = site.excluded_hits.filter(page="/1")
    assert restore.restore(site, hits) == 1
    assert [event.page for event in Event.objects.all()] == ["/1"]
    assert ExcludedDay.objects.values_list("hits", "kept").get() == (2, 2)


def test_reading_of_a_page_finds_its_view(site: Site) -> None:
    Site.objects.update(excluded_paths="/secret")
    fields: dict[str, Any] = {"event": "engagement", "engaged": 4000, "scroll": 60}
    process_hits(
        record(site, url="/secret"),
        record(site, NOON + timedelta(seconds=5), url="/secret", **fields),
    )
    assert everything(site) == 2
    event = Event.objects.get()
    assert (event.page, event.engaged, event.scroll) == ("/secret", 4000, 60)
    assert not ExcludedDay.objects.exists()


def test_reading_of_a_page_that_was_never_viewed_has_no_visit(site: Site) -> None:
    Site.objects.update(excluded_paths="/secret")
    fields: dict[str, Any] = {"event": "engagement", "engaged": 4000}
    process_hits(record(site, url="/secret", **fields))
    assert everything(site) == 1
    assert ExcludedDay.objects.values_list("reason", "hits", "kept").get() == ("no_visit", 1, 0)
    assert (Event.objects.count(), ExcludedHit.objects.count()) == (0, 0)


def test_a_long_list_is_restored_in_parts(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "AT_ONCE", 2)
    process_hits(*(record(site, NOON + n * MINUTE, prefetch=True) for n in range(5)))
    assert everything(site) == 5
    assert visits() == [(NOON, 5, "/", "/")]


def test_what_cannot_be_counted_stays(site: Site) -> None:
    process_hits(record(site, url="javascript:alert(1)"))
    assert everything(site) == 0
    assert ExcludedHit.objects.get().reason == Reason.INVALID


def test_hits_of_another_site_are_left_alone(site: Site) -> None:
    other = SiteFactory()
    process_hits(record(other, prefetch=True))
    assert restore.restore(site, ExcludedHit.objects.all()) == 0
    assert ExcludedHit.objects.count() == 1


def test_a_crawler_that_is_counted_is_one_hit_less_of_crawlers(site: Site) -> None:
    process_hits(*(record(site, user_agent=GOOGLEBOT, url=f"/{n % 2}") for n in range(3)))
    first = site.excluded_hits.filter(page="/0").earliest("pk")
    restore.restore(site, site.excluded_hits.filter(pk=first.pk))
    restore.restore(site, site.excluded_hits.filter(page="/1"))
    assert list(CrawlerDay.objects.values_list("page", "hits")) == [("/0", 1)]


@pytest.mark.not_on_clickhouse
@pytest.mark.django_db(transaction=True)
def test_all_or_nothing(site: Site) -> None:
    process_hits(record(site, prefetch=True))
    with (
        patch.object(restore, "uncount", side_effect=RuntimeError),
        pytest.raises(RuntimeError),
    ):
        everything(site)
    assert (Event.objects.count(), ExcludedHit.objects.count()) == (0, 1)


def pageviews(site: Site) -> int:
    period = Period.of(Preset.WEEK, site.zone, timezone.now())
    [row] = answer(Query((site,), period, ("pageviews",)))
    return int(row["pageviews"] or 0)


def test_figures_of_a_day_that_has_been_reckoned_follow(site: Site) -> None:
    Site.objects.update(excluded_paths="/secret")
    site.refresh_from_db()
    moment = NOON - timedelta(days=3)
    process_hits(record(site, moment, url="/1"), record(site, moment + MINUTE, url="/secret"))
    call_command("rollup", stdout=StringIO())
    assert pageviews(site) == 1
    everything(site)
    assert pageviews(site) == 2
    call_command("rollup", stdout=StringIO())
    assert pageviews(site) == 2
    call_command("rollup", "--check", stdout=StringIO())
