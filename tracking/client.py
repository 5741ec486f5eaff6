"""Reports page views and events to a Tracking server, from any Python program.

    client = Client("https://stats.example.com/t/<public id>", token)
    client.event("Sign-up", "https://example.com/welcome", ip="203.0.113.7", user_agent="Mozilla/…")

Needs nothing but `requests`: copy this file into your project.
"""

import atexit
import contextlib
import json
import logging
import os
import queue
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypedDict, Unpack

import requests

logger = logging.getLogger(__name__)

MAX_BATCH = 100  # as many as the server takes
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
SECONDS_BETWEEN_WARNINGS = 60.0
SECONDS_AT_EXIT = 2.0


class Details(TypedDict, total=False):
    """What else may be told of a page view or an event."""

    referrer: str
    title: str
    page: str  # a group of pages, as in /user/<id>; goes before the path of the URL
    screen: str  # as in 1440x900
    language: str  # as in de-DE
    props: Mapping[str, str | int | float | bool]
    revenue: Decimal | float | str
    currency: str  # its three letters
    interactive: bool  # False: the event does not make a visit more than a bounce


class Client:
    """Keeps what is reported in memory, and sends it from a thread of its own.

    Reporting takes microseconds and raises nothing, whatever becomes of the server. Hits wait
    while it cannot be reached; they are lost when `max_waiting` of them do already, and when it
    takes longer than `timeout` to answer, since it may have kept them.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 5.0,
        seconds_to_gather: float = 1.0,
        max_waiting: int = 10_000,
    ) -> None:
        self.url, self.token = url.rstrip("/"), token
        self.timeout, self.seconds_to_gather = timeout, seconds_to_gather
        self.max_waiting = max_waiting
        self._begin()
        atexit.register(self.flush, SECONDS_AT_EXIT)
        if hasattr(os, "register_at_fork"):
            # A forked process has neither its parent's thread nor a right to its hits.
            os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._waiting: queue.Queue[bytes] = queue.Queue(self.max_waiting)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._session = requests.Session()
        self._next_warning = 0.0

    def pageview(self, url: str, *, ip: str, user_agent: str, **details: Unpack[Details]) -> None:
        self._keep({"url": url, "ip": ip, "user_agent": user_agent, **details})

    def event(
        self, name: str, url: str, *, ip: str, user_agent: str, **details: Unpack[Details]
    ) -> None:
        self._keep({"event": name, "url": url, "ip": ip, "user_agent": user_agent, **details})

    def flush(self, seconds: float = 10.0) -> bool:
        """Wait until all is sent, so long at most; answers whether it is."""
        done = self._waiting.all_tasks_done
        with done:
            return done.wait_for(lambda: not self._waiting.unfinished_tasks, seconds)

    def _keep(self, hit: dict[str, Any]) -> None:
        try:
            now = datetime.now(UTC).isoformat()
            self._waiting.put_nowait(json.dumps({**hit, "time": now}, default=str).encode())
        except queue.Full:
            self._warn("%s hits wait for %s; the newest are lost.", self.max_waiting, self.url)
        except Exception:
            logger.exception("A hit could not be written as JSON.")
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            try:
                self.send_batch()
            except Exception:
                logger.exception("Hits could not be sent to %s.", self.url)

    def send_batch(self) -> None:
        """Gather hits, from the first that comes, and send them until the server has an answer."""
        gathered = [self._waiting.get()]
        end = time.monotonic() + self.seconds_to_gather
        with contextlib.suppress(queue.Empty):
            while len(gathered) < MAX_BATCH and (seconds := end - time.monotonic()) > 0:
                gathered.append(self._waiting.get(timeout=seconds))
        try:
            batches, pause = [gathered], FIRST_PAUSE
            while batches:
                batch = batches.pop()
                left = self._send(batch)
                batches += left
                if left == [batch]:
                    time.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            for _ in gathered:
                self._waiting.task_done()

    def _send(self, batch: list[bytes]) -> list[list[bytes]]:
        """What is left to be sent: nothing, the same again after a pause, or its halves."""
        try:
            answer = self._session.post(
                f"{self.url}/batch",
                data=b"[" + b",".join(batch) + b"]",
                headers={"Authorization": f"Bearer {self.token}"},
                timeout=self.timeout,
                allow_redirects=False,
            )
        except requests.ReadTimeout:
            self._warn("%s took too long; %s hits may be lost.", self.url, len(batch))
            return []
        except requests.ConnectionError as error:
            self._warn("%s cannot be reached: %s", self.url, error)
            return [batch]
        except requests.RequestException as error:
            self._warn("Nothing can be sent to %s: %s", self.url, error)
            return []
        if answer.status_code == 202:
            return []
        if answer.status_code == 429 or answer.status_code >= 500:
            self._warn("%s answers %s.", self.url, answer.status_code)
            return [batch]
        if answer.status_code in {400, 413} and len(batch) > 1:
            # A hit that is refused must not take the others with it.
            middle = len(batch) // 2
            return [batch[middle:], batch[:middle]]
        self._warn("%s refuses: %s %s", self.url, answer.status_code, answer.text[:300])
        return []

    def _warn(self, message: str, *arguments: object) -> None:
        """Once a minute: what goes wrong does so with every hit."""
        if time.monotonic() >= self._next_warning:
            self._next_warning = time.monotonic() + SECONDS_BETWEEN_WARNINGS
            logger.warning(message, *arguments)
