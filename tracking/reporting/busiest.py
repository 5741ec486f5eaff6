"""Which sites had most visitors: the one question that is asked of all sites at once."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from tracking.models import Site
from tracking.reporting.overview import DayCount, daily_counts
from tracking.reporting.period import Period


@dataclass(frozen=True)
class BusySite:
    site: Site
    visitors: int
    visits: int


def busiest(sites: Collection[Site], period: Period, limit: int) -> list[BusySite]:
    """Those of the sites that had visitors in the period, the busiest first."""
    totals: defaultdict[int, list[DayCount]] = defaultdict(list)
    for (site_id, _), day in daily_counts(sites, period.first, period.last).items():
        totals[site_id].append(day)
    rows = [
        BusySite(
            site,
            sum(day.visitors for day in totals[site.pk]),
            sum(day.visits for day in totals[site.pk]),
        )
        for site in sites
        if site.pk in totals
    ]
    return sorted(rows, key=lambda row: (-row.visitors, row.site.pk))[:limit]
