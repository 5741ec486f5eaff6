"""Which database a model's rows are in: visits and events may have one of their own."""

from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

EVENTS_DB_ALIAS = "events"
MODELS = ("visit", "event")


def events_database() -> str:
    """The alias of the database of visits and events."""
    return EVENTS_DB_ALIAS if EVENTS_DB_ALIAS in settings.DATABASES else DEFAULT_DB_ALIAS


def events_are_in_clickhouse() -> bool:
    """Else they are where everything is, and days that are over are reckoned."""
    return EVENTS_DB_ALIAS in settings.DATABASES


# Time-outs, failing connections and shards, too many queries, no memory for one more.
AWAY = {159, 160, 202, 209, 210, 236, 241, 242, 279, 319}


def is_clickhouse_away(error: BaseException) -> bool:
    """Did it not answer, or refuse to for the time being?"""
    cause = error.__cause__
    if not type(cause).__module__.startswith("clickhouse_driver"):
        return False
    first = cause.args[0] if cause and cause.args else None
    return getattr(cause, "code", getattr(first, "code", None)) in AWAY


class EventsRouter:
    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        is_of_events = is_elsewhere(model._meta.app_label, model._meta.model_name)
        return events_database() if is_of_events else DEFAULT_DB_ALIAS

    db_for_write = db_for_read

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool | None:
        """A visit is of a site, wherever the two are kept."""
        return True

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool:
        is_of_events = is_elsewhere(app_label, model_name)
        return db == (events_database() if is_of_events else DEFAULT_DB_ALIAS)


def is_elsewhere(app_label: str, model_name: str | None) -> bool:
    return app_label == "tracking" and model_name in MODELS
