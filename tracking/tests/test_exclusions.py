"""Each reason for which a hit is not counted: a hit comes in, its number comes out."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from pytest_django import Settings

from tracking.models import Event, ExcludedDay, ExcludedHit, Reason, RecentHit, Site
from tracking.processing import datacentres, store
from tracking.processing.backlog import Backlog
from tracking.processing.rules import rules_of
from tracking.processing.worker import Worker
from tracking.tests.city_files import write, write_nested
from tracking.tests.hits import NOON, process_hits, put, record

pytestmark = pytest.mark.usefixtures("in_the_afternoon")

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
    "+https://openai.com/gptbot)"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
SECOND = timedelta(seconds=1)

# What the site's owner chose, what the hit was, the reason that it meets, and of which list.
CASES: list[tuple[dict[str, Any], dict[str, Any], Reason, str]] = [
    ({"is_paused": True}, {}, Reason.PAUSED, ""),
    ({}, {"url": "javascript:alert(1)"}, Reason.INVALID, ""),
    ({}, {"objection": "opted-out"}, Reason.OPTED_OUT, ""),
    ({"honours_do_not_track": False}, {"objection": "opted-out"}, Reason.OPTED_OUT, ""),
    ({}, {"objection": "dnt"}, Reason.DO_NOT_TRACK, ""),
    ({}, {"objection": "gpc"}, Reason.DO_NOT_TRACK, ""),
    ({}, {"prefetch": True}, Reason.PREFETCH, ""),
    ({}, {"user_agent": GPTBOT}, Reason.AI_CRAWLER, "GPTBot"),
    ({}, {"user_agent": GOOGLEBOT}, Reason.BOT, "Googlebot"),
    ({"excluded_ips": "1.2.3.4  # office"}, {}, Reason.IP, ""),
    ({"excluded_ips": "8.8.8.8\n1.2.0.0/16"}, {}, Reason.IP, "1.2.0.0/16"),
    ({"excluded_ips": "1.2.3.0/29"}, {}, Reason.IP, ""),
    ({"excluded_ips": "2001:db8::/32"}, {"ip": "2001:db8::7"}, Reason.IP, "2001:db8::/32"),
    ({"excluded_ips": "1.2.3.4"}, {"ip": "::ffff:1.2.3.4"}, Reason.IP, ""),
    ({"allowed_hosts": "example.org"}, {}, Reason.HOST, "example.com"),
    ({"excluded_paths": "/a\n/blog/**"}, {"url": "/blog/2026/x"}, Reason.PATH, "/blog/**"),
    ({"excluded_paths": "/grüße"}, {"url": "/gr%C3%BC%C3%9Fe"}, Reason.PATH, "/grüße"),
    ({}, {"referrer": "https://www.semalt.com/x"}, Reason.SPAM, "semalt.com"),
    ({"excluded_referrers": "spam.example"}, {"referrer": "https://a.spam.example/"}, Reason.SPAM,
     "spam.example"),
    ({"excluded_countries": "US"}, {"ip": "1.2.3.4"}, Reason.COUNTRY, "US"),
]  # fmt: skip
COUNTED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"honours_do_not_track": False}, {"objection": "dnt"}),
    ({"honours_do_not_track": False}, {"objection": "gpc"}),
    ({"excluded_ips": "1.2.3.5\n1.2.4.0/24\n2001:db8::/32"}, {}),
    ({"excluded_ips": "1.2.3.4"}, {"ip": ""}),
    ({"allowed_hosts": "example.com"}, {"url": "https://www.example.com/"}),
    ({"allowed_hosts": "*.example.com"}, {"url": "https://shop.example.com/"}),
    ({"allowed_hosts": "bücher.example"}, {"url": "https://xn--bcher-kva.example/"}),
    ({"allowed_hosts": "example.org"}, {"url": "/a-mere-path"}),
    ({"excluded_paths": "/blog/*"}, {"url": "/blog/2026/x"}),
    ({"excludes_spam": False}, {"referrer": "https://semalt.com/x"}),
    ({"excluded_referrers": "spam.example"}, {"referrer": "https://nospam.example/"}),
    ({"excluded_countries": "DE"}, {}),
]


@pytest.fixture(autouse=True)
def places(settings: Settings) -> None:
    write_nested(settings.GEOIP_PATH)


def choose(site: Site, **rules: Any) -> None:
    Site.objects.filter(pk=site.pk).update(**rules)


@pytest.mark.parametrize(("rules", "hit", "reason", "rule"), CASES)
def test_a_hit_is_left_out_for_one_reason(
    site: Site, rules: dict[str, Any], hit: dict[str, Any], reason: Reason, rule: str
) -> None:
    choose(site, **rules)

    worker = process_hits(record(site, **hit))

    assert (worker.stored, worker.excluded) == (0, {reason: 1})
    assert Event.objects.count() == 0
    counted = ExcludedDay.objects.values_list("site", "day", "reason", "hits")
    assert list(counted) == [(site.pk, date(2026, 6, 15), reason, 1)]
    kept = list(ExcludedHit.objects.values_list("site", "reason", "rule"))
    assert kept == ([(site.pk, reason, rule)] if reason.is_kept else [])


@pytest.mark.parametrize(("rules", "hit"), COUNTED)
def test_a_hit_that_no_rule_meets_is_counted(
    site: Site, rules: dict[str, Any], hit: dict[str, Any]
) -> None:
    choose(site, **rules)

    worker = process_hits(record(site, **hit))

    assert (worker.stored, worker.excluded) == (1, {})


def test_every_reason_is_tested() -> None:
    tested = {reason for _, _, reason, _ in CASES}
    elsewhere = {Reason.UNKNOWN_SITE, Reason.DATACENTRE, Reason.RATE_LIMIT, Reason.NO_VISIT}
    assert tested | elsewhere == set(Reason)


def test_a_rule_counts_for_its_own_site_and_from_its_change_on(
    site: Site, settings: Settings
) -> None:
    choose(site, excluded_paths="/a")
    assert process_hits(record(site, url="/a"), record(site, url="/b")).stored == 1
    choose(site, excluded_paths="/b")
    assert process_hits(record(site, url="/a"), record(site, url="/b")).stored == 1
    assert sorted(event.page for event in Event.objects.all()) == ["/a", "/b"]


def test_rules_are_made_ready_once(site: Site) -> None:
    again = Site.objects.get(pk=site.pk)
    assert rules_of(site) is rules_of(again)
    again.excluded_paths = "/a"
    assert rules_of(site) is not rules_of(again)


# Data centres


@pytest.fixture
def fresh_files(monkeypatch: pytest.MonkeyPatch) -> None:
    datacentres.datacentre_file_at.cache_clear()
    datacentres.system_file_at.cache_clear()


def write_systems(path: Path) -> None:
    write(
        path,
        "ASN",
        6,
        {
            "5.9.0.0/16": {"autonomous_system_number": 24940},
            "9.9.9.0/24": {"autonomous_system_number": 64_500},
            "7.7.7.0/24": {"autonomous_system_number": 3320},
        },
    )


@pytest.mark.usefixtures("fresh_files")
@pytest.mark.parametrize(
    ("ip", "rule"),
    [("6.6.6.6", "6.6.0.0/16"), ("5.9.1.1", "AS24940"), ("9.9.9.9", "AS64500"), ("7.7.7.7", None)],
)
def test_data_centres_are_told_by_the_list_and_by_the_file(
    site: Site, settings: Settings, ip: str, rule: str | None
) -> None:
    choose(site, excludes_datacentres=True)
    settings.DATACENTRES_PATH.write_text("# Ours\n6.6.0.0/16 # rented\nAS64500\nnonsense\n")
    write_systems(settings.ASN_PATH)

    worker = process_hits(record(site, ip=ip))

    assert worker.excluded == ({Reason.DATACENTRE: 1} if rule else {})
    assert list(ExcludedHit.objects.values_list("rule", flat=True)) == ([rule] if rule else [])


@pytest.mark.usefixtures("fresh_files")
def test_data_centres_are_counted_unless_the_site_says_otherwise(
    site: Site, settings: Settings
) -> None:
    settings.DATACENTRES_PATH.write_text("6.6.0.0/16")
    assert process_hits(record(site, ip="6.6.6.6")).stored == 1


@pytest.mark.usefixtures("fresh_files")
def test_without_list_and_file_no_address_is_one_of_a_data_centre(site: Site) -> None:
    choose(site, excludes_datacentres=True)
    assert process_hits(record(site, ip="5.9.1.1")).stored == 1


@pytest.mark.usefixtures("fresh_files")
def test_a_line_that_is_no_network_is_named_in_the_log(
    site: Site, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    choose(site, excludes_datacentres=True)
    settings.DATACENTRES_PATH.write_text("nonsense\n6.6.0.0/16")
    assert process_hits(record(site, ip="6.6.6.6")).stored == 0
    assert "has a line that is no network: nonsense" in caplog.text


# Rate limit


def test_what_a_visitor_sends_beyond_the_limit_is_left_out(site: Site) -> None:
    choose(site, hits_a_minute=3)

    worker = process_hits(
        *(record(site, NOON + n * SECOND) for n in range(5)),
        record(site, NOON + 5 * SECOND, ip="8.8.8.8"),
        record(site, NOON + 60 * SECOND),
    )

    assert (worker.stored, worker.excluded) == (5, {Reason.RATE_LIMIT: 2})


def test_the_limit_is_the_same_over_several_batches(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(site, hits_a_minute=3)
    monkeypatch.setattr("tracking.processing.worker.MAX_BATCH_BYTES", 1)
    assert process_hits(*(record(site, NOON + n * SECOND) for n in range(5))).stored == 3


def test_without_a_number_there_is_no_limit(site: Site) -> None:
    choose(site, hits_a_minute=None)
    assert process_hits(*(record(site) for _ in range(700))).stored == 700


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_could_not_be_stored_counts_once(site: Site, settings: Settings) -> None:
    choose(site, hits_a_minute=3)
    put(*(record(site) for _ in range(3)))
    with Backlog(settings.SPOOL_DIR) as backlog:
        worker = Worker(backlog)
        with (
            patch.object(store, "insert_events", side_effect=OperationalError),
            pytest.raises(OperationalError),
        ):
            worker.process_batch()
        while worker.process_batch():
            pass
    assert (worker.stored, worker.excluded) == (3, {})


@pytest.mark.parametrize(("objection", "header"), [("gpc", "Sec-GPC: 1"), ("dnt", "DNT: 1")])
def test_the_header_of_an_objection_is_noted_and_nothing_else_of_the_visitor(
    site: Site, objection: str, header: str
) -> None:
    process_hits(record(site, objection=objection))
    noted = RecentHit.objects.get(site=site)
    assert (noted.reason, noted.rule) == (Reason.DO_NOT_TRACK, header)
    assert (noted.ip, noted.user_agent, noted.page) == ("", "", "")
