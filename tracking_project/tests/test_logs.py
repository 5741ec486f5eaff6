import importlib
import logging
import logging.config
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from tracking_project.logs import (
    LOUD_WHEN_BROKEN,
    ContextualFilter,
    OneLineFormatter,
    RequestContextMiddleware,
    SeldomFilter,
    logging_config,
)

logger = logging.getLogger("tracking.example")


def log(request: HttpRequest, text: str = "") -> HttpResponse:
    logger.info(request.headers.get("User-Agent", "Hello"))
    return HttpResponse()


urlpatterns = [path("log/", log), path("log/<path:text>", log)]


class Console:
    """The console of a process with our configuration."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.stream = config["handlers"]["console"]["stream"]

    def lines(self) -> list[list[str]]:
        """The fields of each line but the time."""
        text: str = self.stream.getvalue()
        assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:", line) for line in text.splitlines())
        return [line.split("\t")[1:] for line in text.splitlines()]


@pytest.fixture
def error_log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "errors.log"


@pytest.fixture
def console(error_log: Path) -> Iterator[Console]:
    names = ["", "django", "django.request", "django.server"]
    loggers = [logging.getLogger(name) for name in names]
    before = [
        (each, each.level, each.handlers[:], each.filters[:], each.propagate) for each in loggers
    ]
    config = logging_config(str(error_log))
    config["handlers"]["console"]["stream"] = StringIO()
    logging.config.dictConfig(config)
    yield Console(config)
    for handler in logging.getLogger().handlers:
        handler.close()
    for each, level, handlers, filters, propagate in before:
        each.setLevel(level)
        each.handlers, each.filters, each.propagate = handlers, filters, propagate


def during(request: HttpRequest) -> None:
    """Logs a line while `request` is being answered."""
    RequestContextMiddleware(log)(request)


def test_outside_of_a_request_the_context_is_empty(console: Console) -> None:
    logger.warning("Nobody asked for %s", "this")
    assert console.lines() == [["WARNING", "-", "-", "-", "-", "Nobody asked for this"]]


def test_a_line_says_who_asked_for_what(console: Console, rf: RequestFactory) -> None:
    request = rf.post("/sites/?period=30d", REMOTE_ADDR="1.2.3.4")
    request.user = User(pk=7)
    during(request)
    assert console.lines() == [["INFO", "7", "1.2.3.4", "POST", "/sites/", "Hello"]]


def test_the_context_ends_with_the_request(console: Console, rf: RequestFactory) -> None:
    during(rf.get("/"))
    logger.info("After")
    assert console.lines()[-1] == ["INFO", "-", "-", "-", "-", "After"]


def test_an_anonymous_visitor_is_minus_one(console: Console, rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = AnonymousUser()
    during(request)
    assert console.lines()[0][1] == "-1"


def test_logging_never_looks_a_person_up(console: Console, rf: RequestFactory) -> None:
    def look_up() -> User:
        raise AssertionError("asked the database")

    request = rf.get("/")
    request.user = SimpleLazyObject(look_up)  # type: ignore[assignment]
    during(request)
    assert console.lines()[0][1] == "-1"


def test_a_person_who_was_looked_up_is_named(console: Console, rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = SimpleLazyObject(lambda: User(pk=7))  # type: ignore[assignment]
    assert request.user.is_authenticated
    during(request)
    assert console.lines()[0][1] == "7"


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_in_the_running_application_a_signed_in_person_is_named(
    console: Console, owner_client: Client, owner: User
) -> None:
    owner_client.get("/log/")
    Client().get("/log/")
    assert [line[1] for line in console.lines()] == [str(owner.pk), "-1"]


def test_a_record_that_brings_its_request_has_its_context(rf: RequestFactory) -> None:
    record = logging.makeLogRecord({"request": rf.get("/late/", REMOTE_ADDR="1.2.3.4")})
    assert ContextualFilter().filter(record)
    assert (record.url, record.method, record.ip, record.user_id) == (  # type: ignore[attr-defined]
        "/late/",
        "GET",
        "1.2.3.4",
        -1,
    )


FORGED = "2026-01-01 00:00:00,000\tERROR\t1\t1.1.1.1\tGET\t/\tforged"


def test_nothing_that_comes_from_outside_begins_a_line_or_a_column(
    console: Console, rf: RequestFactory
) -> None:
    request = rf.get("/", REMOTE_ADDR=f"1.2.3.4\n{FORGED}")
    request.path = f"/a\r\n{FORGED}\x1b[2J\u2028"
    request.method = f"GET\t{FORGED}"
    request.META["HTTP_USER_AGENT"] = f"x\n{FORGED}\x85"
    during(request)
    forged = FORGED.replace("\t", "\\t")
    assert console.lines() == [
        [
            "INFO",
            "-1",
            f"1.2.3.4\\n{forged}",
            f"GET\\t{forged}",
            f"/a\\r\\n{forged}\\x1b[2J\\u2028",
            f"x\\n{forged}\\x85",
        ]
    ]


def test_a_traceback_is_indented_so_that_it_cannot_pass_for_a_line(console: Console) -> None:
    try:
        raise RuntimeError(f"out of order\n{FORGED}")
    except RuntimeError:
        logger.exception("It failed")
    first, *traceback = console.stream.getvalue().splitlines()
    assert first.endswith("\tIt failed")
    assert traceback[0] == "    Traceback (most recent call last):"
    assert traceback[-1] == "    " + FORGED.replace("\t", "\\t")
    assert all(line.startswith("    ") for line in traceback)


@pytest.fixture
def failed() -> logging.LogRecord:
    """A record with the context and a traceback."""
    try:
        raise RuntimeError("out of order")
    except RuntimeError:
        context = {"url": "/a\n", "method": "GET", "ip": "-", "user_id": -1}
        return logging.makeLogRecord(
            {"msg": "It failed\n%s", "args": ("twice",), "exc_info": sys.exc_info(), **context}
        )


def test_the_next_handler_sees_the_record_as_it_was(failed: logging.LogRecord) -> None:
    before = dict(failed.__dict__)
    OneLineFormatter("%(url)s %(message)s").format(failed)
    assert failed.__dict__ == before


def test_a_traceback_that_another_handler_has_written_is_written_anew(
    failed: logging.LogRecord,
) -> None:
    failed.exc_text = FORGED
    lines = OneLineFormatter("%(message)s").format(failed).splitlines()
    assert lines[:2] == ["It failed\\ntwice", "    Traceback (most recent call last):"]
    assert lines[-1] == "    RuntimeError: out of order"


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/account/setup/97003622a7cdf8996/", "/account/setup/***/"),
        ("/account/password/reset/key/1-c9x-88f0/", "/account/password/reset/key/***/"),
        ("/account/confirm-email/MQ:1wBx:tkQ/", "/account/confirm-email/***/"),
        ("/search/?next=/&csrfmiddlewaretoken=abc&q=1", "/search/"),
    ],
)
def test_secrets_of_an_address_stay_out(
    console: Console, rf: RequestFactory, path: str, logged: str
) -> None:
    during(rf.get(path))
    assert console.lines()[0][4] == logged


def test_secrets_stay_out_of_messages(console: Console) -> None:
    logger.error("Internal Server Error: %s", "/account/setup/97003622a7cdf8996/")
    logger.info('"GET /x?page=2&access_token=abc&password=d%20e&q=1 HTTP/1.1" 200')
    assert [line[-1] for line in console.lines()] == [
        "Internal Server Error: /account/setup/***/",
        '"GET /x?page=2&access_token=***&password=***&q=1 HTTP/1.1" 200',
    ]


def test_a_record_of_django_comes_once(console: Console) -> None:
    for name in ("django.request", "django.server", "django.security.csrf"):
        logging.getLogger(name).warning("From %s", name)
    assert [line[-1] for line in console.lines()] == [
        "From django.request",
        "From django.server",
        "From django.security.csrf",
    ]


def test_errors_also_go_to_the_file_in_a_block(
    console: Console, error_log: Path, rf: RequestFactory
) -> None:
    request = rf.get("/sites/?period=30d", REMOTE_ADDR="1.2.3.4")
    request.user = User(pk=7)
    logger.warning("Not bad enough")
    logger.error("It failed", extra={"request": request})
    logging.getLogger("django.server").error("In the access log already")
    [time, *rest] = error_log.read_text().splitlines()
    assert re.fullmatch(r"Time: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", time)
    assert rest == [
        "Level: ERROR",
        "Method: GET",
        "Path: /sites/",
        "IP: 1.2.3.4",
        "User ID: 7",
        "Message: It failed",
        "",
    ]


def test_without_a_path_there_is_no_file() -> None:
    config = logging_config("")
    assert list(config["handlers"]) == ["console", "recent"]
    assert config["root"]["handlers"] == ["console", "recent"]


WRITER = """
import logging, logging.config, sys
import time_machine
from tracking_project.logs import logging_config

path, writer = sys.argv[1:]
with time_machine.travel("2026-03-01T12:00:00+00:00", tick=True) as clock:
    logging.config.dictConfig(logging_config(path))
    logging.getLogger().handlers[0].setLevel("CRITICAL")
    print("ready", flush=True)
    sys.stdin.readline()
    for day in (1, 2, 3):
        clock.move_to(f"2026-03-0{day}T12:00:00+00:00")
        for number in range(100):
            logging.error("%s/%s/%s", writer, day, number)
"""


def test_processes_that_write_at_once_lose_no_line_when_the_file_turns_over(
    error_log: Path,
) -> None:
    """Three days in a second: each process passes midnight on its own, among the others."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(error_log), str(writer)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "TZ": "UTC"},
        )
        for writer in range(3)
    ]
    for process in writers:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in writers:
        process.communicate("go\n")
        assert process.returncode == 0

    files = sorted(error_log.parent.glob("errors.log*"))
    assert [file.name for file in files] == [
        "errors.log",
        "errors.log.2026-03-01",
        "errors.log.2026-03-02",
    ]
    messages = re.findall(r"^Message: (.*)$", "".join(map(Path.read_text, files)), re.MULTILINE)
    assert sorted(messages) == sorted(
        f"{writer}/{day}/{number}"
        for writer in range(3)
        for day in (1, 2, 3)
        for number in range(100)
    )


def test_seven_files_are_kept(error_log: Path) -> None:
    script = WRITER.replace("(1, 2, 3)", "range(1, 10)").replace("range(100)", "range(1)")
    subprocess.run(
        [sys.executable, "-c", script, str(error_log), "0"],
        input="go\n",
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TZ": "UTC"},
    )
    assert sorted(file.name for file in error_log.parent.glob("errors.log*")) == [
        "errors.log",
        *(f"errors.log.2026-03-0{day}" for day in range(2, 9)),
    ]


def test_what_goes_wrong_with_every_hit_is_said_seldom() -> None:
    clock = iter([100.0, 100.1, 100.2, 110.5])
    seldom = SeldomFilter(seconds=10)
    records = [
        logging.makeLogRecord({"msg": message, "args": (number,)})
        for number, message in enumerate(["No %d.", "No %d.", "Else %d.", "No %d."])
    ]
    with patch("tracking_project.logs.time.monotonic", lambda: next(clock)):
        assert [seldom.filter(record) for record in records] == [True, False, True, True]


def test_the_collectors_loggers_are_filtered() -> None:
    loggers = logging_config("")["loggers"]
    for name in LOUD_WHEN_BROKEN:
        assert importlib.import_module(name).logger.name == name
        assert loggers[name]["filters"] == ["seldom"]
