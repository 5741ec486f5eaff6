"""From the queue into the database: the steps of a hit, and the transaction around them."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from django.db import InterfaceError, OperationalError, connection, transaction

from tracking.models import Site
from tracking.processing import store
from tracking.processing.acquisition import acquisition
from tracking.processing.arrivals import Arrival, read_hit, split_url
from tracking.processing.backlog import Backlog, Batch, PositionMoved
from tracking.processing.exclusions import Reason, reason_to_exclude
from tracking.processing.geodata import get_geodata
from tracking.processing.sessions import sessionize
from tracking.processing.user_agent import parse
from tracking.processing.visitor import Visitors

logger = logging.getLogger(__name__)

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
        self._batch_bytes = MAX_BATCH_BYTES
        self._next_cleaning = 0.0

    def process_batch(self) -> bool:
        """Store the next batch; answers whether there was one.

        Raises OperationalError or InterfaceError while the database is away; nothing is lost,
        call again.
        """
        try:
            if time.monotonic() >= self._next_cleaning:
                self.clean()
            return self.process(self.backlog.next_batch(self._batch_bytes))
        except (OperationalError, InterfaceError):
            self.backlog.forget_positions()
            connection.close()
            raise

    def process(self, batch: Batch) -> bool:
        if not batch:
            return False
        try:
            self.store(batch)
        except (OperationalError, InterfaceError):
            raise
        except PositionMoved:
            self.backlog.forget_positions()
        except Exception as error:
            self.single_out(batch, error)
        else:
            self._batch_bytes = min(self._batch_bytes * 2, MAX_BATCH_BYTES)
        return True

    def store(self, batch: Batch) -> None:
        arrivals, excluded = self.prepare(batch)
        with transaction.atomic():
            sessions = sessionize(arrivals)
            store.insert_visits(sessions.new)
            store.update_visits(sessions.changed.values())
            store.insert_events(sessions.events)
            self.backlog.store_positions(batch)
        if batch.unreadable:
            self.backlog.reject(Batch(unreadable=batch.unreadable), "They are not readable.")
        self.backlog.clear_away(batch)
        self.stored += len(sessions.events)
        self.excluded += excluded

    def prepare(self, batch: Batch) -> tuple[list[Arrival], Counter[Reason]]:
        """Take each record through the steps; answers what is left, and why the rest is not."""
        sites = Site.objects.in_bulk({record.site_id for _, record in batch.records})
        arrivals: list[Arrival] = []
        excluded: Counter[Reason] = Counter()
        for number, record in batch.records:
            hit = read_hit(record)
            site, place = sites.get(hit.site_id), split_url(hit.url)
            if site is None:
                excluded[Reason.UNKNOWN_SITE] += 1
            elif place is None:
                excluded[Reason.INVALID] += 1
            else:
                arrival = Arrival(number, hit, site, *place)
                reason = next(filter(None, (step(arrival) for step in self.steps)), None)
                if reason:
                    excluded[reason] += 1
                else:
                    arrivals.append(arrival)
        return arrivals, excluded

    def single_out(self, batch: Batch, error: Exception) -> None:
        """Something in the batch cannot be stored: go on in steps of one hit until it is met,
        and put that one aside. One hit must not hold up all others."""
        self.backlog.forget_positions()
        if self._batch_bytes > 1:
            logger.warning("A batch failed, its hits are stored one by one: %s", error)
            self._batch_bytes = 1
            return
        logger.error("A hit could not be stored.", exc_info=error)
        with transaction.atomic():
            self.backlog.store_positions(batch)
        self.backlog.reject(batch, str(error))
        self.backlog.clear_away(batch)

    def clean(self) -> None:
        """What is due from time to time."""
        self._next_cleaning = time.monotonic() + SECONDS_BETWEEN_CLEANINGS
        self.backlog.remove_orphans()
        self.visitors.forget_old_salts(datetime.now(UTC))
