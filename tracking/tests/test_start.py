"""`manage.py start`: what keeps it from starting, and how everything ends that it started."""

import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tracking.management.commands import start
from tracking.tests.service import Installation, started, wait_for


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Listens as granian does, which would let others listen beside it."""
    with socket.socket() as listening:
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            listening.setsockopt(socket.SOL_SOCKET, option, 1)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What would have been started, or migrated."""
    done: list[object] = []
    monkeypatch.setattr(start, "call_command", lambda *args, **_: done.append(args[0]))
    monkeypatch.setattr("os.execv", lambda *args: done.append(args[1][1:]))
    monkeypatch.setattr("os.chdir", lambda path: None)
    return done


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_is_taken_is_told_before_anything_is_done(
    settings: Settings, listener: socket.socket, nothing_starts: list[object], host: str
) -> None:
    port = listener.getsockname()[1]
    settings.SERVER_HOST, settings.SERVER_PORT = host, port
    with pytest.raises(CommandError) as error:
        call_command("start")
    assert str(error.value) == (
        f"Port {port} of {host} is taken. Stop what listens there, or choose another: "
        f"make run PORT={port + 1}"
    )
    assert nothing_starts == []


@pytest.mark.parametrize(
    ("host", "port"), [("192.0.2.1", 8000), ("127.0.0.1", 70_000), ("no host", 8000)]
)
def test_an_address_that_is_none_is_told(
    settings: Settings, nothing_starts: list[object], host: str, port: int
) -> None:
    settings.SERVER_HOST, settings.SERVER_PORT = host, port
    with pytest.raises(CommandError, match=f"Nothing can listen on port {port} of {host}: "):
        call_command("start")
    assert nothing_starts == []


@pytest.mark.django_db
def test_a_port_that_was_just_left_is_free(
    settings: Settings, listener: socket.socket, nothing_starts: list[object]
) -> None:
    settings.SERVER_HOST, settings.SERVER_PORT = listener.getsockname()
    with socket.create_connection(listener.getsockname()):
        listener.accept()[0].close()  # first, so that the port is held back for a minute
    listener.close()
    call_command("start")
    processes = ["-m", "tracking_project.processes"]
    assert nothing_starts == ["migrate", "collectstatic", "setup_link", processes]


@pytest.mark.django_db
@pytest.mark.usefixtures("staff")
def test_a_server_with_an_owner_says_nothing_of_the_set_up_link(
    nothing_starts: list[object], settings: Settings
) -> None:
    settings.SERVER_PORT = 0
    call_command("start")
    assert "setup_link" not in nothing_starts


# Real processes


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with started(tmp_path / "data") as running:
        yield running


def children(installation: Installation) -> list[int]:
    return [int(pid) for pid in re.findall(r"started \(pid=(\d+)\)", installation.log("start"))]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.service
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_everything_stops_in_order_within_two_seconds(
    installation: Installation, number: signal.Signals
) -> None:
    time.sleep(2)  # until the worker is at work, too
    began = time.monotonic()
    assert installation.kill("start", number) == 0
    assert time.monotonic() - began < 2
    assert not installation.answers()
    assert "worker.1 stopped (rc=0)" in installation.log("start")
    assert [is_alive(pid) for pid in children(installation)] == [False, False]


@pytest.mark.service
@pytest.mark.skipif(not Path("/proc").exists(), reason="Only Linux tells of a parent's death.")
def test_nothing_outlives_a_kill(installation: Installation) -> None:
    web, worker = children(installation)
    process = installation.processes.pop("start")
    process.kill()
    process.wait(20)
    wait_for(lambda: not is_alive(web) and not is_alive(worker), 5)
    assert not installation.answers()


@pytest.mark.service
def test_all_ends_with_one_of_its_processes(installation: Installation) -> None:
    os.kill(children(installation)[0], signal.SIGKILL)
    assert installation.processes.pop("start").wait(20) == 1
    assert [is_alive(pid) for pid in children(installation)] == [False, False]
