"""The real thing for tests: web server and worker as processes of their own, on a free port."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import requests
from django.conf import settings

PYTHON = sys.executable
GRANIAN = str(Path(sys.executable).with_name("granian"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """What `condition` answers as soon as that is true; fails when it takes too long."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"Waited {seconds} s in vain."
        time.sleep(0.05)
    return result


class Service:
    """An installation with a data folder and a database of its own."""

    def __init__(
        self, folder: Path, database_url: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database_url = database_url
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            **os.environ,
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "BASE_URL": self.url,
            "GRANIAN_HOST": "127.0.0.1",
            "GRANIAN_PORT": str(self.port),
            "EMAIL_URL": "",
            "DJANGO_SUPERUSER_PASSWORD": "correct horse",
            "ERROR_LOG_PATH": "",
            **(environment or {}),
        }

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [PYTHON, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name: str, *command: str) -> None:
        """Start a process with a group of its own, so that its children can be killed with it."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start_web(self) -> None:
        self.start(
            "web",
            *(GRANIAN, "--interface", "wsgi", "--http", "1", "--no-ws", "--blocking-threads", "8"),
            *("--workers-kill-timeout", "1", "tracking_project.wsgi:application"),
        )
        wait_for(self.answers)

    def start_worker(self) -> None:
        self.start("worker", PYTHON, "manage.py", "process_hits")

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/t/nobody.gif", timeout=2).status_code == 404
        except requests.RequestException:
            return False

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to all of a process's group; returns its exit code."""
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        return process.wait(20)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if self.database_url.startswith("sqlite"):
            with contextlib.closing(
                sqlite3.connect(self.folder / "db.sqlite3", timeout=20)
            ) as connection:
                return connection.execute(sql).fetchall()
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        if not self.database_url.startswith("sqlite"):
            with psycopg.connect(self.database_url, autocommit=True) as server:
                server.execute(sql)
            return
        path = self.folder / "db.sqlite3"
        with contextlib.closing(sqlite3.connect(path, timeout=20)) as connection, connection:
            connection.execute(sql)

    def queue_is_empty(self) -> bool:
        return not list((self.folder / "spool").glob("*.log"))


@contextlib.contextmanager
def database_like_the_tests(folder: Path) -> Iterator[str]:
    """The URL of an empty database of the kind that the tests run on."""
    configured = os.environ.get("DATABASE_URL", "")
    if not configured.startswith("postgres"):
        yield f"sqlite:///{folder / 'db.sqlite3'}"
        return
    name = f"service_{uuid.uuid4().hex[:12]}"
    server, _, _ = configured.rpartition("/")
    with psycopg.connect(configured, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextlib.contextmanager
def service(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Service]:
    """A migrated installation; whatever was started is ended with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    with database_like_the_tests(folder) as url:
        running = Service(folder, url, environment)
        try:
            running.manage("migrate", "--verbosity", "0")
            yield running
        finally:
            for name in list(running.processes):
                running.kill(name)


class Installation(Service):
    """What `make run` starts."""

    def start_all(self) -> None:
        self.start("start", PYTHON, "manage.py", "start")
        wait_for(self.answers, 60)

    def setup_link(self) -> str:
        (link,) = (word for word in self.log("start").split() if "/account/setup/" in word)
        return link


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Installation]:
    """A running installation, as it is just after its first start."""
    folder.mkdir(parents=True, exist_ok=True)
    with database_like_the_tests(folder) as url:
        running = Installation(folder, url)
        running.start_all()
        try:
            yield running
        finally:
            if "start" in running.processes:
                running.kill("start", signal.SIGTERM)
