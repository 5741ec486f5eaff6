"""Believable visits of a made-up website, for demonstrations, screenshots and measurements."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import accumulate, chain
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeVar

from django.db import transaction

from tracking.demo import content
from tracking.models import Event, Label, QueueFile, Site, StaleDay
from tracking.models.fields import MILLISECOND, moment_of
from tracking.processing import store
from tracking.processing.acquisition import Acquisition
from tracking.processing.geodata import Geodata
from tracking.processing.numbering import OFFSET_BITS, event_id
from tracking.processing.user_agent import UserAgent

T = TypeVar("T")

MAX_EVENTS = (1 << OFFSET_BITS) - 1  # a file of the queue cannot number more
VISITS_AT_ONCE = 5_000
GROWTH = 0.45  # from the first day to the last
COMES_BACK = 0.1  # the share of visits that are followed by another one on the same day
COMES_BACK_DIRECTLY = 0.6
PAUSE, MEAN_FURTHER_PAUSE = 35 * 60.0, 2 * 3600.0  # seconds until then
ATTENTION = 0.7  # the share of a look for which the page has the focus
LONGEST_LOOK = 25 * 60.0  # seconds on a page; after half an hour a visit would be over


class Hour(NamedTuple):
    start: float  # seconds after the epoch
    seconds: float
    weight: float


class Day(NamedTuple):
    date: date  # of the site's calendar
    end: float
    hours: list[Hour]  # as far as they are over


class Step(NamedTuple):
    """An event to be."""

    time: float
    name: str
    page: str
    engaged: int = 0  # milliseconds
    scroll: int = 0  # percent
    props: dict[str, str] | None = None

    @property
    def end(self) -> float:
        return self.time + self.engaged / 1000


class Plan(NamedTuple):
    """A visit to be."""

    steps: list[Step]
    visitor: int
    person: dict[str, Any]  # those fields of a visit that tell place and browser
    origin: dict[str, Any]  # those that tell where it came from


class Way(NamedTuple):
    origin: dict[str, Any]
    entries: Iterator[str]


class Traffic:
    """`events` events in the `days` days of a site's calendar that end `now`.

    The same `seed` gives the same traffic, besides the numbers that identify it.
    """

    def __init__(self, site: Site, now: datetime, days: int, events: int, seed: int) -> None:
        self.site = site
        self.now = now.timestamp()
        self.today = site.day_of(now)
        self.days = days
        self.events = events
        self.visitors = 0
        self.chance = chance = Random(seed)  # noqa: S311
        places, agents = content.places(), content.user_agents()
        labels = Label.objects.ids(texts(places, agents, site))
        looks = [min(chance.lognormvariate(3.6, 1.1), LONGEST_LOOK) for _ in range(5_000)]
        ways = [
            Way(
                numbered(asdict(way.acquisition(site.ascii_domain)), labels),
                draws(chance, list(way.entries), list(way.entries.values())),
            )
            for way in content.WAYS
        ]
        self.directly = ways[0]
        draw = partial(draws, chance)
        self.labels = labels
        self.hostname = labels[site.ascii_domain]
        self.places = draw(
            [(place.country, numbered(asdict(place), labels)) for place in places],
            list(places.values()),
        )
        self.agents = draw(
            [(agent.device, numbered(asdict(agent), labels)) for agent in agents],
            list(agents.values()),
        )
        self.screens = {
            device: draw([labels[screen] for screen in screens], list(screens.values()))
            for device, screens in content.SCREENS.items()
        }
        self.props = {
            name: draw([{prop: value} for value in values], list(values.values()))
            for name, (prop, values) in content.PROPS.items()
        }
        self.ways = draw(ways, [way.weight for way in content.WAYS])
        self.pages = draw(list(content.PAGES), list(content.PAGES.values()))
        self.pageviews = draw(list(content.PAGEVIEWS), list(content.PAGEVIEWS.values()))
        self.looks = draw(looks, [1.0] * len(looks))

    def store(self) -> Iterator[int]:
        """Store all of it, some thousand visits in a transaction; yields the events in each."""
        first_number = next_number = reserve_numbers()
        for day, events in self.events_by_day():
            plans = sorted(self.plans(day, events), key=lambda plan: plan.steps[0].time)
            for start in range(0, len(plans), VISITS_AT_ONCE):
                rows = Rows(self, day, first_number, next_number)
                for plan in plans[start : start + VISITS_AT_ONCE]:
                    rows.add(plan)
                with transaction.atomic():
                    if not Site.objects.hold([self.site.pk]):
                        raise Site.DoesNotExist(f"{self.site.domain} has been deleted.")
                    store.insert_visits(rows.visits)
                    store.insert_events(rows.events, rows.visits)
                    days = {event.day for event in rows.events}
                    StaleDay.objects.note(self.site, days | {day.date})
                next_number += len(rows.events)
                yield len(rows.events)

    def events_by_day(self) -> Iterator[tuple[Day, int]]:
        days = [self.day(self.today - timedelta(days=ago)) for ago in reversed(range(self.days))]
        weights = (
            content.WEEKDAYS[day.date.weekday()]
            * (1 + GROWTH * number / self.days)
            * self.chance.lognormvariate(0, 0.08)
            * sum(hour.weight for hour in day.hours)
            for number, day in enumerate(days)
        )
        sums = list(accumulate(weights))
        shares = [round(self.events * part / sums[-1]) for part in sums]
        for day, before, after in zip(days, [0, *shares], shares, strict=False):
            yield day, after - before

    def day(self, day: date) -> Day:
        def midnight(day: date) -> float:
            return datetime.combine(day, time.min, self.site.zone).timestamp()

        hours = []
        for hour, weight in enumerate(content.HOURS):
            start = datetime.combine(day, time(hour), self.site.zone).timestamp()
            if (seconds := min(self.now - start, 3600.0)) > 0:
                hours.append(Hour(start, seconds, weight * seconds / 3600))
        return Day(day, midnight(day + timedelta(days=1)), hours)

    def plans(self, day: Day, events: int) -> Iterator[Plan]:
        """The visits that begin on a day, in no order; they have exactly so many events."""
        chance, end = self.chance, min(day.end, self.now)
        hours = draws(chance, day.hours, [hour.weight for hour in day.hours])
        while events:
            hour, way = next(hours), next(self.ways)
            start = hour.start + chance.random() * hour.seconds
            person = self.person()
            self.visitors += 1
            while events and start < end:
                steps = self.steps(start, way)[:events]
                yield Plan(steps, self.visitors, person, way.origin)
                events -= len(steps)
                if chance.random() > COMES_BACK:
                    break
                start = steps[-1].end + PAUSE + chance.expovariate(1 / MEAN_FURTHER_PAUSE)
                if chance.random() < COMES_BACK_DIRECTLY:
                    way = self.directly

    def person(self) -> dict[str, Any]:
        (country, place), (device, agent) = next(self.places), next(self.agents)
        language = content.LANGUAGES.get(country, "en-US")
        if self.chance.random() < content.READS_ENGLISH:
            language = "en-US"
        return {
            **place,
            **agent,
            "screen_id": next(self.screens[device]),
            "language_id": self.labels[language],
        }

    def steps(self, start: float, way: Way) -> list[Step]:
        steps = []
        moment, page = start, next(way.entries)
        for _ in range(next(self.pageviews)):
            name, probability = content.ACTIONS.get(page, ("", 0.0))
            look, acts = next(self.looks), self.chance.random() < probability
            scroll = round(min(100.0, 25 + look * self.chance.random() * 2))
            engaged = int(max(0.0, min(look * ATTENTION, self.now - moment)) * 1000)
            steps.append(Step(moment, Event.PAGEVIEW, page, engaged, scroll))
            moment += look
            if acts:
                props = next(self.props[name]) if name in self.props else None
                steps.append(Step(moment, name, page, props=props))
                moment += next(self.looks)
            page = next(self.pages)
        return [step for step in steps if step.time <= self.now]


class Rows:
    """Visits and events made of plans, numbered in their order.

    They are plain objects with the models' fields: to make instances takes as long as to store
    them.
    """

    def __init__(self, traffic: Traffic, day: Day, first_number: int, next_number: int) -> None:
        self.visits: list[Any] = []
        self.events: list[Any] = []
        self.site = traffic.site
        self.labels = traffic.labels
        self.hostname = traffic.hostname
        self.day = day
        self.next_date = day.date + timedelta(days=1)
        self.first_number = first_number
        self.next_number = next_number

    def add(self, plan: Plan) -> None:
        steps, labels = plan.steps, self.labels
        pages = [step.page for step in steps if step.name == Event.PAGEVIEW]
        visit_id, visitor_id = self.next_number, scrambled(self.first_number + plan.visitor)
        moments = [moment_of(int(step.time * 1000)) for step in steps]
        ended_at = max(
            moment + step.engaged * MILLISECOND for moment, step in zip(moments, steps, strict=True)
        )
        self.visits.append(
            SimpleNamespace(
                id=visit_id,
                site_id=self.site.pk,
                visitor_id=visitor_id,
                day=self.day.date,
                started_at=moments[0],
                ended_at=ended_at,
                duration=(ended_at - moments[0]) // MILLISECOND,
                pageviews=len(pages),
                events=len(steps),
                is_bounce=len(steps) == 1,
                hostname_id=self.hostname,
                entry_page_id=labels[pages[0]],
                exit_page_id=labels[pages[-1]],
                ip=None,
                **plan.origin,
                **plan.person,
            )
        )
        for number, (step, moment) in enumerate(zip(steps, moments, strict=True), visit_id):
            price = content.PRICES.get((step.props or {}).get("plan", ""))
            self.events.append(
                SimpleNamespace(
                    id=number,
                    site_id=self.site.pk,
                    visit_id=visit_id,
                    visitor_id=visitor_id,
                    day=self.day.date if step.time < self.day.end else self.next_date,
                    time=moment,
                    name_id=labels[step.name],
                    hostname_id=self.hostname,
                    page_id=labels[step.page],
                    title_id=labels[content.title(step.page)],
                    props=step.props,
                    revenue=price,
                    currency="EUR" if price else "",
                    engaged=step.engaged,
                    scroll=step.scroll,
                )
            )
        self.next_number += len(steps)


def texts(places: Iterable[Geodata], agents: Iterable[UserAgent], site: Site) -> Iterator[str]:
    """Every text that a demo visit or event may have."""
    ways = (way.acquisition(site.ascii_domain) for way in content.WAYS)
    things: Iterable[Geodata | UserAgent | Acquisition] = chain(places, agents, ways)
    for thing in things:
        yield from (value for value in asdict(thing).values() if isinstance(value, str))
    yield from (site.ascii_domain, Event.PAGEVIEW, "en-US")
    yield from content.LANGUAGES.values()
    yield from chain.from_iterable(content.SCREENS.values())
    yield from (name for name, _ in content.ACTIONS.values())
    for page in content.PAGES:
        yield from (page, content.title(page))


def numbered(values: dict[str, Any], labels: dict[str, int | None]) -> dict[str, Any]:
    """With the numbers of labels in place of texts."""
    return dict(
        (f"{name}_id", labels[value]) if isinstance(value, str) else (name, value)
        for name, value in values.items()
    )


def draws(chance: Random, values: Sequence[T], weights: Sequence[float]) -> Iterator[T]:
    """Endlessly many of the values, each as often as its weight says."""
    sums = list(accumulate(weights))
    while True:
        yield from chance.choices(values, cum_weights=sums, k=500)


def reserve_numbers() -> int:
    """The first of 2^31 numbers that no other event has or will have."""
    file = QueueFile.objects.create(folder=uuid.uuid4(), name="demo")
    first = event_id(file, 0)
    file.delete()  # its number is not given again
    return first


def scrambled(number: int) -> int:
    """Another number for each one, as even as a hash: what visitor ids look like."""
    return number * 0x9E3779B97F4A7C15 & (1 << 63) - 1
