import gc
import logging
import signal
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from tracking.processing.backlog import Backlog, FolderInUse
from tracking.processing.reckoner import Reckoner
from tracking.processing.worker import Worker

logger = logging.getLogger(__name__)

IDLE_SECONDS = 0.2
SECONDS_AFTER_FAILURE = 1.0


class Command(BaseCommand):
    help = "Store the hits that wait in the queue, until stopped by Ctrl-C or SIGTERM."

    # No Event: its lock may be held by the very wait that the signal interrupts.
    is_stopping = False

    def stop(self, *_: object) -> None:
        self.is_stopping = True

    def pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self.is_stopping and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, IDLE_SECONDS))

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="drain the queue, then exit")

    def handle(self, *, once: bool, **options: Any) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.stop)
        # Hits hold no cycles; looking for those took a quarter of the time.
        gc.freeze()
        gc.set_threshold(50_000, 50, 100)
        reckoner = Reckoner()
        if not once:
            reckoner.start()
        try:
            self.work_on_folder(once)
        finally:
            reckoner.stop()

    def work_on_folder(self, once: bool) -> None:
        while not self.is_stopping:
            try:
                with Backlog(settings.SPOOL_DIR) as backlog:
                    return self.work(Worker(backlog), once)
            except FolderInUse as folder:
                if once:
                    raise CommandError(f"Another worker is at work on {folder}.") from None
                self.pause(SECONDS_AFTER_FAILURE)

    def work(self, worker: Worker, once: bool) -> None:
        while not self.is_stopping:
            try:
                found = worker.process_batch()
            except Error as error:
                if once:
                    raise CommandError(f"The database cannot store hits: {error}") from error
                logger.error("The database cannot store hits, they are waiting: %s", error)
                self.pause(SECONDS_AFTER_FAILURE)
                continue
            if once and not found:
                break
            if not found:
                self.pause(IDLE_SECONDS)
        excluded = "".join(f", {count} {reason}" for reason, count in worker.excluded.items())
        self.stdout.write(f"Stored {worker.stored} events{excluded}.")
