from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as Migrate
from django.db import connections


class Command(Migrate):
    help = Migrate.help + " All databases, unless --database names one."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=None)

    def handle(self, *args: Any, database: str | None, **options: Any) -> None:
        for alias in [database] if database else connections:
            super().handle(*args, database=alias, **options)
