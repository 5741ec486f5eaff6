import gc
import logging
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from tracking.processing.backlog import Backlog, FolderInUse
from tracking.processing.worker import Worker

logger = logging.getLogger(__name__)

IDLE_SECONDS = 0.2
SECONDS_AFTER_FAILURE = 1.0


class Command(BaseCommand):
    help = "Store the hits that wait in the queue, until stopped by Ctrl-C or SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="drain the queue, then exit")

    def handle(self, *, once: bool, **options: Any) -> None:
        self.stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.stop.set())
        # Hits hold no cycles; looking for those took a quarter of the time.
        gc.freeze()
        gc.set_threshold(50_000, 50, 100)
        while not self.stop.is_set():
            try:
                with Backlog(settings.SPOOL_DIR) as backlog:
                    return self.work(Worker(backlog), once)
            except FolderInUse as folder:
                if once:
                    raise CommandError(f"Another worker is at work on {folder}.") from None
                self.stop.wait(SECONDS_AFTER_FAILURE)

    def work(self, worker: Worker, once: bool) -> None:
        while not self.stop.is_set():
            try:
                found = worker.process_batch()
            except Error as error:
                if once:
                    raise CommandError(f"The database cannot store hits: {error}") from error
                logger.error("The database cannot store hits, they are waiting: %s", error)
                self.stop.wait(SECONDS_AFTER_FAILURE)
                continue
            if once and not found:
                break
            if not found:
                self.stop.wait(IDLE_SECONDS)
        excluded = "".join(f", {count} {reason}" for reason, count in worker.excluded.items())
        self.stdout.write(f"Stored {worker.stored} events{excluded}.")
