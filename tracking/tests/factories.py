from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import factory

from accounts.tests.factories import UserFactory
from tracking.models import Event, Site, StaleDay, Visit

numbers = count(1)


class SiteFactory(factory.django.DjangoModelFactory[Site]):
    class Meta:
        model = Site

    owner = factory.SubFactory(UserFactory)
    domain = factory.Sequence(lambda n: f"site{n}.example.com")


class VisitFactory(factory.django.DjangoModelFactory[Visit]):
    """A direct visit of one pageview, half an hour ago; by a visitor of its own."""

    class Meta:
        model = Visit

    @classmethod
    def _create(cls, model_class: type[Visit], *args: Any, **values: Any) -> Visit:
        visit = super()._create(model_class, *args, **values)
        StaleDay.objects.note(visit.site, [visit.site.day_of(visit.started_at)])
        return visit

    id = factory.LazyFunction(lambda: next(numbers))
    site = factory.SubFactory(SiteFactory)
    visitor_id = factory.LazyFunction(lambda: next(numbers))
    started_at = factory.LazyFunction(lambda: datetime.now(UTC) - timedelta(minutes=30))
    ended_at = factory.SelfAttribute("started_at")
    day = factory.LazyAttribute(lambda visit: visit.site.day_of(visit.started_at))
    duration = factory.LazyAttribute(
        lambda visit: (visit.ended_at - visit.started_at) // timedelta(milliseconds=1)
    )
    pageviews = 1
    events = factory.SelfAttribute("pageviews")
    is_bounce = factory.LazyAttribute(lambda visit: visit.events < 2)
    entry_page = "/"
    exit_page = factory.SelfAttribute("entry_page")
    channel = "Direct"


class EventFactory(factory.django.DjangoModelFactory[Event]):
    """A pageview that belongs to a visit of its own, unless one is given."""

    class Meta:
        model = Event

    @classmethod
    def _create(cls, model_class: type[Event], *args: Any, **values: Any) -> Event:
        event = super()._create(model_class, *args, **values)
        StaleDay.objects.note(
            event.site, {event.site.day_of(event.time), event.site.day_of(event.visit.started_at)}
        )
        return event

    id = factory.LazyFunction(lambda: next(numbers))
    visit = factory.SubFactory(VisitFactory)
    site = factory.SelfAttribute("visit.site")
    visitor_id = factory.SelfAttribute("visit.visitor_id")
    time = factory.SelfAttribute("visit.started_at")
    day = factory.LazyAttribute(lambda event: event.site.day_of(event.time))
    name = Event.PAGEVIEW
    hostname = factory.SelfAttribute("visit.hostname")
    page = factory.SelfAttribute("visit.entry_page")
