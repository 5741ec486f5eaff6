"""Keeps the figures of closed days true, beside the worker and without ever delaying it."""

import logging
import threading
import time

from django.db import Error, connection
from django.utils import timezone

from tracking.models import StaleDay
from tracking.reporting.rollups import reckon

logger = logging.getLogger(__name__)

IDLE_SECONDS = 20.0


class Reckoner(threading.Thread):
    """Reckons the days that are due, one after the other, and rests as long as each took.

    Ends with the process: what it has not stored yet is done again.
    """

    def __init__(self) -> None:
        super().__init__(name="reckoner", daemon=True)

    def run(self) -> None:
        while True:
            try:
                self.reckon_due()
            except Error as error:
                logger.warning("The database cannot tell which days are due: %s", error)
            connection.close()
            time.sleep(IDLE_SECONDS)

    def reckon_due(self) -> None:
        for stale in StaleDay.objects.due(timezone.now()):
            began = time.monotonic()
            try:
                reckon(stale)
            except Exception:
                logger.exception("%s of %s could not be reckoned", stale, stale.site)
                connection.close()
            time.sleep(time.monotonic() - began)
