"""What is kept of hits that are not counted, how exactly, and for how long."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries, Settings

from tracking.models import CrawlerDay, ExcludedDay, ExcludedHit, Reason, Site
from tracking.processing import excluded
from tracking.processing.backlog import Backlog
from tracking.processing.geodata import NOWHERE, Geodata
from tracking.tests.city_files import write_nested
from tracking.tests.factories import SiteFactory
from tracking.tests.hits import NOON, process, process_hits, put, record
from tracking.tests.test_exclusions import GOOGLEBOT, GPTBOT

pytestmark = pytest.mark.usefixtures("in_the_afternoon")

SECOND = timedelta(seconds=1)
DAY = date(2026, 6, 15)


class Killed(BaseException):
    """Stands for the end of the process at this point."""


def counts() -> dict[str, tuple[int, int]]:
    rows = ExcludedDay.objects.values_list("reason", "hits", "kept")
    return {reason: (hits, kept) for reason, hits, kept in rows}


def crawlers() -> list[tuple[Any, ...]]:
    rows = CrawlerDay.objects.order_by("crawler", "page")
    return list(rows.values_list("crawler", "is_ai", "page", "hits", "last"))


def test_a_hit_is_kept_with_all_that_is_known_but_without_its_address(
    site: Site, settings: Settings
) -> None:
    write_nested(settings.GEOIP_PATH)
    Site.objects.update(excluded_paths="/secret/*", keep_ip=True)

    process_hits(
        record(site, url="https://example.com/secret/1?x=1", referrer="https://www.google.com/")
    )

    hit = ExcludedHit.objects.get()
    assert (hit.site, hit.day, hit.time) == (site, DAY, NOON)
    assert (hit.reason, hit.rule, hit.page) == (Reason.PATH, "/secret/*", "/secret/1")
    assert (hit.source, hit.country, hit.name) == ("Google", "US", "pageview")
    assert (hit.browser, hit.os, hit.device) == ("Firefox", "GNU/Linux", "Desktop")
    assert b"1.2.3.4" not in bytes(hit.arrival)
    assert excluded.decode(hit.arrival).geodata.city == "Los Angeles"


@pytest.mark.parametrize("objection", ["opted-out", "gpc", "dnt"])
def test_of_those_who_object_only_the_number_is_kept(site: Site, objection: str) -> None:
    process_hits(record(site, objection=objection))
    assert list(counts().values()) == [(1, 0)]
    assert not ExcludedHit.objects.exists()


def test_hits_are_counted_by_the_day_of_the_sites_calendar(site: Site) -> None:
    Site.objects.update(time_zone="Pacific/Auckland")
    process_hits(record(site, prefetch=True))
    process_hits(record(site, prefetch=True), record(site, NOON - timedelta(days=1), prefetch=True))
    rows = ExcludedDay.objects.order_by("day").values_list("day", "hits")
    assert list(rows) == [(date(2026, 6, 15), 1), (date(2026, 6, 16), 2)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("target", "name"),
    [(excluded, "note"), (excluded, "add"), (Backlog, "store_positions"), (Backlog, "clear_away")],
)
def test_killed_at_any_point_what_is_excluded_is_counted_once(
    site: Site, target: Any, name: str
) -> None:
    put(record(site), record(site, prefetch=True), record(site, user_agent=GOOGLEBOT))
    original = getattr(target, name)

    def and_die(*arguments: Any, **options: Any) -> None:
        original(*arguments, **options)
        raise Killed

    with patch.object(target, name, and_die), pytest.raises(Killed):
        process()
    process()
    assert counts() == {Reason.PREFETCH: (1, 1), Reason.BOT: (1, 1)}
    assert ExcludedHit.objects.count() == 2
    assert [hits for _, _, _, hits, _ in crawlers()] == [1]


def test_a_flood_is_counted_but_does_not_fill_the_disk(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excluded, "MAX_KEPT", 3)
    other = SiteFactory(owner=site.owner)
    flood = [record(site, user_agent=GOOGLEBOT) for _ in range(4)]

    process_hits(*flood, record(site, prefetch=True), record(other, user_agent=GOOGLEBOT))
    process_hits(*flood, record(site, NOON - timedelta(days=1), user_agent=GOOGLEBOT))

    rows = ExcludedDay.objects.order_by("site", "day", "reason")
    assert list(rows.values_list("site", "day", "reason", "hits", "kept")) == [
        (site.pk, date(2026, 6, 14), Reason.BOT, 1, 1),
        (site.pk, DAY, Reason.BOT, 8, 3),
        (site.pk, DAY, Reason.PREFETCH, 1, 1),
        (other.pk, DAY, Reason.BOT, 1, 1),
    ]
    assert ExcludedHit.objects.count() == 6


def test_what_is_beyond_the_limit_is_not_looked_at(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excluded, "MAX_KEPT", 1)
    with patch("tracking.processing.worker.get_geodata", return_value=NOWHERE) as asked:
        process_hits(*(record(site, user_agent=GOOGLEBOT) for _ in range(3)))
    assert asked.call_count == 1


def test_kept_hits_are_forgotten_after_seven_days(site: Site) -> None:
    for days in (8, 6):
        moment = NOON - timedelta(days=days)
        with time_machine.travel(moment):
            process_hits(record(site, moment, prefetch=True))
    assert ExcludedHit.objects.count() == 2
    process()  # cleans
    assert list(ExcludedHit.objects.values_list("time", flat=True)) == [NOON - timedelta(days=6)]
    assert ExcludedDay.objects.count() == 2


def test_a_hit_whose_place_cannot_be_found_out_holds_up_no_other(
    site: Site, settings: Settings
) -> None:
    put(record(site, prefetch=True), record(site, ip="8.8.8.8"))

    def fail_for_one(ip: str) -> Geodata:
        if ip == "1.2.3.4":
            raise RuntimeError("A bug.")
        return NOWHERE

    with patch("tracking.processing.worker.get_geodata", fail_for_one):
        assert process().stored == 1
    assert counts() == {Reason.PREFETCH: (1, 0)}


def test_what_was_excluded_goes_with_its_site(site: Site) -> None:
    process_hits(record(site, user_agent=GPTBOT))
    site.delete()
    assert (ExcludedHit.objects.count(), counts(), crawlers()) == (0, {}, [])


# Crawlers


def test_crawlers_are_counted_by_page(site: Site) -> None:
    process_hits(
        record(site, user_agent=GPTBOT, url="/a"),
        record(site, NOON + 2 * SECOND, user_agent=GPTBOT, url="/a"),
        record(site, NOON + 3 * SECOND, user_agent=GPTBOT, url="/b"),
        record(site, user_agent=GOOGLEBOT, url="/a"),
    )
    process_hits(record(site, NOON + SECOND, user_agent=GPTBOT, url="/a"))
    assert crawlers() == [
        ("GPTBot", True, "/a", 3, NOON + 2 * SECOND),
        ("GPTBot", True, "/b", 1, NOON + 3 * SECOND),
        ("Googlebot", False, "/a", 1, NOON),
    ]


def test_pages_of_crawlers_have_a_limit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excluded, "MAX_CRAWLER_PAGES", 2)
    process_hits(*(record(site, user_agent=GPTBOT, url=f"/{page}") for page in "abc"))
    process_hits(*(record(site, user_agent=GPTBOT, url=f"/{page}") for page in "adb"))
    assert [(page, hits) for _, _, page, hits, _ in crawlers()] == [("", 2), ("/a", 2), ("/b", 2)]


@pytest.mark.not_on_clickhouse
@pytest.mark.parametrize("count", [1, 300])
def test_crawlers_take_as_many_queries_however_many_they_are(
    site: Site, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    process_hits(record(site))  # makes the salts
    agents = [GPTBOT, GOOGLEBOT]
    put(*(record(site, user_agent=agents[n % 2], url=f"/{n}") for n in range(count)))
    with django_assert_num_queries(24):
        # Cleaning: 4. The file: sought, made (in a savepoint: 3). Site. How many are kept. Two
        # salts. The transaction: 2 (as savepoint), sites locked, 2 around what is counted, the
        # kept hits, their number, the crawlers' pages and their number, the last hits, position.
        # The file's end.
        process()


def test_crawlers_are_forgotten_after_a_year_and_more(site: Site, tmp_path: Path) -> None:
    moment = NOON - timedelta(days=401)
    with time_machine.travel(moment):
        process_hits(record(site, moment, user_agent=GPTBOT))
    assert len(crawlers()) == 1
    process()
    assert crawlers() == []
