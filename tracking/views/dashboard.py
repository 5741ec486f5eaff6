from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils import dateformat, timezone
from django.views.generic import TemplateView

from tracking.charts import Interval as Drawn
from tracking.charts import LineChart
from tracking.models import Site, Visit
from tracking.reporting import metrics
from tracking.reporting.comparison import Change, change
from tracking.reporting.dimensions import DIMENSIONS, Dimension
from tracking.reporting.metrics import METRICS, Metric
from tracking.reporting.period import Bucket, Interval, Period, Preset
from tracking.reporting.query import Query, Row, answer, current_visitors
from tracking.views.access import SiteMixin

FIGURES = (
    "visitors",
    "visits",
    "pageviews",
    "views_per_visit",
    "bounce_rate",
    "visit_duration",
)
PANELS = {
    "page": "Top pages",
    "entry_page": "Entry pages",
    "source": "Sources",
    "country": "Countries",
    "browser": "Browsers",
    "os": "Operating systems",
    "device": "Devices",
}
ROWS = 9


@dataclass(frozen=True)
class Wording:
    """How the page speaks of a period: on its tab, in a sentence, and of the one before."""

    label: str
    phrase: str
    before: str


WORDING = {
    Preset.TODAY: Wording("Today", "today", "yesterday"),
    Preset.WEEK: Wording("7 days", "in the last 7 days", "the 7 days before"),
    Preset.THIRTY_DAYS: Wording("30 days", "in the last 30 days", "the 30 days before"),
    Preset.YEAR: Wording("12 months", "in the last 12 months", "the 12 months before"),
}
# Of an interval: how it is called as long as it runs, its name in a sentence, its label.
RUNNING = {Interval.HOUR: "this hour", Interval.DAY: "today", Interval.MONTH: "this month"}
NAMES = {Interval.HOUR: "l j F, H:i", Interval.DAY: "l j F Y", Interval.MONTH: "F Y"}
LABELS = {Interval.HOUR: "H:i", Interval.DAY: "j M", Interval.MONTH: "M Y"}


class PeriodForm(forms.Form):
    """The part of the page's address that chooses the period."""

    period = forms.ChoiceField(
        choices=[(preset.value, wording.label) for preset, wording in WORDING.items()],
        required=False,
        error_messages={"invalid_choice": "There is no period “%(value)s”."},
    )

    DEFAULT = Preset.THIRTY_DAYS

    @property
    def preset(self) -> Preset:
        self.full_clean()
        return Preset(self.cleaned_data.get("period") or self.DEFAULT)


@dataclass(frozen=True)
class Figure:
    metric: Metric
    value: float | None
    before: float | None

    @property
    def change(self) -> Change | None:
        return change(self.metric, self.value, self.before)

    @property
    def is_new(self) -> bool:
        return bool(self.value) and not self.before


@dataclass(frozen=True)
class PanelRow:
    label: str
    value: float
    share: float
    width: float  # of the bar, in percent


@dataclass(frozen=True)
class Panel:
    title: str
    dimension: Dimension
    rows: list[PanelRow]


class SiteDashboardView(SiteMixin, TemplateView):
    template_name = "tracking/dashboard.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = PeriodForm(self.request.GET)
        preset, now = form.preset, timezone.now()
        period = Period.of(preset, self.site.zone, now)
        figures = figures_of(self.site, period, now)
        context = super().get_context_data(
            form=form,
            periods=WORDING,
            preset=preset,
            wording=WORDING[preset],
            period=period,
            figures=figures,
            comparable=any(figure.before for figure in figures),
            running_name=RUNNING[period.interval],
            current_visitors=current_visitors((self.site,), now),
            current_definition=metrics.CURRENT_VISITORS,
            **kwargs,
        )
        if any(figure.value for figure in figures):
            context["chart"] = chart_of(self.site, period, now)
            context["panels"] = list(panels_of(self.site, period, figures[0].value or 0))
        else:
            context["has_visits"] = Visit.objects.filter(site=self.site).exists()
            context["longer"] = Preset.YEAR if preset is not Preset.YEAR else None
        return context


class CurrentVisitorsView(SiteMixin, TemplateView):
    """The fragment that the dashboard refreshes."""

    template_name = "tracking/partials/current_visitors.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            current_visitors=current_visitors((self.site,), timezone.now()), **kwargs
        )


def figures_of(site: Site, period: Period, now: datetime) -> list[Figure]:
    """The top row, compared with the previous period as far as this one has gone."""
    [here], [before] = (
        answer(Query((site,), span, FIGURES))
        for span in (period, period.previous().as_far_as(period, now))
    )
    return [Figure(METRICS[name], here[name], before[name]) for name in FIGURES]


def chart_of(site: Site, period: Period, now: datetime) -> LineChart:
    """Visitors over time, beside the whole previous period."""
    here, before = (
        answer(Query((site,), span, ("visitors",), ("time",)))
        for span in (period, period.previous())
    )
    buckets: list[Bucket] = [row.key[0] for row in here]
    drawn = [
        Drawn(
            name=written(bucket, period, NAMES),
            label=written(bucket, period, LABELS),
            value=visitors(row) if bucket.start <= now else None,
            label_before=written(earlier.key[0], period, LABELS) if earlier else "",
            before=visitors(earlier) if earlier else None,
        )
        # A day with 25 hours may follow one with 24, and the other way about.
        for bucket, row, earlier in zip(buckets, here, padded(before, len(here)), strict=True)
    ]
    running = next(
        (place for place, bucket in enumerate(buckets) if bucket.start <= now < bucket.end), None
    )
    return LineChart.of(drawn, running=running)


def padded(rows: list[Row], length: int) -> list[Row | None]:
    return [*rows, *[None] * (length - len(rows))][:length]


def visitors(row: Row) -> int:
    return int(row["visitors"] or 0)


def written(bucket: Bucket, period: Period, formats: dict[Interval, str]) -> str:
    local = bucket.start.astimezone(period.zone)
    text = dateformat.format(local, formats[period.interval])
    # When the clocks go back, an hour comes twice: only the zone tells which.
    return f"{text} {local.tzname()}" if is_ambiguous(local) else text


def is_ambiguous(local: datetime) -> bool:
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def panels_of(site: Site, period: Period, everybody: float) -> Iterator[Panel]:
    """The panels; shares are of all visitors of the period, bars in proportion to the first."""
    for name, title in PANELS.items():
        dimension = DIMENSIONS[name]
        rows = answer(Query((site,), period, ("visitors",), (name,), limit=ROWS))
        greatest = max((visitors(row) for row in rows), default=0)
        yield Panel(
            title,
            dimension,
            [
                PanelRow(
                    dimension.written(row.key[0]),
                    visitors(row),
                    share=visitors(row) / everybody if everybody else 0,
                    width=round(100 * visitors(row) / greatest, 1) if greatest else 0,
                )
                for row in rows
            ],
        )
