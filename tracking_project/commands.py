from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder


class DatabaseCommand(BaseCommand):
    """For commands that can do nothing before the first `migrate`."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        if not MigrationRecorder(connection).has_table():
            raise CommandError(
                "The database is not set up yet: run “make run” (or “manage.py migrate”) first."
            )
        return super().execute(*args, **options)
