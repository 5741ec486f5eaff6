"""Keeps the figures of closed days true, beside the worker and without ever delaying it."""

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time

from django.conf import settings
from django.db import Error, connection
from django.utils import timezone

from tracking.models import StaleDay

logger = logging.getLogger(__name__)

IDLE_SECONDS = 20.0
SECONDS_AFTER_FAILURE = 300.0
NICENESS = 5
COMMAND = (sys.executable, "manage.py", "rollup", "--verbosity=0")


class Reckoner(threading.Thread):
    """Runs `manage.py rollup` whenever a day is due.

    As a process of its own, since it takes turns with nobody then, and what a day needs of
    memory is given back. What it has not stored when it ends is done again.
    """

    def __init__(self) -> None:
        super().__init__(name="reckoner", daemon=True)
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        while True:
            time.sleep(IDLE_SECONDS if self.reckon_due() else SECONDS_AFTER_FAILURE)

    def reckon_due(self) -> bool:
        """False if that failed; why, is in the log."""
        try:
            is_due = bool(StaleDay.objects.due(timezone.now()))
        except Error as error:
            logger.warning("The database cannot tell which days are due: %s", error)
            is_due = False
        connection.close()
        if not is_due:
            return True
        self._process = subprocess.Popen(  # noqa: S603
            COMMAND, cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL, env=os.environ
        )
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, NICENESS)
        return self._process.wait() == 0

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
