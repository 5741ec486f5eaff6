from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS
from tqdm import tqdm

from tracking.processing import copying
from tracking.processing.backlog import Backlog, FolderInUse
from tracking.routers import EVENTS_DB_ALIAS, events_are_in_clickhouse
from tracking_project.commands import DatabaseCommand

TARGETS = {"clickhouse": EVENTS_DB_ALIAS, "default": DEFAULT_DB_ALIAS}


class Command(DatabaseCommand):
    help = (
        "Copy visits and events to ClickHouse, or back to the database of DATABASE_URL. Stop the "
        "workers of all hosts before; hits wait in the queue meanwhile. Interrupted, it goes on "
        "where it stopped. Nothing is deleted where it came from."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", choices=TARGETS, required=True)

    def handle(self, *, to: str, **options: Any) -> None:
        if not events_are_in_clickhouse():
            raise CommandError("Set EVENTS_DATABASE_URL: it says where ClickHouse is.")
        try:
            with Backlog(settings.SPOOL_DIR):
                self.copy(TARGETS[to])
        except FolderInUse:
            raise CommandError(
                "The worker runs. Stop it first, so that nothing changes meanwhile."
            ) from None

    def copy(self, target: str) -> None:
        [source] = set(TARGETS.values()) - {target}
        copying.make_tables(source)
        copying.make_tables(target)
        parts = copying.differing(source, target)
        with tqdm(total=sum(parts.values()), unit=" rows", disable=None) as progress:
            for part in parts:
                progress.set_description(str(part.day))
                for number in copying.copy(part, source, target):
                    progress.update(number)
        if left := copying.differing(source, target):
            days = ", ".join(sorted({str(part.day) for part in left}))
            raise CommandError(f"These days differ still; copy again: {days}")
        copying.finish(target)
        self.stdout.write(
            f"Copied {sum(parts.values())} rows of {len({part.day for part in parts})} days; "
            "every day has as many visits and events there as here."
        )
