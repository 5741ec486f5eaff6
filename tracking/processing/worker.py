"""From the queue into the database: the steps of a hit, and the transaction around them."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain

from django.db import DataError, Error, IntegrityError, connection, transaction

from tracking.collector.receivers import read_hit
from tracking.models import Label, Reason, Site
from tracking.processing import excluded, exclusions
from tracking.processing.acquisition import acquisition
from tracking.processing.arrivals import Arrival, split_url
from tracking.processing.backlog import Backlog, Batch, PositionMoved
from tracking.processing.geodata import get_geodata
from tracking.processing.open_visits import stored_visits
from tracking.processing.received import Received
from tracking.processing.rules import Rules, rules_of
from tracking.processing.sessions import sessionize
from tracking.processing.user_agent import parse
from tracking.processing.visitor import Visitors
from tracking.spool import Record

MAX_BATCH_BYTES = 1 << 20
SECONDS_BETWEEN_CLEANINGS = 600.0

Step = Callable[[Arrival], Reason | None]
Sites = Mapping[int, tuple[Site, Rules]]


def add_user_agent(arrival: Arrival) -> None:
    arrival.user_agent = parse(arrival.hit.user_agent)


def add_geodata(arrival: Arrival) -> None:
    arrival.geodata = get_geodata(arrival.hit.ip)


def add_acquisition(arrival: Arrival) -> None:
    hit, site = arrival.hit, arrival.site
    arrival.acquisition = acquisition(hit.url, hit.referrer, site.ascii_domain)


def add_currency(arrival: Arrival) -> None:
    """Some trackers leave it to the site; an amount in no currency is none."""
    hit = arrival.hit
    if hit.revenue is not None and not hit.currency:
        hit.currency = arrival.site.currency
        hit.revenue = hit.revenue if hit.currency else None


@dataclass
class Outcome:
    """What became of a batch."""

    stored: int = 0
    excluded: list[Arrival] = field(default_factory=list)
    homeless: int = 0  # of sites that are gone
    rejected: list[tuple[int, Exception]] = field(default_factory=list)  # (event id, why)


class Worker:
    """Stores what waits in a backlog. Tests and the command call `process_batch`, again and again
    for as long as it finds something."""

    def __init__(self, backlog: Backlog) -> None:
        self.backlog = backlog
        self.visitors = Visitors()
        self.rate_limit = exclusions.RateLimit()
        # What each hit goes through before its visit is looked for; a step that answers with a
        # reason excludes it. What is cheap to tell comes first.
        self.steps: tuple[Step, ...] = (
            exclusions.paused,
            exclusions.invalid,
            exclusions.opted_out,
            exclusions.asked_not_to_be_tracked,
            exclusions.prefetched,
            exclusions.sent_by_a_program,
            exclusions.from_an_excluded_ip,
            exclusions.from_a_datacentre,
            exclusions.on_a_host_not_allowed,
            exclusions.of_an_excluded_page,
            exclusions.sent_by_spam,
            add_user_agent,
            add_geodata,
            exclusions.from_an_excluded_country,
            add_acquisition,
            add_currency,
            self.visitors.identify,
            self.rate_limit.exceeded,
        )
        # Those of them that a hit needs for being counted after all.
        self.findings: tuple[Step, ...] = (
            add_user_agent,
            add_geodata,
            add_acquisition,
            add_currency,
            self.visitors.identify,
        )
        self.stored_visits = stored_visits()
        self.received = Received()
        self.stored = 0
        self.excluded: Counter[Reason] = Counter()
        self._next_cleaning = 0.0

    def process_batch(self) -> bool:
        """Store the next batch; answers whether there was one.

        Raises a database error while the database is away, or is not what it should be;
        nothing is lost, call again.
        """
        try:
            self.backlog.beat()
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
        self.rate_limit.begin()
        arrivals = self.label(self.prepare(batch, outcome), outcome)
        kept = self.find_out(excluded.to_keep(outcome.excluded), outcome)
        self.stored_visits.reopen(arrivals)
        with transaction.atomic():
            existing = Site.objects.hold({one.site.id for one in (*arrivals, *outcome.excluded)})
            here = [arrival for arrival in arrivals if arrival.site.id in existing]
            outcome.homeless += len(arrivals) - len(here)
            self.store(here, outcome)
            records = dict(batch.records)
            rejected = {number for number, _ in outcome.rejected}
            noted = [one for one in (*here, *outcome.excluded) if one.id not in rejected]
            self.received.note(noted, records, existing)
            excluded.note(outcome.excluded, kept, existing)
            for number, error in outcome.rejected:
                self.backlog.reject(records[number], error)
            self.backlog.store_positions(batch)
        self.backlog.clear_away(batch)
        self.rate_limit.keep()
        self.stored += outcome.stored
        self.excluded += Counter(arrival.reason for arrival in outcome.excluded if arrival.reason)
        self.excluded += Counter({Reason.UNKNOWN_SITE: outcome.homeless})

    def prepare(self, batch: Batch, outcome: Outcome) -> list[Arrival]:
        """Take each record through the steps; answers what is left of them."""
        found = Site.objects.in_bulk({record.site_id for _, record in batch.records})
        sites = {number: (site, rules_of(site)) for number, site in found.items()}
        arrivals = []
        for number, record in batch.records:
            try:
                arrival = self.arrival_of(number, record, sites)
            except Error:
                raise
            except Exception as error:
                outcome.rejected.append((number, error))
                continue
            if arrival is None:
                outcome.homeless += 1
            elif arrival.reason:
                outcome.excluded.append(arrival)
            else:
                arrivals.append(arrival)
        return arrivals

    def arrival_of(self, number: int, record: Record, sites: Sites) -> Arrival | None:
        """None where the site is gone."""
        hit = read_hit(record)
        found = sites.get(hit.site_id)
        if found is None:
            return None
        site, rules = found
        hostname, path = split_url(hit.url) or ("", "")
        arrival = Arrival(number, hit, site, hostname, path and (hit.page or path), rules)
        for step in self.steps:
            if reason := step(arrival):
                arrival.reason = reason
                break
        return arrival

    def find_out(self, arrivals: Iterable[Arrival], outcome: Outcome) -> list[Arrival]:
        """Take excluded arrivals through the steps that they did not come to."""
        known = []
        for arrival in arrivals:
            try:
                for step in self.findings:
                    step(arrival)
            except Error:
                raise
            except Exception as error:
                outcome.rejected.append((arrival.id, error))
                continue
            known.append(arrival)
        return known

    def label(self, arrivals: list[Arrival], outcome: Outcome) -> list[Arrival]:
        """Give the arrivals the numbers of their texts; those with texts that no database takes
        are left out.

        Not in the transaction of the batch: labels are remembered, and nothing may undo them.
        """
        try:
            labels = Label.objects.ids(chain.from_iterable(map(Arrival.texts, arrivals)))
        except (DataError, UnicodeError) as error:
            if len(arrivals) == 1:
                outcome.rejected.append((arrivals[0].id, error))
                return []
            middle = len(arrivals) // 2
            parts = arrivals[:middle], arrivals[middle:]
            return [arrival for part in parts for arrival in self.label(part, outcome)]
        for arrival in arrivals:
            arrival.labels = labels
        return arrivals

    def store(self, arrivals: list[Arrival], outcome: Outcome) -> None:
        """Store what can be stored: a hit that cannot must not hold up the others.

        A part that fails is halved until the hit is alone.
        """
        try:
            with transaction.atomic():
                sessions = sessionize(arrivals, self.stored_visits)
                self.stored_visits.save(arrivals, sessions)
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
            outcome.excluded += sessions.unplaced

    def clean(self, batch: Batch) -> None:
        """What is due from time to time. Salts last until the hits of their day are stored."""
        self._next_cleaning = time.monotonic() + SECONDS_BETWEEN_CLEANINGS
        self.backlog.remove_orphans()
        excluded.forget_old(datetime.now(UTC))
        oldest = batch.records[0][1].time if batch.records else time.time()
        until = datetime.fromtimestamp(max(0, min(oldest, time.time())), UTC)
        self.visitors.forget_salts(until)
        self.stored_visits.forget(until)
