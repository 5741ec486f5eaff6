"""Visits that should not have been counted are taken out again, with all of their events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import Q, QuerySet

from tracking.models import Event, Label, OpenVisit, Site, StaleDay, Visit
from tracking.rules.paths import Paths

# The worker waits for its turn between two parts.
AT_ONCE = 5_000
# As many as a query of SQLite takes; a path that means more pages than that means too much.
MAX_PAGES = 30_000


class TooManyPages(ValueError):
    """A path with wildcards that more than MAX_PAGES pages match."""


@dataclass(frozen=True)
class Choice:
    """Which visits are meant: those that everything given here is true of."""

    first: date | None = None
    last: date | None = None
    source: str = ""  # by its name, or the host name of the referrer
    page: str = ""  # that the visit saw; wildcards as in exclusions
    ip: str = ""  # where the site keeps addresses
    visitor_ids: tuple[int, ...] = ()

    def visits(self, site: Site) -> QuerySet[Visit]:
        """Raises TooManyPages."""
        visits = Visit.objects.filter(site=site)
        if self.first:
            visits = visits.filter(day__gte=self.first)
        if self.last:
            visits = visits.filter(day__lte=self.last)
        if self.source:
            visits = visits.filter(
                Q(source__iexact=self.source) | Q(referrer__istartswith=self.source)
            )
        if self.page:
            seen = Event.objects.filter(site=site, page__in=pages(self.page))
            visits = visits.filter(pk__in=seen.values("visit"))
        if self.ip:
            visits = visits.filter(ip=self.ip)
        if self.visitor_ids:
            visits = visits.filter(visitor_id__in=self.visitor_ids)
        return visits


def pages(path: str) -> list[int]:
    """The labels that match a path; those that begin otherwise are not even looked at."""
    paths, beginning = Paths([path]), path.partition("*")[0].removesuffix("/")
    labels = Label.objects.filter(text__startswith=beginning).values_list("pk", "text")
    found = [pk for pk, text in labels.iterator() if paths.find(text)]
    if len(found) > MAX_PAGES:
        raise TooManyPages(path)
    return found


def events_of(visits: QuerySet[Visit]) -> int:
    """How many events would go with the visits."""
    return Event.objects.filter(visit__in=visits.order_by().values("pk")).count()


def delete(site: Site, choice: Choice) -> int:
    """Delete these visits and their events; returns how many visits there were."""
    return sum(parts(site, choice))


def parts(site: Site, choice: Choice) -> Iterator[int]:
    """The same part by part, yielding how many visits each had: what has been done is done,
    should something fail."""
    while ids := list(choice.visits(site).values_list("pk", flat=True)[:AT_ONCE]):
        delete_visits(site, ids)
        yield len(ids)


def delete_visits(site: Site, ids: Sequence[int]) -> None:
    """Delete these visits of the site, not more than AT_ONCE, and all that is of them."""
    with transaction.atomic():
        Site.objects.lock(site.pk)
        gone = Visit.objects.filter(site=site, pk__in=ids)
        StaleDay.objects.note_visits(site, gone.values_list("started_at", "ended_at"))
        OpenVisit.objects.filter(pk__in=ids).delete()
        Event.objects.filter(visit__in=ids)._raw_delete(Event.objects.db)
        gone._raw_delete(Visit.objects.db)
