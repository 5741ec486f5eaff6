"""Which sites had most visitors: the one question that is asked of all sites at once."""

from collections.abc import Collection
from dataclasses import dataclass

from tracking.models import Site, Visit
from tracking.reporting.metrics import MEASURES
from tracking.reporting.period import Period


@dataclass(frozen=True)
class BusySite:
    site: Site
    visitors: int
    visits: int


def busiest(sites: Collection[Site], period: Period, limit: int) -> list[BusySite]:
    """Those of the sites that had visitors in the period, the busiest first."""
    known = {site.pk: site for site in sites}
    rows = (
        Visit.objects.filter(
            site__in=known, started_at__gte=period.start, started_at__lt=period.end
        )
        .values("site_id")
        .annotate(
            of_visitors=MEASURES["visitors"][Visit],
            of_visits=MEASURES["visits"][Visit],
        )
        .order_by("-of_visitors", "site_id")[:limit]
    )
    return [BusySite(known[row["site_id"]], row["of_visitors"], row["of_visits"]) for row in rows]
