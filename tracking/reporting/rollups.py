"""Reckons closed days: the figures of every dimension, and the columns to count under filters."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

import numpy as np
from django.db import transaction

from tracking.models import DailyStat, DayColumn, Event, Label, Site, StaleDay
from tracking.models.stats import ReckonedDay
from tracking.reporting.clock import Clock
from tracking.reporting.columns import Day, unpacked
from tracking.reporting.counting import count
from tracking.reporting.dimensions import DIMENSIONS, HOUR, Dimension, Of
from tracking.reporting.figures import Figures
from tracking.reporting.metrics import MEASURES
from tracking.reporting.query import first_day
from tracking.reporting.reading import read_day
from tracking.reporting.selection import Known, Selection

M = TypeVar("M", bound=ReckonedDay)

STATS: dict[str, tuple[Dimension, ...]] = {
    "": (),
    **{
        name: (dimension,)
        for name, dimension in DIMENSIONS.items()
        if dimension.of is not Of.TIME or name == HOUR
    },
}


@dataclass(frozen=True)
class Reckoning:
    """What is stored of a day, by names; nothing of one on which nothing happened."""

    stats: dict[str, bytes]
    columns: dict[str, bytes]

    @classmethod
    def of(cls, site: Site, day: date) -> "Reckoning":
        read = read_day(site, day)
        if not read.visits:
            return cls({}, {})
        return cls(dict(stats_of(read, site)), read.packed())


def stats_of(day: Day, site: Site) -> Iterator[tuple[str, bytes]]:
    """The figures of each dimension, packed."""
    known = Known(Label.objects.find([Event.PAGEVIEW]).get(Event.PAGEVIEW) or 0)
    selection = Selection(day, (), known, Clock(day.date, site.zone))
    for name, dimensions in STATS.items():
        counts = count(selection, dimensions, MEASURES)
        labels = counts.labels[:, 0] if dimensions else np.zeros(1, np.int32)
        yield name, Figures(labels, counts.values.T).packed()


def reckon(stale: StaleDay) -> bool:
    """Reckon a day anew; False if it has changed again meanwhile, and is still stale.

    Whoever changes it waits at most until the result is written, not until it is found.
    """
    site, day = stale.site, stale.day
    reckoning = Reckoning.of(site, day)
    with transaction.atomic():
        # First, as whoever deletes locks the site first.
        if not Site.objects.hold([site.pk]):
            return False
        still_true, _ = StaleDay.objects.filter(site=site, day=day, token=stale.token).delete()
        if not still_true:
            return False
        replace(DailyStat, site, day, reckoning.stats)
        replace(DayColumn, site, day, reckoning.columns)
    return True


def replace(model: type[M], site: Site, day: date, named: dict[str, bytes]) -> None:
    rows = model._default_manager
    rows.filter(site=site, day=day).delete()
    rows.bulk_create(
        model(site=site, day=day, name=name, data=data) for name, data in named.items()
    )


def closed_days(site: Site, first: date | None, last: date | None) -> list[date]:
    """The days of a site that are over, from its first visit on."""
    start, yesterday = first_day(site), site.today() - timedelta(days=1)
    if start is None:
        return []
    start, end = max(start, first or start), min(yesterday, last or yesterday)
    return [start + timedelta(days=n) for n in range((end - start).days + 1)]


def differences(site: Site, day: date) -> list[str]:
    """What is stored of a day, and is not what its visits and events come to.

    Of a stale day nothing that is stored is used, so that it cannot be wrong.
    """
    if StaleDay.objects.filter(site=site, day=day).exists():
        return []
    true = Reckoning.of(site, day)
    if StaleDay.objects.filter(site=site, day=day).exists():  # since a moment ago
        return []
    return [
        *differing(DailyStat, site, day, true.stats),
        *differing(DayColumn, site, day, true.columns),
    ]


def differing(
    model: type[ReckonedDay], site: Site, day: date, true: dict[str, bytes]
) -> Iterator[str]:
    rows = model._default_manager.filter(site=site, day=day).values_list("name", "data")
    stored = {name: unpacked(data) for name, data in rows}
    for name in sorted(stored.keys() | true.keys()):
        arrays = unpacked(true[name]) if name in true else []
        found = stored.get(name, [])
        if len(found) != len(arrays) or not all(map(np.array_equal, found, arrays)):
            yield name or "total"
