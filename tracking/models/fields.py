"""Fields that say the same on every database, in as few bytes as it allows.

SQLite would keep moments and days as texts of 26 and 10 characters, in each row and again in
each index; as numbers they take 6 bytes and 2.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import IsNull

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
FIRST_DAY = date(1970, 1, 1).toordinal()


def milliseconds(moment: datetime) -> int:
    """Since 1970; what is shorter is dropped."""
    return (moment - EPOCH) // MILLISECOND


def moment_of(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)


def day_number(day: date) -> int:
    """Days since 1970."""
    return day.toordinal() - FIRST_DAY


def day_of(number: int) -> date:
    return date.fromordinal(number + FIRST_DAY)


@models.IntegerField.register_lookup
class Among(models.Lookup):
    """`__among`: any of these numbers, however many, as one parameter.

    `__in` prepares each of them, which took longer than the search itself.
    """

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper) -> Any:
        column, params = self.process_lhs(compiler, connection)
        if connection.vendor == "postgresql":
            return f"{column} = ANY(%s::bigint[])", (*params, postgres_array(self.rhs))
        if connection.vendor == "clickhouse":
            return any_of(column, params, self.rhs)
        values = "SELECT value FROM json_each(%s)"
        return f"{column} IN ({values})", (*params, json.dumps(list(self.rhs)))


def postgres_array(numbers: Iterable[int]) -> str:
    """As PostgreSQL writes an array; psycopg needs three times as long for it."""
    return f"{{{','.join(map(str, numbers))}}}"


def any_of(column: str, params: Sequence[Any], numbers: Iterable[int]) -> tuple[str, Any]:
    """A condition for ClickHouse, which takes all parameters as text anyway."""
    written = ", ".join(map(str, numbers))
    return (f"{column} IN ({written})", params) if written else ("0 = 1", ())


class NumberOnSQLite:
    """A field of time that SQLite keeps as an integer, and other databases as their own type."""

    to_number: Callable[[Any], int]
    from_number: Callable[[int], Any]

    def get_internal_type(self) -> str:
        # A name of its own: what Django's is read back as, SQLite's backend would take for text.
        return type(self).__name__

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        if connection.vendor == "sqlite":
            return "integer"
        own: str = super().get_internal_type()  # type: ignore[misc]
        return str(connection.data_types[own])

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        if connection.vendor != "sqlite":
            return super().get_db_prep_value(  # type: ignore[misc]
                value, connection, prepared
            )
        if not prepared:
            value = self.get_prep_value(value)  # type: ignore[attr-defined]
        return value if value is None else type(self).to_number(value)

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        return type(self).from_number(value) if isinstance(value, int) else value


class RowNumberField(models.BigIntegerField):  # type: ignore[type-arg]
    """A primary key that SQLite finds rows by; by any other type it would need an index for it."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        own = "IntegerField" if connection.vendor == "sqlite" else "BigIntegerField"
        return str(connection.data_types[own])

    def rel_db_type(self, connection: BaseDatabaseWrapper) -> str:
        return self.db_type(connection)


class MomentField(NumberOnSQLite, models.DateTimeField):  # type: ignore[type-arg]
    """An aware datetime, exact to the millisecond."""

    to_number = staticmethod(milliseconds)
    from_number = staticmethod(moment_of)


class DayField(NumberOnSQLite, models.DateField):  # type: ignore[type-arg]
    """A date of some site's calendar."""

    to_number = staticmethod(day_number)
    from_number = staticmethod(day_of)


class PropertiesField(models.JSONField):
    """Texts by their names, or None; ClickHouse has a type for just that."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        if connection.vendor == "clickhouse":
            return "Map(LowCardinality(String), String)"
        return super().db_type(connection)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        if connection.vendor == "clickhouse":
            return value or {}
        return super().get_db_prep_value(value, connection, prepared)

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        if connection.vendor == "clickhouse":
            return value or {}
        return super().get_db_prep_save(value, connection)

    def select_format(self, compiler: Any, sql: str, params: Any) -> Any:
        if compiler.connection.vendor == "clickhouse":
            return sql, params
        return super().select_format(compiler, sql, params)

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        if connection.vendor == "clickhouse":
            return value or None
        return super().from_db_value(value, expression, connection)


@PropertiesField.register_lookup
class HasNoProperties(IsNull):
    def as_clickhouse(self, compiler: Any, connection: BaseDatabaseWrapper) -> Any:
        column, params = self.process_lhs(compiler, connection)
        return f"{'empty' if self.rhs else 'notEmpty'}({column})", params


class PropertyText(KeyTextTransform):
    """The text of one property."""

    output_field = models.TextField()

    def as_clickhouse(self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        column, params = compiler.compile(self.lhs)
        return f"{column}[%s]", (*params, self.key_name)
