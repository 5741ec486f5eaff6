"""What figures can be told apart by: each dimension is declared here, and nowhere else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from babel import Locale
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, CharField, F, Func, IntegerField, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.sql.compiler import SQLCompiler

from tracking.models import Event, Visit
from tracking.reporting.metrics import Table
from tracking.reporting.period import Bucket, Interval, Period

# The moment at which a row counts.
MOMENT: dict[Table, str] = {Visit: "started_at", Event: "time"}
TIME = "time"


@dataclass(frozen=True)
class Dimension:
    """`columns` says where it is found in the rows of each table, `rows` which rows have it.

    `name_of` is how people call a value, `empty` how they call it where there is none.
    """

    name: str
    label: str
    columns: dict[Table, str]
    empty: str = "Unknown"
    rows: Q = field(default_factory=Q)
    name_of: Callable[[str], str] = str

    def written(self, value: str) -> str:
        return self.name_of(value) if value else self.empty


def of_visit(
    name: str, label: str, empty: str = "Unknown", name_of: Callable[[str], str] = str
) -> Dimension:
    """A dimension that is true of the whole visit, and so of each of its events."""
    columns: dict[Table, str] = {Visit: name, Event: f"visit__{name}"}
    return Dimension(name, label, columns, empty, name_of=name_of)


def country_name(code: str) -> str:
    """“Nepal” for NP; a code that nobody knows stands for itself."""
    return str(Locale("en").territories.get(code, code))


DIMENSIONS = {
    dimension.name: dimension
    for dimension in (
        Dimension(TIME, "Time", MOMENT),
        Dimension("page", "Page", {Event: "page"}, "(none)", Q(name=Event.PAGEVIEW)),
        of_visit("entry_page", "Entry page", "(no page viewed)"),
        of_visit("source", "Source", "Direct / none"),
        of_visit("country", "Country", name_of=country_name),
        of_visit("browser", "Browser"),
        of_visit("os", "Operating system"),
        of_visit("device", "Device"),
    )
}


def interval_column(table: Table, period: Period) -> Combinable:
    """In which interval of the period does a row lie? Its day, or the interval's number.

    The stored day is the quickest answer. Hours and months are compared with their bounds,
    since databases differ in what they know of time zones, and SQLite knows nothing.
    """
    if period.interval is Interval.DAY:
        return F("day")
    return Case(
        *(
            When(**{f"{MOMENT[table]}__lt": bucket.end}, then=Value(number))
            for number, bucket in enumerate(period.buckets())
        ),
        output_field=IntegerField(),
    )


def buckets_by_column(period: Period) -> dict[date | int, Bucket]:
    """The intervals of the period by what `interval_column` calls them."""
    return {
        bucket.first_day if period.interval is Interval.DAY else number: bucket
        for number, bucket in enumerate(period.buckets())
    }


class ByteOrder(Func):
    """Sorts text alike on every database and in Python, whatever the database's locale."""

    template = "%(expressions)s"
    output_field = CharField()

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, Sequence[Any]]:
        return self.as_sql(compiler, connection, template='%(expressions)s COLLATE "C"')
