from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone
from tqdm import tqdm

from tracking.processing import retention
from tracking_project.commands import DatabaseCommand


class Command(DatabaseCommand):
    help = (
        "Delete visits and events of months that are longer ago than RETENTION_MONTHS. The worker "
        "does that by itself; it can be interrupted, and goes on the next time."
    )

    def handle(self, *, verbosity: int, **options: Any) -> None:
        first = retention.first_kept(timezone.now())
        if first is None:
            raise CommandError("RETENTION_MONTHS is not set: everything is kept.")
        number = retention.older(first)
        with tqdm(
            total=number, unit=" visits", unit_scale=True, disable=not verbosity or None
        ) as progress:
            for part in retention.delete_before(first):
                progress.update(part)
        if verbosity:
            self.stdout.write(f"Deleted {number} visits from before {first}.")
