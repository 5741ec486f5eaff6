"""Visits and events are in ClickHouse, which has no transactions.

They are written there first; then what is known of the visits that may go on is committed in the
other database, together with the position in the queue. Whoever dies between the two does it
all again: from the same beginnings come the same rows, and replace what was written before.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from django.db import connection, models, transaction
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from tracking.clickhouse.tables import fields_of_visits
from tracking.models import Event, Label, OpenVisit, Site, Visit
from tracking.models.fields import DayField, MomentField, PropertiesField
from tracking.models.labels import slices
from tracking.models.visitors import of_visitors
from tracking.processing import store
from tracking.processing.arrivals import Arrival
from tracking.processing.sessions import GAP, Sessions, View, began
from tracking.processing.store import bare
from tracking.processing.stored_visits import StoredVisits, visitors_of
from tracking.routers import events_are_in_clickhouse

# For so long a visit stays open; of a hit that comes later its visit is looked for in ClickHouse.
KEPT = timedelta(hours=2)
# Pages of a visit of which the time on them can still grow.
MAX_VIEWS = 200


def type_of(field: Any) -> Any:
    """Of a field's value."""
    kinds: tuple[tuple[type[Any], Any], ...] = (
        (MomentField, datetime),
        (DayField, date),
        (PropertiesField, dict[str, str]),
        (models.DecimalField, Decimal),
        (models.BooleanField, bool),
        (models.CharField, str),
        (models.GenericIPAddressField, str),
    )
    kind = next((kind for of, kind in kinds if isinstance(field, of)), int)
    return kind | None if field.null else kind


def row_type(model: type[models.Model]) -> Any:
    fields = [(field.attname, type_of(field)) for field in model._meta.concrete_fields]
    return msgspec.defstruct(f"{model.__name__}Row", fields, array_like=True)


if TYPE_CHECKING:
    VisitRow: TypeAlias = Any
    EventRow: TypeAlias = Any
else:
    VisitRow, EventRow = row_type(Visit), row_type(Event)


class State(msgspec.Struct, array_like=True):
    """`version` is the time of writing, in microseconds since 1970: the latest one counts."""

    version: int
    visit: VisitRow
    views: dict[int, EventRow]  # the last of each page


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(State).decode


class OpenVisits(StoredVisits):
    def __init__(self) -> None:
        self._states: dict[int, State] = {}

    def reopen(self, arrivals: Collection[Arrival]) -> None:
        """Committed by itself, before anything is written to ClickHouse: when the batch is read
        again, these visits shall begin as they did the first time."""
        horizon = datetime.now(UTC) - KEPT + GAP
        late = [arrival for arrival in arrivals if began(arrival) < horizon]
        if not late:
            return
        visitors = visitors_of(late)
        visits = Visit.objects.filter(
            site__in={arrival.site.pk for arrival in late},
            day__in=visitors,
            visitor_id__among=set().union(*visitors.values()),
        )
        # A visit that begins with one of the arrivals is what an interrupted batch has left.
        open_again(visits, but={arrival.id for arrival in arrivals})

    def recent(self, arrivals: Iterable[Arrival]) -> defaultdict[int, list[Visit]]:
        self._states = {}
        visits: defaultdict[int, list[Visit]] = defaultdict(list)
        for day, ids in sorted(visitors_of(arrivals).items()):
            found = of_visitors(OpenVisit.objects.all(), day, ids)
            if connection.features.has_select_for_update:
                found = found.select_for_update()
            for pk, visitor, data in found.order_by("pk").values_list("pk", "visitor_id", "state"):
                state = self._states[pk] = decode(data)
                visits[visitor].append(bare(Visit, **msgspec.structs.asdict(state.visit)))
        return visits

    def last_views(self, visits: Collection[int]) -> dict[View, Event]:
        return {
            (visit, page or None): bare(Event, **msgspec.structs.asdict(event))
            for visit in visits
            for page, event in self._states[visit].views.items()
        }

    def save(self, arrivals: Iterable[Arrival], sessions: Sessions) -> None:
        visits = [*sessions.new, *sessions.changed.values()]
        now = time.time_ns() // 1000
        states = {visit.id: self.state_after(visit, now) for visit in visits}
        pageview = label_of_pageviews()
        events = [*sessions.events, *sessions.read]
        for event in events:
            add_view(states[event.visit_id], event, pageview)
        events += self.others_of_moved(sessions.changed.values(), events)
        store.insert_visits(visits, [states[visit.id].version for visit in visits])
        versions = [states[event.visit_id].version for event in events]
        store.insert_events(events, visits, versions)
        store.insert(OpenVisit, [open_visit(states[visit.id]) for visit in sessions.new])
        changed = [open_visit(states[pk]) for pk in sorted(sessions.changed)]
        store.update(OpenVisit, changed, ("touched_at", "state"))

    def others_of_moved(self, visits: Iterable[Visit], events: Iterable[Event]) -> list[Event]:
        """The events, but these, of visits of which something has changed that each event has
        of its visit: a hit came late that was the first."""
        of_visit = attrgetter(*(field.attname for field in fields_of_visits()))
        moved = [
            visit for visit in visits if of_visit(visit) != of_visit(self._states[visit.id].visit)
        ]
        if not moved:
            return []
        known = {event.id for event in events}
        stored = Event.objects.filter(
            site__in={visit.site_id for visit in moved},
            day__gte=min(visit.day for visit in moved),
            visit__in=[visit.id for visit in moved],
        )
        rows = stored.order_by().values()
        return [bare(Event, **values) for values in rows if values["id"] not in known]

    def forget(self, now: datetime) -> None:
        """`now` is not later than the oldest hit that waits."""
        OpenVisit.objects.filter(touched_at__lt=now - KEPT).delete()

    def state_after(self, visit: Visit, now: int) -> State:
        """Newer than what is known, and than what an interrupted batch may have written."""
        before = self._states.get(visit.id)
        if before is None:
            return State(now, row_of(VisitRow, visit), {})
        return State(max(now, before.version + 1), row_of(VisitRow, visit), before.views)


def stored_visits() -> StoredVisits:
    """Where the visits of this installation are."""
    return OpenVisits() if events_are_in_clickhouse() else StoredVisits()


def open_again(visits: QuerySet[Visit], but: Collection[int] = ()) -> None:
    """Make those of the visits that are not open begin as ClickHouse has them.

    In a transaction of its own, that keeps the sites and what is stored of them.
    """
    with transaction.atomic():
        sites = set(visits.order_by().values_list("site", flat=True).distinct())
        visits = visits.filter(site__in=Site.objects.hold(sites))
        rows = visits.annotate(version=RawSQL("version", [])).values()
        found: dict[int, Any] = {values["id"]: values for values in rows}
        closed = found.keys() - set(but)
        for some in slices(list(found)):
            closed -= set(OpenVisit.objects.filter(pk__in=some).values_list("pk", flat=True))
        states = states_of([found[pk] for pk in closed])
        OpenVisit.objects.bulk_create(
            (OpenVisit(**open_visit(state).__dict__) for state in states.values()),
            ignore_conflicts=True,
        )


def states_of(visits: Iterable[dict[str, Any]]) -> dict[int, State]:
    """Of visits as ClickHouse has them, with the last views of their pages."""
    states = {values["id"]: state_of(values) for values in visits}
    if states:
        first_day = min(state.visit.day for state in states.values())
        events = Event.objects.filter(
            site__in={state.visit.site_id for state in states.values()},
            day__gte=first_day - timedelta(days=1),
            visit__in=list(states),
        )
        for event in events.order_by("pk"):
            add_view(states[event.visit_id], event, label_of_pageviews())
    return states


def open_recent(now: datetime) -> None:
    """Those that hits of now may continue."""
    recent = {"day__gte": now.date() - timedelta(days=2), "ended_at__gte": now - KEPT}
    open_again(Visit.objects.filter(**recent))


def state_of(values: dict[str, Any]) -> State:
    """Of a visit as ClickHouse has it."""
    version = values.pop("version")
    return State(version, VisitRow(**values), {})


def label_of_pageviews() -> int | None:
    return Label.objects.ids([Event.PAGEVIEW])[Event.PAGEVIEW]


def row_of(kind: Any, instance: models.Model) -> Any:
    values = instance.__dict__
    return kind(*(values[name] for name in kind.__struct_fields__))


def add_view(state: State, event: Event, pageview: int | None) -> None:
    if event.name_id != pageview:
        return
    page = event.page_id or 0
    before = state.views.pop(page, None)
    state.views[page] = before if before and before.id > event.id else row_of(EventRow, event)
    if len(state.views) > MAX_VIEWS:
        del state.views[next(iter(state.views))]


def open_visit(state: State) -> OpenVisit:
    visit = state.visit
    return bare(
        OpenVisit,
        id=visit.id,
        site_id=visit.site_id,
        day=visit.day,
        visitor_id=visit.visitor_id,
        touched_at=datetime.now(UTC),
        state=encode(state),
    )
