"""Which visit does a hit belong to? Visits are found in the database, each batch anew.

The worker remembers no visit between two batches: a restart changes nothing, and two hosts
that meet the same visitor do not overwrite what the other one counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import connection

from tracking.models import Event, Visit
from tracking.processing.arrivals import Arrival
from tracking.processing.store import bare

GAP = timedelta(minutes=30)
MILLISECOND = timedelta(milliseconds=1)
# SQLite takes 32,766 parameters in a query.
IDS_AT_ONCE = 30_000


@dataclass
class Sessions:
    """What a batch comes to."""

    new: list[Visit] = field(default_factory=list)
    changed: dict[int, Visit] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


def sessionize(arrivals: Sequence[Arrival]) -> Sessions:
    """Find or begin the visit of each arrival; they come in order of time.

    Runs in the transaction that stores the result.
    """
    sessions = Sessions()
    visits = recent_visits(arrivals)
    stored = {visit.pk for known in visits.values() for visit in known}
    for arrival in arrivals:
        known = [visit for _, visitor in arrival.visitor_ids for visit in visits[visitor]]
        visit = visit_at(known, arrival.hit.time)
        if visit is None:
            visit = begin(arrival)
            visits[visit.visitor_id].append(visit)
            sessions.new.append(visit)
        elif visit.pk in stored:
            sessions.changed[visit.pk] = visit
        extend(visit, arrival)
        sessions.events.append(event_of(visit, arrival))
    return sessions


def recent_visits(arrivals: Iterable[Arrival]) -> defaultdict[int, list[Visit]]:
    """Stored visits that one of the arrivals may continue, by visitor id.

    They are locked where the database can do that: another host may be about to change them.
    """
    visitors: defaultdict[date, set[int]] = defaultdict(set)
    for arrival in arrivals:
        for day, visitor in arrival.visitor_ids:
            visitors[day].add(visitor)
    visits: defaultdict[int, list[Visit]] = defaultdict(list)
    for day, ids in visitors.items():
        for some in slices(sorted(ids)):
            found = Visit.objects.filter(day=day, visitor_id__in=some).order_by("pk")
            if connection.features.has_select_for_update:
                found = found.select_for_update()
            for values in found.values():
                visits[values["visitor_id"]].append(bare(Visit, **values))
    return visits


def slices(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + IDS_AT_ONCE] for start in range(0, len(ids), IDS_AT_ONCE))


def visit_at(visits: Iterable[Visit], time: datetime) -> Visit | None:
    """The latest visit that is within reach of `time`, also of a hit that comes late."""
    return max(
        (visit for visit in visits if visit.started_at - GAP <= time <= visit.ended_at + GAP),
        key=lambda visit: visit.started_at,
        default=None,
    )


def begin(arrival: Arrival) -> Visit:
    """A visit without events yet, by what is known from its first hit."""
    day, visitor_id = arrival.visitor_ids[0]
    hit, place, agent = arrival.hit, arrival.geodata, arrival.user_agent
    visit = bare(
        Visit,
        id=arrival.id,
        site_id=hit.site_id,
        visitor_id=visitor_id,
        day=day,
        started_at=hit.time,
        ended_at=hit.time,
        duration=0,
        pageviews=0,
        events=0,
        is_bounce=True,
        entry_page="",
        exit_page="",
        country=place.country,
        region=place.region,
        city=place.city,
        postal_code=place.postal_code,
        latitude=place.latitude,
        longitude=place.longitude,
        ip=(hit.ip or None) if arrival.site.keep_ip else None,
        browser=agent.browser,
        browser_version=agent.browser_version,
        os=agent.os,
        os_version=agent.os_version,
        device=agent.device,
    )
    set_origin(visit, arrival)
    return visit


def set_origin(visit: Visit, arrival: Arrival) -> None:
    """Where the visit came from, according to the event that began it."""
    origin = arrival.acquisition
    visit.hostname = arrival.hostname
    visit.channel = origin.channel
    visit.source = origin.source
    visit.referrer = origin.referrer
    visit.utm_source = origin.utm_source
    visit.utm_medium = origin.utm_medium
    visit.utm_campaign = origin.utm_campaign
    visit.utm_term = origin.utm_term
    visit.utm_content = origin.utm_content


def extend(visit: Visit, arrival: Arrival) -> None:
    """Count an event in; one that happened before all others becomes the visit's beginning."""
    time, is_pageview = arrival.hit.time, arrival.hit.is_pageview
    if time < visit.started_at:
        visit.started_at = time
        set_origin(visit, arrival)
        is_entry = True
    else:
        is_entry = not visit.pageviews
    if is_pageview:
        if is_entry:
            visit.entry_page = arrival.page
        if time >= visit.ended_at or not visit.pageviews:
            visit.exit_page = arrival.page
        visit.pageviews += 1
    visit.events += 1
    visit.ended_at = max(visit.ended_at, time)
    visit.duration = (visit.ended_at - visit.started_at) // MILLISECOND
    visit.is_bounce = visit.pageviews < 2 and visit.events == visit.pageviews


def event_of(visit: Visit, arrival: Arrival) -> Event:
    return bare(
        Event,
        id=arrival.id,
        site_id=visit.site_id,
        visit_id=visit.pk,
        visitor_id=visit.visitor_id,
        day=arrival.day,
        time=arrival.hit.time,
        name=arrival.hit.name,
        hostname=arrival.hostname,
        page=arrival.page,
    )
