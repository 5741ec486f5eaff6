import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tracking import client as module
from tracking.client import Client
from tracking.tests.batches import Batches, batches
from tracking.tests.service import free_port

VISITOR: Any = {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0"}
Log = pytest.LogCaptureFixture


@pytest.fixture
def server() -> Iterator[Batches]:
    with batches() as running:
        yield running


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(module, "SECONDS_AT_EXIT", 0.0)


def quick(url: str, **options: Any) -> Client:
    return Client(url, "secret", **{"seconds_to_gather": 0.05, "timeout": 0.5, **options})


def test_page_views_and_events_arrive_with_all_that_is_told(server: Batches) -> None:
    client = quick(server.url + "/")
    before = datetime.now(UTC)
    client.pageview("https://example.com/a", **VISITOR, title="Ä", referrer="https://b.example/")
    client.event(
        "Order",
        "https://example.com/b",
        **VISITOR,
        props={"plan": "pro", "seats": 3, "trial": False},
        revenue=Decimal("19.90"),
        currency="EUR",
        interactive=False,
    )
    assert client.flush()
    assert server.asked == [("/t/0b9b0a2c/batch", "Bearer secret")]
    view, order = server.hits
    times = [datetime.fromisoformat(hit.pop("time")) for hit in (view, order)]
    assert before <= times[0] <= times[1] <= datetime.now(UTC)
    assert view == {
        "url": "https://example.com/a",
        **VISITOR,
        "title": "Ä",
        "referrer": "https://b.example/",
    }
    assert order == {
        "event": "Order",
        "url": "https://example.com/b",
        **VISITOR,
        "props": {"plan": "pro", "seats": 3, "trial": False},
        "revenue": "19.90",
        "currency": "EUR",
        "interactive": False,
    }


def send(client: Client, number: int) -> list[str]:
    urls = [f"/{place}" for place in range(number)]
    for url in urls:
        client.pageview(url, **VISITOR)
    return urls


def test_hits_are_sent_in_batches_of_a_hundred_at_most(server: Batches) -> None:
    client = quick(server.url, seconds_to_gather=0.5)
    urls = send(client, 250)
    assert client.flush()
    assert [len(batch) for batch in server.batches] == [100, 100, 50]
    assert [hit["url"] for hit in server.hits] == urls


def test_reporting_costs_next_to_nothing_while_the_server_is_slow(
    server: Batches, caplog: Log
) -> None:
    server.delay = 1.0
    client = quick(server.url)
    begin = time.perf_counter()
    send(client, 500)
    assert time.perf_counter() - begin < 0.5
    assert client.flush(0.1) is False
    time.sleep(1)
    assert [record.message for record in caplog.records] == [
        f"{server.url} took too long; 100 hits may be lost."
    ]


def test_what_took_too_long_is_not_sent_twice(server: Batches) -> None:
    server.delay = 1.0
    client = quick(server.url)
    send(client, 3)
    assert client.flush()
    server.delay = 0.0
    client.pageview("/later", **VISITOR)
    assert sorted(hit["url"] for hit in server.wait(4)) == ["/0", "/1", "/2", "/later"]
    assert len(server.asked) == 2


def test_hits_wait_while_the_server_is_down(caplog: Log) -> None:
    port = free_port()
    client = quick(f"http://127.0.0.1:{port}/t/0b9b0a2c")
    urls = send(client, 5)
    assert client.flush(0.3) is False
    with batches(port) as server:
        assert client.flush()
        assert [hit["url"] for hit in server.hits] == urls
    assert len(caplog.records) == 1
    assert "cannot be reached" in caplog.text


@pytest.mark.parametrize("status", [429, 500, 503])
def test_hits_that_the_server_could_not_keep_are_sent_again(server: Batches, status: int) -> None:
    server.statuses = [status, status, 202]
    client = quick(server.url)
    urls = send(client, 2)
    assert client.flush()
    assert [hit["url"] for hit in server.hits] == urls
    assert len(server.asked) == 3


def test_when_too_many_wait_the_newest_are_lost(caplog: Log) -> None:
    port = free_port()
    client = quick(f"http://127.0.0.1:{port}/t/0b9b0a2c", max_waiting=10, seconds_to_gather=0.0)
    client.pageview("/first", **VISITOR)
    time.sleep(0.1)  # it is being sent, and is in nobody's way
    urls = send(client, 50)
    with batches(port) as server:
        assert client.flush()
        assert [hit["url"] for hit in server.hits] == ["/first", *urls[:10]]
    (message,) = caplog.messages  # one a minute is enough
    assert "cannot be reached" in message


def test_a_full_queue_is_warned_of(server: Batches, caplog: Log) -> None:
    server.delay = 0.4
    client = quick(server.url, max_waiting=1, seconds_to_gather=0.0)
    send(client, 5)
    assert caplog.messages == [f"1 hits wait for {client.url}; the newest are lost."]
    assert client.flush()


def test_a_hit_that_is_refused_does_not_take_the_others_with_it(
    server: Batches, caplog: Log
) -> None:
    server.refuses = "/3"
    client = quick(server.url)
    send(client, 8)
    assert client.flush()
    assert sorted(hit["url"] for hit in server.hits) == [f"/{n}" for n in range(8) if n != 3]
    assert caplog.messages == [f"{server.url} refuses: 400 "]


@pytest.mark.parametrize("status", [301, 401, 404])
def test_a_wrong_address_or_token_is_said_and_costs_nothing_more(
    server: Batches, caplog: Log, status: int
) -> None:
    server.statuses = [status]
    client = quick(server.url)
    send(client, 5)
    assert client.flush()
    assert len(server.asked) == 1
    assert caplog.messages == [f"{server.url} refuses: {status} "]


def test_nothing_raises(server: Batches, caplog: Log) -> None:
    circle: dict[str, Any] = {}
    circle["self"] = circle
    client = quick(server.url)
    client.pageview("/circle", **VISITOR, props=circle)
    client.pageview("/fine", **VISITOR)
    assert client.flush()
    assert [hit["url"] for hit in server.hits] == ["/fine"]
    assert "could not be written as JSON" in caplog.text
    broken = quick("no address at all")
    send(broken, 2)
    assert broken.flush()
    assert "Nothing can be sent to no address at all" in caplog.text


def test_a_forked_process_sends_what_is_its_own(server: Batches) -> None:
    client = quick(server.url, seconds_to_gather=0.3)
    client.pageview("/parent", **VISITOR)
    child = os.fork()
    if not child:
        client.pageview("/child", **VISITOR)
        os._exit(0 if client.flush(5) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert client.flush()
    assert sorted(hit["url"] for hit in server.hits) == ["/child", "/parent"]


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import client
sender = client.Client(sys.argv[2], "secret")
sender.pageview("/last", ip="203.0.113.7", user_agent="Mozilla/5.0")
assert "django" not in sys.modules
"""


def test_what_waits_is_sent_when_a_program_ends(server: Batches) -> None:
    folder = os.path.dirname(module.__file__)
    command = [sys.executable, "-c", SCRIPT, folder]
    subprocess.run([*command, server.url], check=True, timeout=20)
    assert [hit["url"] for hit in server.hits] == ["/last"]
    begin = time.monotonic()
    subprocess.run([*command, "http://127.0.0.1:1/t/x"], check=True, timeout=20)
    assert time.monotonic() - begin < 5, "A server that is down holds nobody up for long."
