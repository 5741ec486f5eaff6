from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as Migrate
from django.db import connections


class Command(Migrate):
    help = Migrate.help + " All databases, unless --database names one."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=None)

    def get_check_kwargs(self, options: dict[str, Any]) -> Any:
        kwargs: dict[Any, Any] = dict(super().get_check_kwargs(options))
        return {**kwargs, "databases": self.chosen(options["database"])}

    def chosen(self, database: str | None) -> list[str]:
        return [database] if database else list(connections)

    def handle(self, *args: Any, database: str | None, **options: Any) -> None:
        for alias in self.chosen(database):
            super().handle(*args, database=alias, **options)
