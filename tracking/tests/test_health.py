"""What the machinery says of itself, and the page that shows it."""

import logging
import os
import shutil
from collections import namedtuple
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings as configured
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from tracking import health
from tracking.health import Sign, State
from tracking.models import QueueFile, Reason, Site, StaleDay
from tracking.processing.backlog import Backlog
from tracking.processing.worker import Worker
from tracking.spool import Record, Spool
from tracking.tests.city_files import write_nested
from tracking.tests.hits import NOON, process_hits, put, record
from tracking_project.recent_errors import RecentErrorsHandler

PAGE = "/admin/health/"
Usage = namedtuple("Usage", "total used free")


def sign(title: str) -> Sign:
    [found] = [sign for sign in health.health().signs if sign.title == title]
    return found


def fill(hits: int) -> None:
    spool = Spool(configured.SPOOL_DIR)
    for _ in range(hits):
        spool.append(Record(1, timezone.now().timestamp(), "203.0.113.7", "", "", False))
    spool.close()


@pytest.mark.django_db
def test_the_worker_leaves_a_sign_of_life() -> None:
    assert sign("Worker").state is State.BAD
    with Backlog(configured.SPOOL_DIR) as backlog:
        Worker(backlog).process_batch()
    assert sign("Worker") == Sign("Worker", "at work")
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        silent = sign("Worker")
    assert (silent.value, silent.state) == ("last at work 5\xa0minutes ago", State.BAD)


@pytest.mark.django_db
def test_the_worker_gives_a_sign_at_each_look() -> None:
    with Backlog(configured.SPOOL_DIR) as backlog:
        worker = Worker(backlog)
        os.utime(configured.SPOOL_DIR / "worker.lock", (0, 0))
        worker.process_batch()
        assert sign("Worker").state is State.GOOD


@pytest.mark.django_db
def test_the_queue_tells_how_much_is_waiting_and_for_how_long() -> None:
    assert sign("Queue") == Sign("Queue", "empty")
    with time_machine.travel(timezone.now() - timedelta(minutes=3)):
        fill(3)
    late = sign("Queue")
    assert late.value == "3 hits are waiting, the oldest of 3\xa0minutes ago"
    assert late.state is State.WARNING


@pytest.mark.django_db
def test_what_is_stored_is_not_waiting() -> None:
    fill(2)
    [path] = configured.SPOOL_DIR.glob("*.log")
    first, second = path.read_bytes().splitlines(keepends=True)
    file = QueueFile.objects.create(
        folder="0b5c5d9e-6f4c-4c39-8a1e-1f1f1f1f1f1f", name=path.name, position=len(first)
    )
    found = health.waiting(configured.SPOOL_DIR)
    assert (found.hits, found.bytes, found.is_exact) == (1, len(second), True)
    QueueFile.objects.filter(pk=file.pk).update(position=len(first) + len(second))
    assert health.waiting(configured.SPOOL_DIR).hits == 0


@pytest.mark.django_db
def test_a_long_queue_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(1_000)
    monkeypatch.setattr(health, "SAMPLE_BYTES", 1_000)
    found = health.waiting(configured.SPOOL_DIR)
    assert not found.is_exact
    assert 950 < found.hits < 1_050
    assert sign("Queue").value.startswith("about ")


@pytest.mark.django_db
def test_a_line_that_nobody_can_read_stops_nothing() -> None:
    fill(1)
    [path] = configured.SPOOL_DIR.glob("*.log")
    path.write_bytes(b"nonsense\n")
    assert sign("Queue").value == "empty"


@pytest.mark.django_db
def test_a_queue_that_is_nearly_full_is_bad(settings: Settings) -> None:
    fill(2)
    settings.QUEUE_MAX_BYTES = 100
    assert sign("Queue").state is State.BAD


@pytest.mark.not_on_clickhouse
def test_days_that_are_not_reckoned_are_counted(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    StaleDay.objects.note(site, [site.today()])
    assert sign("Rollups") == Sign("Rollups", "up to date")
    StaleDay.objects.note(site, [site.today() - timedelta(days=ago) for ago in (2, 3)])
    assert sign("Rollups") == Sign("Rollups", "2 days behind")
    monkeypatch.setattr(health, "FEW_DAYS", 1)
    assert sign("Rollups").state is State.WARNING


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("free", "state"), [(50 << 30, State.GOOD), (2 << 30, State.WARNING), (9 << 20, State.BAD)]
)
def test_little_space_on_the_disk_is_said(
    monkeypatch: pytest.MonkeyPatch, free: int, state: State
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(100 << 30, 0, free))
    assert sign("Disk of DATA_DIR").state is state


@pytest.mark.django_db
def test_errors_are_counted() -> None:
    assert sign("Errors in 24 hours") == Sign("Errors in 24 hours", "none")
    RecentErrorsHandler().emit(logging.makeLogRecord({"msg": "Something broke."}))
    found = sign("Errors in 24 hours")
    assert (found.value, found.state) == ("1", State.WARNING)


@pytest.mark.django_db
def test_the_age_of_the_city_file_is_told(settings: Settings) -> None:
    assert sign("Visitors’ places").state is State.WARNING
    write_nested(settings.GEOIP_PATH)
    assert sign("Visitors’ places").state is State.GOOD
    with time_machine.travel(timezone.now() + timedelta(days=100)):
        old = sign("Visitors’ places")
    assert (old.value.endswith("3\xa0months old"), old.state) == (True, State.WARNING)


@pytest.mark.django_db
def test_a_damaged_city_file_or_a_web_service(settings: Settings) -> None:
    settings.GEOIP_PATH.write_bytes(b"no city file")
    assert sign("Visitors’ places").value == "not known"
    settings.GEOIP_URL = "https://geo.example.com/{ip}"
    assert sign("Visitors’ places") == Sign("Visitors’ places", "asked of a web service")


def test_problems_come_the_worst_first() -> None:
    good, warning, bad = (Sign(state, "", state) for state in State)
    assert health.Health([good, warning, bad]).problems == [bad, warning]


# The page


def test_staff_look_up_an_address(analyst_client: Client, settings: Settings) -> None:
    write_nested(settings.GEOIP_PATH)
    page = analyst_client.post(PAGE, {"ip": "1.2.3.4"})
    assert "Los Angeles, 90001" in page.text
    assert "Nothing is known of this address." in analyst_client.post(PAGE, {"ip": "9.9.9.9"}).text


@pytest.mark.parametrize(
    ("ip", "message"),
    [
        ("here", "This is no IP address. Give it as in 203.0.113.7."),
        ("10.0.0.1", "This address is of a private network, which has no place."),
        ("", "This field is required."),
    ],
)
def test_what_is_no_address_is_told(analyst_client: Client, ip: str, message: str) -> None:
    response = analyst_client.post(PAGE, {"ip": ip})
    assert response.context["form"].errors == {"ip": [message]}
    assert "Nothing is known" not in response.text


def test_who_sees_the_page(
    client: Client, stranger_client: Client, owner_client: Client, operator_client: Client,
    staff_client: Client, analyst: User, site: Site,
) -> None:  # fmt: skip
    statuses = [
        person.get(PAGE, follow=True).status_code
        for person in (stranger_client, owner_client, operator_client, staff_client)
    ]
    assert statuses == [403, 403, 200, 200]
    chain = client.get(PAGE, follow=True).redirect_chain
    assert chain[-1] == (f"/account/login/?next={PAGE}", 302)
    analyst.groups.clear()
    client.force_login(analyst)
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, {"ip": "8.8.8.8"}).status_code == 403


def test_the_page_lists_the_errors(analyst_client: Client, tmp_path: Path) -> None:
    RecentErrorsHandler().emit(logging.makeLogRecord({"msg": "<b>Something</b> broke."}))
    assert "&lt;b&gt;Something&lt;/b&gt; broke." in analyst_client.get(PAGE).text


@pytest.mark.not_on_clickhouse
def test_the_page_asks_little(
    staff_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    fill(2)
    with django_assert_num_queries(7):
        staff_client.get(PAGE)


@pytest.mark.usefixtures("in_the_afternoon")
def test_the_page_tells_what_became_of_todays_hits(analyst_client: Client, site: Site) -> None:
    process_hits(record(site), record(site), record(site, prefetch=True))
    process_hits(record(site, NOON - timedelta(days=1)))
    put(record(site))
    hits = analyst_client.get(PAGE).context["hits"]
    assert (hits.accepted, hits.stored, hits.waiting) == (4, 2, 1)
    assert hits.filtered == [(Reason.PREFETCH, 1)]
