"""Each accepted hit is stored exactly once, whatever happens to the worker."""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)
from pytest_django import Settings

from accounts.models import User
from tracking import spool
from tracking.models import Event, QueueFile, Reason, Site, Visit
from tracking.processing import store
from tracking.processing.backlog import REJECTED, Backlog, PositionMoved
from tracking.processing.geodata import Geodata
from tracking.processing.worker import Worker
from tracking.spool import Spool
from tracking.tests.factories import SiteFactory
from tracking.tests.hits import NOON, process, process_hits, put, record

pytestmark = pytest.mark.usefixtures("in_the_afternoon")

SECOND = timedelta(seconds=1)


class Killed(BaseException):
    """Stands for the end of the process at this point."""


def pages() -> list[str]:
    return sorted(event.page for event in Event.objects.all())


def test_a_finished_file_and_its_position_are_removed(site: Site, settings: Settings) -> None:
    worker = process_hits(record(site))
    assert worker.stored == 1
    assert spool.files(settings.SPOOL_DIR) == []
    assert QueueFile.objects.count() == 0


def test_a_file_that_is_still_written_to_is_read_as_far_as_it_goes(
    site: Site, settings: Settings
) -> None:
    writer = Spool(settings.SPOOL_DIR)
    writer.append(record(site, url="/1"))
    process()
    assert pages() == ["/1"]
    writer.append(record(site, url="/2"))
    process()
    assert pages() == ["/1", "/2"]
    (path,) = spool.files(settings.SPOOL_DIR)
    assert QueueFile.objects.get().position == path.stat().st_size
    writer.close()
    process()
    assert pages() == ["/1", "/2"]
    assert spool.files(settings.SPOOL_DIR) == []


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (store, "insert_visits"),
        pytest.param(store, "update_visits", marks=pytest.mark.not_on_clickhouse),
        (store, "insert_events"),
        (Backlog, "store_positions"),
        (Backlog, "clear_away"),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_killed_at_any_point_nothing_is_lost_or_doubled(site: Site, target: Any, name: str) -> None:
    process_hits(record(site, NOON, url="/0"))
    put(record(site, NOON + SECOND, url="/1"), record(site, NOON + 2 * SECOND, ip="8.8.8.8"))
    original = getattr(target, name)

    def and_die(*arguments: Any) -> None:
        original(*arguments)
        raise Killed

    with patch.object(target, name, and_die), pytest.raises(Killed):
        process()
    process()
    assert pages() == ["/", "/0", "/1"]
    assert sorted(Visit.objects.values_list("pageviews", flat=True)) == [1, 2]
    assert QueueFile.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_killed_between_removing_a_file_and_its_position(site: Site) -> None:
    put(record(site))
    with patch.object(QueueFile, "delete", side_effect=Killed), pytest.raises(Killed):
        process()
    assert QueueFile.objects.count() == 1
    process()
    assert pages() == ["/"]
    assert QueueFile.objects.count() == 0


def test_positions_of_other_hosts_are_left_alone(
    site: Site, settings: Settings, tmp_path: Path
) -> None:
    writer = Spool(tmp_path / "other host")
    writer.append(record(site))
    process(tmp_path / "other host")
    process()
    assert QueueFile.objects.count() == 1
    process(tmp_path / "other host")
    assert pages() == ["/"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.not_on_clickhouse
def test_a_second_worker_that_has_read_the_same_hits_stores_none(
    site: Site, settings: Settings
) -> None:
    put(record(site))
    with Backlog(settings.SPOOL_DIR) as backlog:
        late = Worker(backlog)
        batch = backlog.next_batch(1 << 20)
        QueueFile.objects.update(position=batch.positions[0][1])
        with pytest.raises(PositionMoved):
            late.process(batch)
    assert Event.objects.count() == 0


def test_a_folder_takes_one_worker(settings: Settings, db: None) -> None:
    with Backlog(settings.SPOOL_DIR), pytest.raises(CommandError, match="Another worker"):
        call_command("process_hits", "--once")


def test_two_batches_that_do_not_fit_are_stored_in_order_of_time(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two web processes, of which one has a long backlog: the visit must not fall apart."""
    minutes = [timedelta(minutes=20 * n) for n in range(12)]
    with time_machine.travel(NOON):
        put(*(record(site, NOON + minute) for minute in minutes[::2]))
        put(*(record(site, NOON + minute) for minute in minutes[1::2]))
    monkeypatch.setattr("tracking.processing.worker.MAX_BATCH_BYTES", 200)
    process()
    assert Visit.objects.count() == 1
    assert Event.objects.count() == 12


def test_a_clock_that_is_set_back_stalls_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_line = len(spool.encode(record(site))) + 1
    monkeypatch.setattr("tracking.processing.worker.MAX_BATCH_BYTES", 4 * one_line)
    hour = timedelta(hours=1)
    for _ in range(2):
        with time_machine.travel(NOON - hour):
            put(record(site, NOON + hour), *(record(site, NOON + n * SECOND) for n in range(9)))
    with time_machine.travel(NOON + 30 * timedelta(minutes=1)):
        put(record(site, NOON + hour))
    assert process().stored == 21
    assert QueueFile.objects.count() == 0


def test_hits_that_are_not_counted_have_a_reason(site: Site) -> None:
    gone = SiteFactory()
    hits = [
        record(site),
        record(site, prefetch=True),
        record(site, user_agent="Googlebot/2.1 (+http://www.google.com/bot.html)"),
        record(site, url="javascript:alert(1)"),
        record(site, url="http://[::1"),
        record(gone),
    ]
    gone.delete()
    worker = process_hits(*hits)
    assert worker.stored == 1
    assert worker.excluded == {
        Reason.PREFETCH: 1,
        Reason.BOT: 1,
        Reason.INVALID: 2,
        Reason.UNKNOWN_SITE: 1,
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [ValueError, DataError, IntegrityError])
def test_a_hit_that_cannot_be_stored_does_not_hold_up_the_others(
    site: Site, settings: Settings, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    put(*(record(site, NOON + n * SECOND, url=f"/{n}") for n in range(0, 10, 2)))
    put(*(record(site, NOON + n * SECOND, url=f"/{n}") for n in range(1, 10, 2)))
    original = store.insert_events

    def refuse_number_six(events: Any, *versions: Any) -> None:
        if any(event.page == "/6" for event in events):
            raise error("Not this one of 1.2.3.4.")
        original(events, *versions)

    with patch.object(store, "insert_events", refuse_number_six):
        process()
    assert pages() == [f"/{n}" for n in range(10) if n != 6]
    assert sum(Visit.objects.values_list("events", flat=True)) == 9
    (line,) = (settings.SPOOL_DIR / REJECTED).read_bytes().splitlines()
    rejected = spool.decode(line)
    assert (rejected.fields, rejected.ip) == ({"url": "/6"}, "")
    assert "1.2.3.4" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_hit_whose_steps_fail_is_put_aside(site: Site, settings: Settings) -> None:
    put(record(site, url="/1"), record(site, url="/2", ip="8.8.8.8"))

    def fail_for_one(ip: str) -> Geodata:
        if ip == "8.8.8.8":
            raise RuntimeError("A bug.")
        return Geodata()

    with patch("tracking.processing.worker.get_geodata", fail_for_one):
        process()
    assert pages() == ["/1"]
    (line,) = (settings.SPOOL_DIR / REJECTED).read_bytes().splitlines()
    assert spool.decode(line).fields == {"url": "/2"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "error", [OperationalError, ProgrammingError, InternalError, InterfaceError]
)
def test_a_database_that_is_not_as_it_should_be_costs_no_hit(
    site: Site, settings: Settings, error: type[Exception]
) -> None:
    """Away, read-only after a failover, or not migrated yet."""
    put(record(site))
    with patch.object(store, "insert_events", side_effect=error), pytest.raises(error):
        process()
    assert not (settings.SPOOL_DIR / REJECTED).exists()
    process()
    assert pages() == ["/"]


@pytest.mark.django_db(transaction=True)
def test_killed_while_a_hit_is_put_aside_it_is_not_lost(site: Site, settings: Settings) -> None:
    put(record(site))
    with (
        patch.object(store, "insert_events", side_effect=ValueError),
        patch.object(Backlog, "store_positions", side_effect=Killed),
        pytest.raises(Killed),
    ):
        process()
    assert (settings.SPOOL_DIR / REJECTED).exists()
    process()
    assert pages() == ["/"]


def test_a_site_that_is_deleted_while_its_hits_are_processed(site: Site, owner: User) -> None:
    gone = SiteFactory(owner=owner)
    put(record(site), record(gone))
    original = Worker.prepare

    def prepare_and_delete(self: Worker, *arguments: Any) -> Any:
        arrivals = original(self, *arguments)
        gone.delete()
        return arrivals

    with patch.object(Worker, "prepare", prepare_and_delete):
        worker = process()
    assert (worker.stored, worker.excluded[Reason.UNKNOWN_SITE]) == (1, 1)
    assert Event.objects.get().site == site


def test_a_long_backlog_of_small_files_is_read_in_parts(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A low-traffic site whose worker was away: a file every five minutes."""
    for number in range(300):
        moment = NOON + number * timedelta(minutes=5)
        with time_machine.travel(moment, tick=False):
            put(*(record(site, moment + n * SECOND, ip=f"1.2.3.{n}") for n in range(3)))
    with Backlog(settings.SPOOL_DIR) as backlog:
        one_line = len(spool.encode(record(site))) + 1
        batch = backlog.next_batch(60 * one_line)
        assert 60 <= len(batch.records) <= 70
        times = [one.time for _, one in batch.records]
        assert times == sorted(times)
    monkeypatch.setattr("tracking.processing.worker.MAX_BATCH_BYTES", 60 * one_line)
    assert process().stored == 900
    assert Visit.objects.count() == 3


def test_lines_that_are_not_readable_are_left_out(
    site: Site, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    put(record(site, url="/1"))
    (path,) = spool.files(settings.SPOOL_DIR)
    end = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"\x00garbage\xff\n" + spool.encode(record(site, url="/2")) + b"\n")
    process()
    assert pages() == ["/1", "/2"]
    assert f"{path.name} has an unreadable line at {end}" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_away_hits_wait(site: Site) -> None:
    put(record(site))
    with (
        patch.object(store, "insert_events", side_effect=OperationalError("gone")),
        pytest.raises(CommandError, match="The database cannot store hits: gone"),
    ):
        call_command("process_hits", "--once")
    output = StringIO()
    call_command("process_hits", "--once", stdout=output)
    assert output.getvalue() == "Stored 1 events.\n"
    assert pages() == ["/"]


@pytest.mark.not_on_clickhouse
@pytest.mark.parametrize("count", [1, 300])
def test_number_of_queries_does_not_grow_with_the_hits(
    site: Site, count: int, django_assert_num_queries: Any
) -> None:
    process_hits(record(site))  # makes the salts
    put(*(record(site, ip=f"10.1.{n // 256}.{n % 256}") for n in range(count)))
    with django_assert_num_queries(24):
        # Cleaning: orphans, what was excluded (2), salts. The file: sought, made (in a savepoint:
        # 3). Site. Two salts. The transaction: 2 (as savepoint), sites locked, 2 for the part that
        # may fail, visits of two days, insert visits and events, note the day, note the last hits,
        # position. The file's removal.
        process()


def test_text_is_cut_to_its_column_and_free_of_nul(site: Site) -> None:
    process_hits(
        record(
            site,
            url="https://example.com/" + "p" * 3000 + "\0",
            event="e" * 300 + "\0",
            referrer="https://example.org/" + "r" * 5000,
            user_agent="Mozilla/5.0 \0" + "u" * 9000,
        )
    )
    event, visit = Event.objects.get(), Visit.objects.get()
    assert (len(event.page), event.name) == (2000, "e" * 120)
    assert len(visit.referrer) <= 2000
    event.full_clean(exclude=["site", "visit"])


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "http://[::1", "https://exa<b>mple.com/", "data:text/html,x", " "],
)
def test_what_is_no_page_is_left_out(site: Site, url: str) -> None:
    assert process_hits(record(site, url=url)).excluded == {Reason.INVALID: 1}


def test_control_characters_are_not_stored(site: Site) -> None:
    process_hits(record(site, url="/a\x1b[31m\u202e\x07b", event="x\r\ny"))
    event = Event.objects.get()
    assert (event.page, event.name) == ("/a [31m b", "x y")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("2001:DB8::0001", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("unknown<b>", None),
        ("", None),
    ],
)
def test_the_address_is_kept_as_one_or_not_at_all(owner: User, sent: str, kept: str | None) -> None:
    process_hits(record(SiteFactory(owner=owner, keep_ip=True), ip=sent))
    assert Visit.objects.get().ip == kept
