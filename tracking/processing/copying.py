"""Visits and events from one database to the other, a day of a site at a time.

A day that has as many rows there as here is done: so a copy that was interrupted goes on where
it stopped, and one that is finished can be checked by copying again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Count

from tracking.clickhouse import writing
from tracking.models import Event, OpenVisit, Site, StaleDay, Visit
from tracking.processing import store
from tracking.processing.open_visits import open_recent
from tracking.processing.store import bare
from tracking.reporting.clickhouse.scope import LONGEST_VISIT
from tracking.reporting.period import DAY
from tracking.routers import EVENTS_DB_ALIAS

AT_ONCE = 20_000
MODELS: tuple[type[Any], ...] = (Visit, Event)


@dataclass(frozen=True)
class Part:
    """A day's rows of a site in one of the tables."""

    model: type[Any]
    site: int
    day: date

    def rows(self, database: str) -> Any:
        return self.model.objects.using(database).filter(site=self.site, day=self.day)


def counts(database: str) -> dict[Part, int]:
    """Of sites that exist."""
    sites = list(Site.objects.order_by().values_list("pk", flat=True))
    found = {}
    for model in MODELS:
        rows = model.objects.using(database).filter(site__in=sites).order_by()
        for site, day, number in rows.values_list("site_id", "day").annotate(Count("pk")):
            found[Part(model, site, day)] = number
    return found


def differing(source: str, target: str) -> dict[Part, int]:
    """The parts of which the target has other rows than the source, and those of events of their
    visits, by how many rows those have; events last, since each needs its visit."""
    here, there = counts(source), counts(target)
    other = {part for part, number in here.items() if number != there.get(part)}
    for part in [part for part in other if part.model is Visit]:
        days = (part.day + number * DAY for number in range(LONGEST_VISIT // DAY + 1))
        other |= {Part(Event, part.site, day) for day in days} & here.keys()
    parts = sorted(other, key=lambda part: (MODELS.index(part.model), part.day, part.site))
    return {part: here[part] for part in parts}


def make_tables(target: str) -> None:
    """Where an installation began with ClickHouse, the other database has none for these rows."""
    with connections[target].cursor() as cursor:
        known = connections[target].introspection.table_names(cursor)
    with connections[target].schema_editor() as editor:
        for model in MODELS:
            if model._meta.db_table not in known:
                editor.create_model(model)


def copy(part: Part, source: str, target: str) -> Iterator[int]:
    """Yields how many rows have been copied, after each thousands of them."""
    rows = (bare(part.model, **values) for values in part.rows(source).values().iterator(AT_ONCE))
    if target == EVENTS_DB_ALIAS:
        # Rows that are there already are replaced.
        write = writing.insert_visits if part.model is Visit else writing.insert_events
        while some := list(islice(rows, AT_ONCE)):
            with transaction.atomic():
                if not Site.objects.hold([part.site]):
                    return
                write(some)
            yield len(some)
        return
    with transaction.atomic(using=DEFAULT_DB_ALIAS):
        if not Site.objects.hold([part.site]):
            return
        part.rows(target)._raw_delete(target)
        while some := list(islice(rows, AT_ONCE)):
            store.insert(part.model, some)
            yield len(some)
        StaleDay.objects.bulk_create(
            [StaleDay(site_id=part.site, day=part.day)], ignore_conflicts=True
        )


def finish(target: str) -> None:
    """So that the worker finds the visits that go on where it will look for them."""
    if target == EVENTS_DB_ALIAS:
        open_recent(datetime.now(UTC))
    else:
        OpenVisit.objects.all().delete()
