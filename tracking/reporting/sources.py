"""Where a day's figures are read from: what was reckoned of it, or its visits and events."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import reduce
from operator import or_

import numpy as np
from django.db.models import Q

from tracking.models import DailyStat, DayColumn, Site, StaleDay
from tracking.reporting.clock import Clock
from tracking.reporting.columns import Day, Packed
from tracking.reporting.figures import Figures
from tracking.reporting.period import DAY, midnight
from tracking.reporting.reading import read_days

SiteDay = tuple[int, date]


@dataclass(frozen=True)
class Span:
    """Days of some sites, first and last included."""

    sites: frozenset[int]
    first: date
    last: date

    def with_(self, other: "Span") -> "Span":
        return Span(
            self.sites | other.sites, min(self.first, other.first), max(self.last, other.last)
        )

    @property
    def condition(self) -> Q:
        return Q(site_id__in=self.sites, day__range=(self.first, self.last))


@dataclass
class Wanted:
    """Names of what is needed, and of which days."""

    spans: dict[frozenset[str], Span] = field(default_factory=dict)

    def add(self, span: Span, names: Collection[str]) -> None:
        key = frozenset(names)
        self.spans[key] = self.spans[key].with_(span) if key in self.spans else span

    @property
    def names(self) -> set[str]:
        return set().union(*self.spans)

    @property
    def condition(self) -> Q:
        return reduce(
            or_, (span.condition & Q(name__in=names) for names, span in self.spans.items())
        )


class Sources:
    """Reads what is wanted at once; tells of each day the columns, or ready figures.

    A day that is stale has none that could be trusted, and is read from its rows. Of a day that
    is neither stale nor reckoned there is nothing to tell.
    """

    def __init__(self, sites: Iterable[Site], days: Span) -> None:
        self.sites = {site.pk: site for site in sites}
        self.stale: set[SiteDay] = set(
            StaleDay.objects.filter(days.condition).values_list("site_id", "day")
        )
        self.stats: dict[tuple[int, date, str], Figures] = {}
        self.days: dict[SiteDay, Day] = {}

    def is_reckoned(self, key: SiteDay, clock: Clock) -> bool:
        """Whether ready figures tell all of a day, and nothing but what is asked about."""
        return key not in self.stale and not clock.is_cut

    def read(self, stats: Wanted, columns: Wanted, raw: Mapping[SiteDay, Collection[str]]) -> None:
        """The figures and columns of days that are not stale, the columns of those that are."""
        if stats.spans:
            rows = DailyStat.objects.filter(stats.condition)
            for site, day, name, data in rows.values_list("site_id", "day", "name", "data"):
                if (site, day) not in self.stale:
                    self.stats[site, day, name] = Figures.unpacked(data)
        if columns.spans:
            packed: defaultdict[SiteDay, dict[str, Packed]] = defaultdict(dict)
            found = DayColumn.objects.filter(columns.condition)
            for site, day, name, data in found.values_list("site_id", "day", "name", "data"):
                if (site, day) not in self.stale:
                    packed[site, day][name] = data
            for (site, day), named in packed.items():
                self.days[site, day] = Day(day, named)
        together: defaultdict[tuple[date, datetime, datetime], list[Site]] = defaultdict(list)
        for pk, day in sorted(raw):
            zone = self.sites[pk].zone
            bounds = midnight(day, zone), midnight(day + DAY, zone)
            together[day, *bounds].append(self.sites[pk])
        for (day, *_), sites in together.items():
            names = set().union(*(raw[site.pk, day] for site in sites))
            for pk, read in read_days(sites, day, names).items():
                self.days[pk, day] = read

    def labels(self, name: str) -> set[int]:
        """All labels that occur in a column of the days."""
        found = [day.coded(name).labels for day in self.days.values() if name in day.columns]
        return set(np.unique(np.concatenate(found)).tolist()) if found else set()
