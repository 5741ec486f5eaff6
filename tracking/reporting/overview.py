"""The few figures that stand beside each site in a list of sites."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import Count, Max, OuterRef, Q, Subquery
from django.utils import timezone

from tracking.models import DailyStat, Event, Site, StaleDay, Visit
from tracking.reporting.figures import Figures
from tracking.reporting.period import Period, midnight
from tracking.routers import events_are_in_clickhouse

DAYS = 30


@dataclass(frozen=True)
class DayCount:
    visitors: int = 0
    visits: int = 0


@dataclass(frozen=True)
class SiteOverview:
    """Visitors today, and on each of the last 30 days of the site's calendar, today last.

    `before` were there on the 30 days before those; both are of today as far as it has gone.
    """

    today: int
    daily: list[int]
    before: int

    @property
    def total(self) -> int:
        return sum(self.daily)

    @property
    def is_quiet(self) -> bool:
        return not any(self.daily)


def overview(sites: Iterable[Site]) -> dict[int, SiteOverview]:
    """The overview of each site, by its id; in four queries, whatever the time zones."""
    sites, now = list(sites), timezone.now()
    if not sites:
        return {}
    calendars = {
        site.pk: [site.day_of(now) - timedelta(days=ago) for ago in reversed(range(2 * DAYS))]
        for site in sites
    }
    counts = daily_counts(
        sites,
        min(days[0] for days in calendars.values()),
        max(days[-1] for days in calendars.values()),
    )
    partly = visitors_until(
        now, [site for site in sites if (site.pk, calendars[site.pk][DAYS - 1]) in counts]
    )
    overviews = {}
    for site_id, days in calendars.items():
        daily = [counts.get((site_id, day), DayCount()).visitors for day in days]
        before = sum(daily[: DAYS - 1]) + partly.get(site_id, 0)
        overviews[site_id] = SiteOverview(daily[-1], daily[DAYS:], before)
    return overviews


def visitors_until(now: datetime, sites: Iterable[Site]) -> dict[int, int]:
    """Visitors of each site on the last day that is compared with, as far as today has gone."""
    spans: defaultdict[tuple[date, datetime, datetime], list[int]] = defaultdict(list)
    for site in sites:
        today = site.day_of(now)
        period = Period.between(today - timedelta(days=DAYS - 1), today, site.zone)
        before = period.previous().as_far_as(period, now)
        spans[before.last, midnight(before.last, site.zone), before.end].append(site.pk)
    if not spans:
        return {}
    begun = [
        Q(site__in=ids, day=day, started_at__gte=start, started_at__lt=end)
        for (day, start, end), ids in spans.items()
    ]
    visits = Visit.objects.filter(reduce(or_, begun)).order_by().values_list("site")
    return dict(visits.annotate(Count("visitor_id", distinct=True)))


def last_events(sites: Collection[Site]) -> dict[int, datetime]:
    """When something last happened on each site on which anything has."""
    if events_are_in_clickhouse():
        return last_events_of_days(sites)
    events = Event.objects.filter(site=OuterRef("pk")).order_by("-time")
    known = Site.objects.filter(pk__in=[site.pk for site in sites]).order_by()
    moments = known.annotate(event_at=Subquery(events.values("time")[:1]))
    return {
        site: moment for site, moment in moments.values_list("pk", "event_at") if moment is not None
    }


def last_events_of_days(sites: Collection[Site]) -> dict[int, datetime]:
    """First among the last days, since ClickHouse looks at all rows of those that it is asked
    about; then, of quiet sites, among all."""
    moments: dict[int, datetime] = {}
    for days in (2, 30, None):
        left = [site.pk for site in sites if site.pk not in moments]
        events = Event.objects.filter(site__in=left)
        if days is not None:
            events = events.filter(day__gte=timezone.now().date() - timedelta(days=days))
        if left:
            moments |= dict(events.order_by().values_list("site").annotate(Max("time")))
    return moments


def daily_counts(
    sites: Collection[Site], first: date, last: date
) -> dict[tuple[int, date], DayCount]:
    """Visitors and visits of each site and day that had some; of many sites at once."""
    if events_are_in_clickhouse():
        return counts_of_rows(sites, first, last)
    known = {site.pk: site for site in sites}
    about = {"site__in": known, "day__range": (first, last)}
    stale = set(StaleDay.objects.filter(**about).values_list("site_id", "day"))
    counts = {}
    reckoned = DailyStat.objects.filter(name="", **about)
    for site_id, day, data in reckoned.values_list("site_id", "day", "data"):
        if (site_id, day) not in stale:
            figures = Figures.unpacked(data).measured(("visitors", "visits"))
            counts[site_id, day] = DayCount(*map(int, figures[0]))
    if stale:
        starts = [midnight(day, known[site_id].zone) for site_id, day in stale]
        rows = (
            Visit.objects.filter(
                site__in={site_id for site_id, _ in stale}, started_at__gte=min(starts)
            )
            .values_list("site_id", "day")
            .annotate(Count("visitor_id", distinct=True), Count("pk"))
        )
        counts |= {
            (site_id, day): DayCount(visitors, visits)
            for site_id, day, visitors, visits in rows
            if (site_id, day) in stale
        }
    return counts


def counts_of_rows(
    sites: Collection[Site], first: date, last: date
) -> dict[tuple[int, date], DayCount]:
    rows = (
        Visit.objects.filter(site__in=[site.pk for site in sites], day__range=(first, last))
        .order_by()
        .values_list("site_id", "day")
        .annotate(Count("visitor_id", distinct=True), Count("pk"))
    )
    return {(site, day): DayCount(visitors, visits) for site, day, visitors, visits in rows}
