"""Reads visits and events of a site's day as columns, as quickly as each database gives them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Any

import numpy as np
from django.db import connections, models
from django.db.models import F, IntegerField, Value
from django.db.models.functions import Coalesce

from tracking.models import Event, Site, Visit
from tracking.models.fields import EPOCH, MILLISECOND, MomentField
from tracking.models.labels import LabelField, slices
from tracking.reporting.columns import EVENT_LABELS, VISIT_LABELS, Coded, Day, Numbers, Packed
from tracking.reporting.period import DAY, midnight

ROWS_AT_ONCE = 5_000
SECOND = timedelta(seconds=1)
POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
VISIT_FIELDS = ("id", "site_id", "visitor_id", "started_at", "duration", "is_bounce", "events")
EVENT_FIELDS = ("id", "site_id", "visit_id", "time", "engaged", "scroll")

Columns = dict[str, Numbers]


def read_day(site: Site, day: date) -> Day:
    """All that the rows say of a day."""
    return read_days([site], day)[site.pk]


def read_days(
    sites: Sequence[Site], day: date, only: Collection[str] | None = None
) -> dict[int, Day]:
    """What the rows say of a day, by sites that share a time zone; of labels no more than asked.

    A visit belongs to the day on which it begins, an event to that on which it happens; with
    each of them comes the whole visit.
    """
    reader = Reader(sites, day, only)
    visits, events = reader.visits(), reader.events()
    earlier = np.setdiff1d(events["visit_id"], visits["id"])
    visits = joined([(visits, True), *((some, False) for some in reader.visits_with(earlier))])
    # Visits that have more events than were found go over midnight.
    listed = occurrences(events["visit_id"], visits["id"])
    longer = visits["id"][visits["events"] > listed]
    events = joined([(events, True), *((some, False) for some in reader.other_events_of(longer))])
    if len(sites) == 1:
        return {sites[0].pk: assembled(reader, visits, events)}
    return {
        site.pk: assembled(reader, of_site(visits, site), of_site(events, site)) for site in sites
    }


def of_site(columns: Columns, site: Site) -> Columns:
    rows = np.flatnonzero(columns["site_id"] == site.pk)
    return {name: column[rows] for name, column in columns.items()}


@dataclass
class Reader:
    sites: Sequence[Site]
    day: date
    only: Collection[str] | None

    def __post_init__(self) -> None:
        self.start, self.end = (
            midnight(day, self.sites[0].zone) for day in (self.day, self.day + DAY)
        )
        self.visit_labels = self.wanted("visit", VISIT_LABELS)
        self.event_labels = self.wanted("event", EVENT_LABELS)

    def wanted(self, table: str, names: Sequence[str]) -> list[str]:
        return [name for name in names if self.only is None or f"{table}.{name}" in self.only]

    def visits(self) -> Columns:
        return read(
            Visit.objects.filter(
                site__in=self.sites, started_at__gte=self.start, started_at__lt=self.end
            ),
            [*VISIT_FIELDS, *self.visit_labels],
        )

    def events(self) -> Columns:
        return read(
            Event.objects.filter(site__in=self.sites, time__gte=self.start, time__lt=self.end),
            [*EVENT_FIELDS, *self.event_labels],
        )

    def visits_with(self, ids: Numbers) -> Iterator[Columns]:
        for some in slices(ids.tolist()):
            rows = Visit.objects.filter(pk__in=some)
            yield read(rows, [*VISIT_FIELDS, *self.visit_labels])

    def other_events_of(self, ids: Numbers) -> Iterator[Columns]:
        """Those that did not happen on the day."""
        for some in slices(ids.tolist()):
            rows = Event.objects.filter(visit_id__in=some).exclude(
                time__gte=self.start, time__lt=self.end
            )
            yield read(rows, [*EVENT_FIELDS, *self.event_labels])


def assembled(reader: Reader, visit: Columns, event: Columns) -> Day:
    """Visits by their ids, events by those of their visits; events without visit are dropped."""
    order = np.argsort(visit["id"], kind="stable")
    ids = visit["id"][order]
    places = np.searchsorted(ids, event["visit_id"])
    known = np.append(ids, -1)[places] == event["visit_id"]
    in_order = np.lexsort((event["id"], places))
    chosen = in_order[known[in_order]]
    base = datetime.combine(reader.day, time.min, UTC)
    # Taken out one by one, so that a big day does not lie in memory twice.
    columns: dict[str, Numbers | Coded | Packed] = {
        "visit.visitor": np.unique(visit.pop("visitor_id")[order], return_inverse=True)[1],
        "visit.own": visit.pop("own")[order],
        "visit.started": visit.pop("started_at")[order] - (base - EPOCH) // SECOND,
        "visit.duration": visit.pop("duration")[order],
        "visit.bounce": visit.pop("is_bounce")[order],
        "visit.listed": np.bincount(places[chosen], minlength=len(ids)),
        "event.id": event.pop("id")[chosen],
        "event.own": event.pop("own")[chosen],
        "event.time": event.pop("time")[chosen] - (base - EPOCH) // SECOND,
        "event.engaged": event.pop("engaged")[chosen],
        "event.scroll": event.pop("scroll")[chosen],
    }
    for name in reader.visit_labels:
        columns[f"visit.{name}"] = Coded.of(visit.pop(name)[order])
    for name in reader.event_labels:
        columns[f"event.{name}"] = Coded.of(event.pop(name)[chosen])
    return Day(reader.day, columns)


def joined(parts: list[tuple[Columns, bool]]) -> Columns:
    """Parts below each other; `own` says which of them is marked."""
    columns = {
        name: np.concatenate([part[name] for part, _ in parts]) if len(parts) > 1 else column
        for name, column in parts[0][0].items()
    }
    columns["own"] = np.concatenate([np.full(len(part["id"]), own) for part, own in parts])
    return columns


def occurrences(values: Numbers, of: Numbers) -> Numbers:
    """How often each of the different numbers `of` is among the values."""
    unique, counts = np.unique(values, return_counts=True)
    found = np.searchsorted(unique, of)
    result = np.zeros(len(of), np.int64)
    inside = found < len(unique)
    same = unique[found[inside]] == of[inside]
    result[np.flatnonzero(inside)[same]] = counts[found[inside]][same]
    return result


def read(rows: "models.QuerySet[Any]", names: Sequence[str]) -> Columns:
    """The fields as numbers: no label is 0, a moment the seconds since 1970."""
    fields = [rows.model._meta.get_field(name) for name in names]
    chosen = rows.order_by().values_list(
        *(
            Coalesce(F(name), Value(0), output_field=IntegerField())
            if isinstance(field, LabelField)
            else name
            for name, field in zip(names, fields, strict=True)
        )
    )
    sql, parameters = chosen.query.sql_with_params()
    connection = connections[rows.db]
    take = postgres_columns if connection.vendor == "postgresql" else row_columns
    with connection.cursor() as cursor:
        return dict(zip(names, take(cursor, sql, parameters, fields), strict=True))


def row_columns(
    cursor: Any, sql: str, parameters: Sequence[Any], fields: Sequence[Any]
) -> Iterator[Numbers]:
    """Rows as any database gives them, some at a time."""
    cursor.execute(sql, parameters)
    kinds = [kind_of(field) for field in fields]
    parts: list[list[Numbers]] = [[np.zeros(0, kind)] for kind in kinds]
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        flat = np.fromiter(chain.from_iterable(rows), np.int64, len(rows) * len(fields))
        for part, column, field, kind in zip(
            parts, flat.reshape(len(rows), -1).T, fields, kinds, strict=True
        ):
            if isinstance(field, MomentField):
                column = column // (SECOND // MILLISECOND)
            part.append(column.astype(kind))
    return (np.concatenate(part) for part in parts)


def kind_of(field: Any) -> type[Any]:
    is_long = isinstance(field, models.BigIntegerField | models.ForeignKey | MomentField)
    return np.int64 if is_long else np.int32


SENDERS: dict[type[Any], tuple[str, str]] = {
    np.int64: ("int8send({}::int8)", ">i8"),
    np.int32: ("int4send({}::int4)", ">i4"),
}


def postgres_columns(
    cursor: Any, sql: str, parameters: Sequence[Any], fields: Sequence[Any]
) -> Iterator[Numbers]:
    """PostgreSQL strings the values of a column together by itself, as bytes; rows would take
    ten times as long."""
    names = [f"c{number}" for number in range(len(fields))]
    kinds, senders = [], []
    for name, field in zip(names, fields, strict=True):
        if isinstance(field, MomentField):
            sender, kind = f"timestamptz_send({name})", ">i8"
        else:
            sender, kind = SENDERS[kind_of(field)]
            sender = sender.format(name)
        kinds.append(kind)
        senders.append(f"string_agg({sender}, ''::bytea)")
    cursor.execute(
        f"SELECT {', '.join(senders)} FROM ({sql}) AS read ({', '.join(names)})",  # noqa: S608
        parameters,
    )
    for field, kind, data in zip(fields, kinds, cursor.fetchone(), strict=True):
        column = np.frombuffer(data or b"", kind).astype(kind_of(field))
        if isinstance(field, MomentField):
            column = column // (SECOND // timedelta(microseconds=1))
            column += (POSTGRES_EPOCH - EPOCH) // SECOND
        yield column
