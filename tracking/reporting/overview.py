"""The few figures that stand beside each site in a list of sites."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count

from tracking.models import Site, Visit
from tracking.reporting.period import midnight

DAYS = 30


@dataclass(frozen=True)
class SiteOverview:
    """Visitors today, and on each of the last 30 days of the site's calendar, today last."""

    today: int
    daily: list[int]

    @property
    def is_quiet(self) -> bool:
        return not any(self.daily)


def overview(sites: Iterable[Site]) -> dict[int, SiteOverview]:
    """The overview of each site, by its id; in one query, whatever the time zones."""
    sites = list(sites)
    if not sites:
        return {}
    calendars = {
        site.pk: [site.today() - timedelta(days=ago) for ago in reversed(range(DAYS))]
        for site in sites
    }
    visitors = {
        (site_id, day): count
        for site_id, day, count in Visit.objects.filter(
            site__in=calendars,
            # Says nothing that the days do not say, but there is an index on it.
            started_at__gte=min(midnight(calendars[site.pk][0], site.zone) for site in sites),
        )
        .values_list("site_id", "day")
        .annotate(visitors=Count("visitor_id", distinct=True))
    }
    daily = {
        site_id: [visitors.get((site_id, day), 0) for day in days]
        for site_id, days in calendars.items()
    }
    return {site_id: SiteOverview(counts[-1], counts) for site_id, counts in daily.items()}
