"""Load on a running installation, and whether what it accepted is what it counted."""

import http.client
import itertools
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import requests

from tracking.tests.service import Service

PAGES = """
    SELECT label.text FROM tracking_event
    JOIN tracking_label AS label ON label.id = tracking_event.page_id
"""


def add_site(running: Service) -> str:
    """A site without a limit for what a visitor may send; returns its public id."""
    running.manage("createsuperuser", "--noinput", "--email", "owner@example.com")
    running.manage("add_site", "example.com", "--owner", "owner@example.com")
    running.execute("UPDATE tracking_site SET hits_a_minute = NULL")
    ((public_id,),) = running.rows("SELECT public_id FROM tracking_site")
    return str(uuid.UUID(str(public_id)))  # SQLite keeps it as 32 hexadecimal digits


class Sender(threading.Thread):
    """Sends page views, each of a page of its own, until told to stop."""

    def __init__(self, running: Service, public_id: str, number: int) -> None:
        super().__init__(daemon=True)
        self.port, self.public_id, self.number = running.port, public_id, number
        self.sent: set[str] = set()
        self.accepted: set[str] = set()
        self.stop = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        for count in itertools.count():
            if self.stop.is_set():
                return
            page = f"/{self.number}/{count}"
            self.sent.add(page)
            try:
                connection.request(
                    "GET",
                    f"/t/{self.public_id}.gif?url=https://example.com{page}",
                    headers={"User-Agent": f"Mozilla/5.0 (X11; rv:1{count % 50}) Firefox/140.0"},
                )
                response = connection.getresponse()
                response.read()
                if response.status == 200:
                    self.accepted.add(page)
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.05)


def start_senders(running: Service, public_id: str, numbers: Iterable[int]) -> list[Sender]:
    senders = [Sender(running, public_id, number) for number in numbers]
    for sender in senders:
        sender.start()
    return senders


def stop_senders(senders: Iterable[Sender]) -> None:
    for sender in senders:
        sender.stop.set()
    for sender in senders:
        sender.join(10)


def assert_exact(running: Service, senders: Sequence[Sender], in_flight: int = 0) -> None:
    """All that was accepted is stored, once, and visits agree with their events.

    `in_flight` requests at most were stored without their sender hearing of it.
    """
    stored = Counter(page for (page,) in running.rows(PAGES))
    sent = set().union(*(sender.sent for sender in senders))
    accepted = set().union(*(sender.accepted for sender in senders))
    assert accepted - set(stored) == set()
    assert set(stored) - sent == set()
    assert {page for page, count in stored.items() if count > 1} == set()
    assert len(set(stored) - accepted) <= in_flight
    ((events, pageviews),) = running.rows("SELECT SUM(events), SUM(pageviews) FROM tracking_visit")
    assert (events, pageviews) == (len(stored), len(stored))


def post_all(
    running: Service, public_id: str, beacons: Iterable[tuple[int, bytes]]
) -> Counter[int]:
    """Send beacons of visitors, by their numbers, sixteen at a time; counts the answers."""
    local = threading.local()

    def post(beacon: tuple[int, bytes]) -> int:
        visitor, body = beacon
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
        local.connection.request(
            "POST",
            f"/t/{public_id}",
            body,
            headers={
                "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
                "X-Forwarded-For": f"7.{visitor >> 16 & 255}.{visitor >> 8 & 255}.{visitor & 255}",
            },
        )
        response = local.connection.getresponse()
        response.read()
        return int(response.status)

    with ThreadPoolExecutor(16) as pool:
        return Counter(pool.map(post, beacons))


def log_in(running: Service) -> requests.Session:
    session = requests.Session()
    page = session.get(f"{running.url}/account/login/").text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    answer = session.post(
        f"{running.url}/account/login/",
        {"login": "owner@example.com", "password": "correct horse", "csrfmiddlewaretoken": token},
        headers={"Referer": f"{running.url}/account/login/"},
    )
    assert answer.ok
    return session
