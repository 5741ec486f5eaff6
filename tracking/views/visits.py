from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext
from django.views.generic import TemplateView

from tracking.models import Event, Site, Visit
from tracking.reporting.visits import visits_where
from tracking.routers import events_are_in_clickhouse
from tracking.views.access import ReportMixin

VISITS = 50
# A visit can have any number of events (a page that reports each second, a robot).
EVENTS = 200
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
EVERY = Q()
DAYS_LOOKED_AT = (timedelta(days=2), timedelta(days=60))
MARGIN = timedelta(days=2)


@dataclass(frozen=True)
class Place:
    """A visit's place in the log; as text, microseconds since 1970 and the visit's id."""

    started_at: datetime
    visit_id: int

    @classmethod
    def of(cls, visit: Visit) -> "Place":
        return cls(visit.started_at, visit.pk)

    @classmethod
    def parse(cls, text: str) -> "Place":
        microseconds, visit_id = (int(number) for number in text.split("-"))
        if not 0 <= visit_id < 2**63:
            raise ValueError(f"{visit_id} is no id.")
        return cls(EPOCH + microseconds * MICROSECOND, visit_id)

    def __str__(self) -> str:
        return f"{(self.started_at - EPOCH) // MICROSECOND}-{self.visit_id}"


class PlaceField(forms.CharField):
    def to_python(self, value: Any) -> Any:
        if not (text := super().to_python(value)):
            return None
        try:
            return Place.parse(text)
        except (ValueError, OverflowError) as error:
            raise ValidationError(
                gettext("That page of the log does not exist. These are the newest visits.")
            ) from error


class PageForm(forms.Form):
    """The part of the page's address that chooses a page of the log."""

    before = PlaceField(required=False)
    after = PlaceField(required=False)


@dataclass(frozen=True)
class Page:
    """Some visits, the newest first, and where the pages beside them begin."""

    visits: list[Visit]
    newer: Place | None
    older: Place | None


def page_of(
    site: Site, where: Q = EVERY, *, before: Place | None = None, after: Place | None = None
) -> Page:
    """The visits next to a place in the log, or the newest. Never counts how many there are.

    It finds its way by the order itself: a page is as quick at the end of the log as at its
    beginning, and does not shift when visits are added.
    """
    visits = site.visits.filter(where)
    if after:
        visits = visits.filter(
            Q(started_at__gt=after.started_at) | Q(pk__gt=after.visit_id),
            started_at__gte=after.started_at,
        )
        found = oldest(visits.order_by("started_at", "pk"), after.started_at)
        shown = found[:VISITS][::-1]
        is_last, is_first = not shown, len(found) <= VISITS
    else:
        if before:
            visits = visits.filter(
                Q(started_at__lt=before.started_at) | Q(pk__lt=before.visit_id),
                started_at__lte=before.started_at,
            )
        found = newest(
            visits.order_by("-started_at", "-pk"), before.started_at if before else timezone.now()
        )
        shown = found[:VISITS]
        is_last, is_first = len(found) <= VISITS, before is None or not shown
    return Page(
        shown,
        newer=None if is_first else Place.of(shown[0]),
        older=None if is_last else Place.of(shown[-1]),
    )


def newest(visits: QuerySet[Visit], until: datetime) -> list[Visit]:
    """Those of a page, and one more. ClickHouse reads days as a whole: there we look for them
    among few days first."""
    for days in DAYS_LOOKED_AT if events_are_in_clickhouse() else ():
        found = list(visits.filter(day__gte=(until - days).date())[: VISITS + 1])
        if len(found) > VISITS:
            return found
    return list(visits[: VISITS + 1])


def oldest(visits: QuerySet[Visit], since: datetime) -> list[Visit]:
    """The same from a moment on."""
    for days in DAYS_LOOKED_AT if events_are_in_clickhouse() else ():
        around = ((since - MARGIN).date(), (since + days).date())
        found = list(visits.filter(day__range=around)[: VISITS + 1])
        if len(found) > VISITS:
            return found
    return list(visits[: VISITS + 1])


class VisitLogView(ReportMixin, TemplateView):
    template_name = "tracking/visit_log.html"

    def get_template_names(self) -> list[str]:
        return ["tracking/report/visits.html" if self.is_fragment else self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = PageForm(self.request.GET)
        try:
            where = visits_where(self.report.filters, self.site)
        except ValueError as error:
            self.report.problems.append(str(error))
            where = EVERY
        page = page_of(self.site, where, **(form.cleaned_data if form.is_valid() else {}))
        return super().get_context_data(
            form=form,
            page=page,
            newer=page.newer and self.report.address(after=str(page.newer)),
            older=page.older and self.report.address(before=str(page.older)),
            has_visits=bool(page.visits) or self.site.visits.exists(),
            **kwargs,
        )


@dataclass(frozen=True)
class Step:
    """An event of a visit, and how long it was since the one before."""

    event: Event
    pause: float | None  # in seconds


class VisitView(ReportMixin, TemplateView):
    """A visit, event by event; to htmx its events alone, as they unfold in the log."""

    template_name = "tracking/visit.html"

    def get_template_names(self) -> list[str]:
        return ["tracking/report/visit_events.html" if self.is_fragment else self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        visit = get_object_or_404(self.site.visits, pk=self.kwargs["visit"])
        events = list(visit.event_set.order_by("time", "pk")[:EVENTS])
        steps = [
            Step(event, (event.time - before.time).total_seconds() if before else None)
            for event, before in zip(events, [None, *events], strict=False)
        ]
        left_out = max(0, visit.events - len(events))
        return super().get_context_data(
            **kwargs | {"visit": visit, "steps": steps, "left_out": left_out}
        )
