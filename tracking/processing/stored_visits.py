"""Where visits are that hits may continue, and how what becomes of them is stored."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime

from django.db import connection

from tracking.models import Event, Visit
from tracking.models.labels import slices
from tracking.models.visitors import of_visitors
from tracking.processing import store
from tracking.processing.arrivals import Arrival
from tracking.processing.changes import note_changes
from tracking.processing.sessions import Sessions, View
from tracking.processing.store import bare


class StoredVisits:
    """Visits and events are in the database that everything is in.

    They are looked for anew in each batch, and the worker remembers none between two: a restart
    changes nothing, and two hosts that meet the same visitor do not overwrite what the other
    one counted. All methods but the first belong into the transaction that stores the batch.
    """

    def reopen(self, arrivals: Collection[Arrival]) -> None:
        """Make visits of long ago ready to be continued."""

    def recent(self, arrivals: Iterable[Arrival]) -> defaultdict[int, list[Visit]]:
        """Visits that one of the arrivals may continue, by visitor id.

        They are locked where the database can do that: another host may be about to change them.
        In order, so that neither waits for the other for ever.
        """
        visits: defaultdict[int, list[Visit]] = defaultdict(list)
        for day, ids in sorted(visitors_of(arrivals).items()):
            found = of_visitors(Visit.objects.all(), day, ids).order_by("pk")
            if connection.features.has_select_for_update:
                found = found.select_for_update()
            for values in found.values():
                visits[values["visitor_id"]].append(bare(Visit, **values))
        return visits

    def last_views(self, visits: Collection[int]) -> dict[View, Event]:
        """Of each page that these visits viewed the last view, or what matters of it."""
        views: dict[View, Event] = {}
        for some in slices(sorted(visits)):
            events = Event.objects.filter(visit__in=some, name=Event.PAGEVIEW).order_by("pk")
            fields = events.values_list("id", "visit_id", "page", "engaged", "scroll")
            for pk, visit, page, engaged, scroll in fields:
                views[visit, page] = bare(Event, id=pk, engaged=engaged, scroll=scroll)
        return views

    def save(self, arrivals: Iterable[Arrival], sessions: Sessions) -> None:
        store.insert_visits(sessions.new)
        store.update_visits(sessions.changed.values())
        store.insert_events(sessions.events, (*sessions.new, *sessions.changed.values()))
        store.update_events(sessions.read)
        note_changes(arrivals, sessions)

    def forget(self, now: datetime) -> None:
        """What is kept of visits for their continuation, and will not be needed any more."""


def visitors_of(arrivals: Iterable[Arrival]) -> defaultdict[date, set[int]]:
    """The visitor ids under which visits of the arrivals may be found, by their days."""
    visitors: defaultdict[date, set[int]] = defaultdict(set)
    for arrival in arrivals:
        for day, visitor in arrival.visitor_ids:
            visitors[day].add(visitor)
    return visitors
