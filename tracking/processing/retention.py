"""What is older than an installation keeps it goes: whole months, of all sites."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings

from tracking.clickhouse import writing
from tracking.models import Event, OpenVisit, Site, Visit
from tracking.models.labels import slices
from tracking.processing import deletion
from tracking.reporting.clickhouse.scope import LONGEST_VISIT
from tracking.reporting.period import DAY
from tracking.routers import events_are_in_clickhouse

# Nowhere on earth is it still the month before, so long after it was over in Greenwich.
WESTMOST = timedelta(hours=12)


def first_kept(now: datetime) -> date | None:
    """The first day of which visits are kept: of the month that is so many months ago; None
    where all are."""
    if not settings.RETENTION_MONTHS:
        return None
    today = (now - WESTMOST).date()
    month = today.year * 12 + today.month - 1 - settings.RETENTION_MONTHS
    return date(month // 12, month % 12 + 1, 1)


def older(first: date) -> int:
    """How many visits there are from before that day."""
    return Visit.objects.filter(day__lt=first).count()


def is_due(now: datetime) -> bool:
    first = first_kept(now)
    return first is not None and Visit.objects.filter(day__lt=first).exists()


def delete_before(first: date) -> Iterator[int]:
    """Delete visits that began before the first of a month, with all of their events; yields how
    many have gone, part by part. Whoever is interrupted begins again."""
    if events_are_in_clickhouse():
        yield drop_months(first)
        return
    for site in Site.objects.order_by("pk"):
        yield from deletion.parts(site, deletion.Choice(last=first - DAY))
    # Rows of sites that are gone, which copying back and forth may leave, would be due for ever.
    for rows in (Event.objects.filter(day__lt=first), Visit.objects.filter(day__lt=first)):
        rows.exclude(site__in=Site.objects.order_by().values("pk"))._raw_delete(rows.db)


def drop_months(first: date) -> int:
    """In ClickHouse a month of all sites is a part of its own, which goes at once.

    Visits go last: as long as they are there, it is not done.
    """
    visits = Visit.objects.filter(day__lt=first)
    number = visits.count()
    midnight = datetime.combine(first, time.min, UTC)
    late = visits.filter(day__gte=first - LONGEST_VISIT, ended_at__gte=midnight - DAY)
    events = Event.objects.filter(day__gte=first, day__lt=first + LONGEST_VISIT)
    for some in slices(list(late.values_list("pk", flat=True))):
        events.filter(visit__in=some)._raw_delete(events.db)
    OpenVisit.objects.filter(day__lt=first).delete()
    for model in (Event, Visit):
        writing.drop_months(model, first)
    return number
