"""From the queue into the database: the steps of a hit, and the transaction around them."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import DataError, Error, IntegrityError, connection, transaction

from tracking.collector.receivers import read_hit
from tracking.models import Site
from tracking.processing import store
from tracking.processing.acquisition import acquisition
from tracking.processing.arrivals import Arrival, split_url
from tracking.processing.backlog import Backlog, Batch, PositionMoved
from tracking.processing.exclusions import Reason, reason_to_exclude
from tracking.processing.geodata import get_geodata
from tracking.processing.sessions import sessionize
from tracking.processing.user_agent import parse
from tracking.processing.visitor import Visitors
from tracking.spool import Record

MAX_BATCH_BYTES = 1 << 20
SECONDS_BETWEEN_CLEANINGS = 600.0

Step = Callable[[Arrival], Reason | None]


def exclude(arrival: Arrival) -> Reason | None:
    return reason_to_exclude(arrival.hit)


def add_user_agent(arrival: Arrival) -> None:
    arrival.user_agent = parse(arrival.hit.user_agent)


def add_geodata(arrival: Arrival) -> None:
    arrival.geodata = get_geodata(arrival.hit.ip)


def add_acquisition(arrival: Arrival) -> None:
    hit, site = arrival.hit, arrival.site
    arrival.acquisition = acquisition(hit.url, hit.referrer, site.ascii_domain)


@dataclass
class Outcome:
    """What became of a batch."""

    stored: int = 0
    excluded: Counter[Reason] = field(default_factory=Counter)
    rejected: list[tuple[int, Exception]] = field(default_factory=list)  # (event id, why)


class Worker:
    """Stores what waits in a backlog. Tests and the command call `process_batch`, again and again
    for as long as it finds something."""

    def __init__(self, backlog: Backlog) -> None:
        self.backlog = backlog
        self.visitors = Visitors()
        # What each hit goes through before its visit is looked for; a step that answers with a
        # reason excludes it.
        self.steps: tuple[Step, ...] = (
            exclude,
            add_user_agent,
            add_geodata,
            add_acquisition,
            self.visitors.identify,
        )
        self.stored = 0
        self.excluded: Counter[Reason] = Counter()
        self._next_cleaning = 0.0

    def process_batch(self) -> bool:
        """Store the next batch; answers whether there was one.

        Raises a database error while the database is away, or is not what it should be;
        nothing is lost, call again.
        """
        try:
            batch = self.backlog.next_batch(MAX_BATCH_BYTES)
            if time.monotonic() >= self._next_cleaning:
                self.clean(batch)
            if batch:
                self.process(batch)
            return bool(batch)
        except PositionMoved:
            self.backlog.forget_positions()
            return True
        except Error:
            self.backlog.forget_positions()
            connection.close()
            raise

    def process(self, batch: Batch) -> None:
        outcome = Outcome()
        arrivals = self.prepare(batch, outcome)
        with transaction.atomic():
            existing = store.lock_sites({arrival.hit.site_id for arrival in arrivals})
            here = [arrival for arrival in arrivals if arrival.hit.site_id in existing]
            outcome.excluded[Reason.UNKNOWN_SITE] += len(arrivals) - len(here)
            self.store(here, outcome)
            records = dict(batch.records)
            for number, error in outcome.rejected:
                self.backlog.reject(records[number], error)
            self.backlog.store_positions(batch)
        self.backlog.clear_away(batch)
        self.stored += outcome.stored
        self.excluded += outcome.excluded

    def prepare(self, batch: Batch, outcome: Outcome) -> list[Arrival]:
        """Take each record through the steps; answers what is left of them."""
        sites = Site.objects.in_bulk({record.site_id for _, record in batch.records})
        arrivals = []
        for number, record in batch.records:
            try:
                arrival = self.arrival_of(number, record, sites)
            except Error:
                raise
            except Exception as error:
                outcome.rejected.append((number, error))
                continue
            if isinstance(arrival, Reason):
                outcome.excluded[arrival] += 1
            else:
                arrivals.append(arrival)
        return arrivals

    def arrival_of(
        self, number: int, record: Record, sites: Mapping[int, Site]
    ) -> Arrival | Reason:
        hit = read_hit(record)
        site, place = sites.get(hit.site_id), split_url(hit.url)
        if site is None:
            return Reason.UNKNOWN_SITE
        if place is None or not hit.url:
            return Reason.INVALID
        arrival = Arrival(number, hit, site, *place)
        for step in self.steps:
            if reason := step(arrival):
                return reason
        return arrival

    def store(self, arrivals: list[Arrival], outcome: Outcome) -> None:
        """Store what can be stored: a hit that cannot must not hold up the others.

        A part that fails is halved until the hit is alone.
        """
        try:
            with transaction.atomic():
                sessions = sessionize(arrivals)
                store.insert_visits(sessions.new)
                store.update_visits(sessions.changed.values())
                store.insert_events(sessions.events)
        except Exception as error:
            if isinstance(error, Error) and not isinstance(error, DataError | IntegrityError):
                raise  # not the hits' fault
            if len(arrivals) == 1:
                outcome.rejected.append((arrivals[0].id, error))
                return
            middle = len(arrivals) // 2
            self.store(arrivals[:middle], outcome)
            self.store(arrivals[middle:], outcome)
        else:
            outcome.stored += len(sessions.events)

    def clean(self, batch: Batch) -> None:
        """What is due from time to time. Salts last until the hits of their day are stored."""
        self._next_cleaning = time.monotonic() + SECONDS_BETWEEN_CLEANINGS
        self.backlog.remove_orphans()
        oldest = batch.records[0][1].time if batch.records else time.time()
        self.visitors.forget_salts(datetime.fromtimestamp(max(0, min(oldest, time.time())), UTC))
