"""What is to be done from time to time, beside the worker and without ever delaying it: figures
of closed days are reckoned, what is too old is deleted."""

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from django.conf import settings
from django.db import Error, connections
from django.utils import timezone

from tracking.models import StaleDay
from tracking.processing import retention

logger = logging.getLogger(__name__)

IDLE_SECONDS = 20.0
SECONDS_AFTER_FAILURE = 300.0
SECONDS_BETWEEN_DELETIONS = 3600.0
NICENESS = 5


class Reckoner(threading.Thread):
    """Runs `manage.py rollup` whenever a day is due, and `apply_retention` when a month is.

    As processes of their own, since those take turns with nobody then, and what a day needs of
    memory is given back. What they have not stored when they end is done again.
    """

    def __init__(self) -> None:
        super().__init__(name="reckoner", daemon=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._next_deletion = 0.0

    def run(self) -> None:
        while True:
            is_well = self.do_what_is_due()
            time.sleep(IDLE_SECONDS if is_well else SECONDS_AFTER_FAILURE)

    def do_what_is_due(self) -> bool:
        """False if something failed; why, is in the log."""
        try:
            commands = list(self.due())
        except Error as error:
            logger.warning("The database cannot tell what is due: %s", error)
            commands = []
        for alias in connections:
            connections[alias].close()
        return False not in [self.manage(command) for command in commands]

    def due(self) -> Iterator[str]:
        if StaleDay.objects.due(timezone.now()):
            yield "rollup"
        if time.monotonic() >= self._next_deletion:
            if retention.is_due(timezone.now()):
                yield "apply_retention"
            self._next_deletion = time.monotonic() + SECONDS_BETWEEN_DELETIONS

    def manage(self, command: str) -> bool:
        self._process = subprocess.Popen(  # noqa: S603
            (sys.executable, "manage.py", command, "--verbosity=0"),
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            env=os.environ,
        )
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, NICENESS)
        return self._process.wait() == 0

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
