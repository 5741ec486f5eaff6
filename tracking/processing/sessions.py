"""Which visit does a hit belong to, and what becomes of the visit?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tracking.models import Event, Reason, Visit
from tracking.models.fields import MILLISECOND
from tracking.processing.arrivals import Arrival
from tracking.processing.store import bare

if TYPE_CHECKING:
    from tracking.processing.stored_visits import StoredVisits

GAP = timedelta(minutes=30)

View = tuple[int, int | None]  # a visit and a page


@dataclass
class Sessions:
    """What a batch comes to."""

    new: list[Visit] = field(default_factory=list)
    changed: dict[int, Visit] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    read: list[Event] = field(default_factory=list)  # stored ones that were read for longer
    unplaced: list[Arrival] = field(default_factory=list)  # read pages whose view is not known

    def leave(self, arrival: Arrival) -> None:
        arrival.reason = Reason.NO_VISIT
        self.unplaced.append(arrival)


def sessionize(arrivals: Sequence[Arrival], stored_visits: "StoredVisits") -> Sessions:
    """Find or begin the visit of each arrival; they come in order of time.

    Runs in the transaction that stores the result.
    """
    sessions = Sessions()
    visits = stored_visits.recent(arrivals)
    stored = {visit.id for known in visits.values() for visit in known}
    views: dict[View, Event] = {}
    readings: dict[View, list[Arrival]] = {}  # of views that are stored already
    for arrival in arrivals:
        (_, today), (_, yesterday) = arrival.visitor_ids
        visit = visit_at((*visits.get(today, ()), *visits.get(yesterday, ())), began(arrival))
        if arrival.hit.is_engagement:
            if visit is None:
                sessions.leave(arrival)
                continue
            view = (visit.id, arrival.labels[arrival.page])
            prolong(visit, arrival)
            if event := views.get(view):
                read_on(event, arrival)
            else:
                readings.setdefault(view, []).append(arrival)
        else:
            if visit is None:
                visit = begin(arrival)
                visits[visit.visitor_id].append(visit)
                sessions.new.append(visit)
            extend(visit, arrival)
            event = event_of(visit, arrival)
            sessions.events.append(event)
            if arrival.hit.is_pageview:
                views[visit.id, arrival.labels[arrival.page]] = event
        if visit.id in stored:
            sessions.changed[visit.id] = visit
    place(readings, sessions, stored_visits)
    return sessions


def place(
    readings: dict[View, list[Arrival]], sessions: Sessions, stored_visits: "StoredVisits"
) -> None:
    """Add what was read to the last stored view of the page in its visit."""
    views = stored_visits.last_views({visit_id for visit_id, _ in readings})
    for view, arrivals in readings.items():
        if event := views.get(view):
            for arrival in arrivals:
                read_on(event, arrival)
            sessions.read.append(event)
        else:
            for arrival in arrivals:
                sessions.leave(arrival)


def read_on(event: Event, arrival: Arrival) -> None:
    event.engaged += arrival.hit.engaged
    event.scroll = max(event.scroll, arrival.hit.scroll)


def began(arrival: Arrival) -> datetime:
    """When it happened; somebody who reads for an hour has been there all the time."""
    hit = arrival.hit
    return hit.time - hit.engaged * MILLISECOND if hit.engaged else hit.time


def visit_at(visits: Iterable[Visit], time: datetime) -> Visit | None:
    """The latest visit that is within reach of `time`, also of a hit that comes late."""
    latest = None
    for visit in visits:
        if visit.started_at - GAP <= time <= visit.ended_at + GAP and (
            latest is None or visit.started_at > latest.started_at
        ):
            latest = visit
    return latest


def begin(arrival: Arrival) -> Visit:
    """A visit without events yet, by what is known from its first hit."""
    day, visitor_id = arrival.visitor_ids[0]
    hit, place, agent, labels = arrival.hit, arrival.geodata, arrival.user_agent, arrival.labels
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
        entry_page_id=None,
        exit_page_id=None,
        country_id=labels[place.country],
        region_id=labels[place.region],
        city_id=labels[place.city],
        postal_code_id=labels[place.postal_code],
        latitude=place.latitude,
        longitude=place.longitude,
        ip=(hit.ip or None) if arrival.site.keep_ip else None,
        browser_id=labels[agent.browser],
        browser_version_id=labels[agent.browser_version],
        os_id=labels[agent.os],
        os_version_id=labels[agent.os_version],
        device_id=labels[agent.device],
        screen_id=labels[hit.screen],
        language_id=labels[hit.language],
    )
    set_origin(visit, arrival)
    return visit


def set_origin(visit: Visit, arrival: Arrival) -> None:
    """Where the visit came from, according to the event that began it."""
    origin, labels = arrival.acquisition, arrival.labels
    visit.hostname_id = labels[arrival.hostname]
    visit.channel_id = labels[origin.channel]
    visit.source_id = labels[origin.source]
    visit.referrer_id = labels[origin.referrer]
    visit.utm_source_id = labels[origin.utm_source]
    visit.utm_medium_id = labels[origin.utm_medium]
    visit.utm_campaign_id = labels[origin.utm_campaign]
    visit.utm_term_id = labels[origin.utm_term]
    visit.utm_content_id = labels[origin.utm_content]


def extend(visit: Visit, arrival: Arrival) -> None:
    """Count an event in; one that happened before all others becomes the visit's beginning."""
    hit = arrival.hit
    if hit.time < visit.started_at:
        visit.started_at = hit.time
        set_origin(visit, arrival)
        is_entry = True
    else:
        is_entry = not visit.pageviews
    if hit.is_pageview:
        page = arrival.labels[arrival.page]
        if is_entry:
            visit.entry_page_id = page
        if hit.time >= visit.ended_at or not visit.pageviews:
            visit.exit_page_id = page
        visit.pageviews += 1
    visit.events += 1
    if visit.pageviews > 1 or (hit.interactive and not hit.is_pageview):
        visit.is_bounce = False
    prolong(visit, arrival)


def prolong(visit: Visit, arrival: Arrival) -> None:
    visit.ended_at = max(visit.ended_at, arrival.hit.time)
    visit.duration = (visit.ended_at - visit.started_at) // MILLISECOND


def event_of(visit: Visit, arrival: Arrival) -> Event:
    hit, labels = arrival.hit, arrival.labels
    return bare(
        Event,
        id=arrival.id,
        site_id=visit.site_id,
        visit_id=visit.id,
        visitor_id=visit.visitor_id,
        day=arrival.day,
        time=hit.time,
        name_id=labels[hit.name],
        hostname_id=labels[arrival.hostname],
        page_id=labels[arrival.page],
        title_id=labels[hit.title],
        props=hit.props,
        revenue=hit.revenue,
        currency=hit.currency,
        engaged=hit.engaged,
        scroll=hit.scroll,
    )
