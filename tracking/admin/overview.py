"""The first page of the back office: how are all sites doing, and is everything well?"""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import OperationalError
from django.db.models import Count, Window
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from tracking.admin.charts import BarChart, bar_chart
from tracking.health import Health, health
from tracking.models import Site
from tracking.reporting.busiest import BusySite, busiest
from tracking.reporting.comparison import Change, change
from tracking.reporting.metrics import METRICS, Metric
from tracking.reporting.period import Period, Preset
from tracking.reporting.query import Query, answers
from tracking.routers import is_clickhouse_away

FIGURES = ("visitors", "visits", "pageviews", "events")
PERIODS = {
    Preset.TODAY: _("Today"),
    Preset.WEEK: _("7 days"),
    Preset.THIRTY_DAYS: _("30 days"),
    Preset.YEAR: _("12 months"),
}
BUSIEST = 10
NEWEST = 5


class OverviewForm(forms.Form):
    """The part of the address that chooses; what makes no sense chooses nothing."""

    period = forms.ChoiceField(choices=[(one.value, one) for one in PERIODS], required=False)
    metric = forms.ChoiceField(choices=[(name, name) for name in FIGURES], required=False)

    def chosen(self, name: str, default: str) -> str:
        self.full_clean()
        return self.cleaned_data.get(name) or default


@dataclass(frozen=True)
class Figure:
    metric: Metric
    value: float | None
    before: float | None

    @property
    def change(self) -> Change | None:
        return change(self.metric, self.value, self.before)


@dataclass(frozen=True)
class Newest:
    """The newest rows of a period, and how many it has in all."""

    rows: list[Any]
    count: int


class Overview:
    """Of what this person may see; each part is None for who may not."""

    periods = PERIODS
    is_unavailable = False

    def __init__(self, request: HttpRequest) -> None:
        form = OverviewForm(request.GET)
        self.may = request.user.has_perm
        self.now = timezone.now()
        self.preset = Preset(form.chosen("period", Preset.THIRTY_DAYS.value))
        self.metric = METRICS[form.chosen("metric", FIGURES[0])]
        self.period = Period.of(self.preset, timezone.get_current_timezone(), self.now)

    @cached_property
    def sites(self) -> tuple[Site, ...] | None:
        if not (self.may("tracking.view_site") or self.may("tracking.view_visit")):
            return None
        return tuple(Site.objects.select_related("owner"))

    @cached_property
    def is_empty(self) -> bool:
        return self.sites == ()

    @cached_property
    def totals(self) -> "Totals | None":
        if not self.sites or not self.may("tracking.view_visit"):
            return None
        try:
            return Totals(self.sites, self.period, self.metric, self)
        except OperationalError as error:
            if not is_clickhouse_away(error):
                raise
            # The rest of the page is shown all the same, with what the machinery says of itself.
            self.is_unavailable = True
            return None

    @cached_property
    def busiest(self) -> list[BusySite] | None:
        if not self.sites or not self.may("tracking.view_visit") or not self.totals:
            return None
        return busiest(self.sites, self.period, BUSIEST)

    @cached_property
    def new_users(self) -> Newest | None:
        if not self.may("accounts.view_user"):
            return None
        since = User.objects.filter(date_joined__gte=self.period.start).order_by("-date_joined")
        rows = list(since.annotate(in_period=Window(Count("pk")))[:NEWEST])
        return Newest(rows, rows[0].in_period if rows else 0)

    @cached_property
    def new_sites(self) -> Newest | None:
        if not self.may("tracking.view_site"):
            return None
        since = [site for site in self.sites or () if site.created_at >= self.period.start]
        since.sort(key=lambda site: site.created_at, reverse=True)
        return Newest(since[:NEWEST], len(since))

    @cached_property
    def health(self) -> Health | None:
        return health() if self.may("tracking.view_queuefile") else None


class Totals:
    """The figures over all sites, how they changed, and one of them as a chart."""

    def __init__(
        self, sites: tuple[Site, ...], period: Period, metric: Metric, overview: Overview
    ) -> None:
        before = period.previous()
        so_far = before.as_far_as(period, overview.now)
        [here], [there], line, line_before = answers(
            [
                Query(sites, period, FIGURES),
                Query(sites, so_far, FIGURES),
                Query(sites, period, (metric.name,), ("time",)),
                Query(sites, before, (metric.name,), ("time",)),
            ]
        )
        self.figures = [Figure(METRICS[name], here[name], there[name]) for name in FIGURES]
        self.is_comparable = any(figure.before for figure in self.figures)
        self.is_quiet = not self.is_comparable and not any(one.value for one in self.figures)
        self.chart: BarChart = bar_chart(
            gettext("%(figure)s of all sites") % {"figure": metric.label},
            metric,
            period,
            overview.now,
            line,
            line_before,
        )
