"""Events' properties as columns of days: read from the rows, for the few questions about them."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from tracking.models import Event, Site
from tracking.reporting.clickhouse.batch import property_names
from tracking.reporting.clickhouse.scope import Scope
from tracking.reporting.columns import Coded, Numbers
from tracking.reporting.dimensions import PROPERTY
from tracking.reporting.period import DAY, Period, midnight
from tracking.reporting.sources import Sources
from tracking.routers import events_are_in_clickhouse

# Events, to find the names of properties.
LOOKED_AT = 500


class Properties:
    """Numbers their texts from -1 downwards, beside the numbers of labels; 0 is none."""

    def __init__(self, names: AbstractSet[str]) -> None:
        self.names = names
        self.texts: dict[int | None, str] = {}
        self._numbers: dict[str, int] = {"": 0}

    def read(self, sources: Sources) -> None:
        """Add the properties to the days that have events, as columns like any other."""
        for site in sources.sites.values() if self.names else ():
            days = sorted(
                day
                for (pk, day), read in sources.days.items()
                if pk == site.pk and "event.id" in read.columns
            )
            if not days:
                continue
            # Visits of the first and the last day may go over midnight.
            start, end = (midnight(day, site.zone) for day in (days[0] - DAY, days[-1] + 2 * DAY))
            rows = Event.objects.filter(
                site=site, time__gte=start, time__lt=end, props__isnull=False
            )
            found: dict[str, list[tuple[int, int]]] = {name: [] for name in self.names}
            values: Iterable[tuple[int, Any]] = rows.values_list("pk", "props")
            for pk, props in values:
                for name in self.names & props.keys():
                    found[name].append((pk, self._number(str(props[name]))))
            for name, pairs in found.items():
                pairs.sort()
                ids, numbers = np.array(pairs, np.int64).reshape(-1, 2).T
                for day in days:
                    column = sources.days[site.pk, day]
                    codes = looked_up(column.numbers("event.id"), ids, numbers)
                    labels, places = np.unique(codes, return_inverse=True)
                    column.columns[f"event.{PROPERTY}{name}"] = Coded(labels, places)

    def _number(self, text: str) -> int:
        if text not in self._numbers:
            number = self._numbers[text] = -len(self._numbers)
            self.texts[number] = text
        return self._numbers[text]


def looked_up(keys: Numbers, known: Numbers, values: Numbers) -> Numbers:
    """The value of each key, 0 of those that are not known; known ones ascend."""
    places = np.searchsorted(known, keys)
    result = np.zeros(len(keys), np.int64)
    inside = np.flatnonzero(places < len(known))
    same = inside[known[places[inside]] == keys[inside]]
    result[same] = values[places[same]]
    return result


def names_of(site: Site, period: Period) -> list[str]:
    """The properties that the latest events of the period have."""
    if events_are_in_clickhouse():
        return property_names(Scope((site,), site.zone, period))
    latest = Event.objects.filter(
        site=site, time__gte=period.start, time__lt=period.end, props__isnull=False
    ).order_by("-time")[:LOOKED_AT]
    return sorted(
        {name for props in latest.values_list("props", flat=True) for name in props or ()}
    )
