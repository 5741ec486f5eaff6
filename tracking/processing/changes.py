"""Which days hits have changed: their figures have to be reckoned again."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from tracking.models import Site, StaleDay
from tracking.processing.arrivals import Arrival
from tracking.processing.sessions import Sessions


def note_changes(arrivals: Iterable[Arrival], sessions: Sessions) -> None:
    """Note the days of what has been stored, in the transaction that stores it.

    A visit and its events may have been there already, on days before that of the hit.
    """
    days: defaultdict[Site, set[date]] = defaultdict(set)
    for arrival in arrivals:
        days[arrival.site].add(arrival.day)
    sites = {site.pk: site for site in days}
    for visit in sessions.changed.values():
        site = sites[visit.site_id]
        first = min(visit.day, site.day_of(visit.started_at))
        last = site.day_of(visit.ended_at)
        days[site].update(first + timedelta(days=n) for n in range((last - first).days + 1))
    StaleDay.objects.note_all(days)
