"""The top of the dashboard: the figures, and one of them as a chart."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from django.utils.translation import gettext

from tracking.charts import Interval as Drawn
from tracking.charts import LineChart
from tracking.models import Annotation
from tracking.reporting.comparison import Change, change
from tracking.reporting.metrics import METRICS, Metric
from tracking.reporting.period import Bucket
from tracking.reporting.query import Query, Row
from tracking.templatetags.figures import axis, written
from tracking.views.report import FIGURES, Report
from tracking.views.wording import INTERVALS, bucket_name, bucket_tick


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


class Overview:
    id = "overview"
    template_name = "tracking/report/overview.html"

    def __init__(self, report: Report) -> None:
        self.report = report
        self.figures: list[Figure] = []

    @property
    def queries(self) -> list[Query]:
        """The figures and the chart, and both for what they are compared with."""
        report, charted = self.report, (self.report.metric.name,)
        queries = [report.query(FIGURES), report.query(charted, ("time",))]
        if report.comparison:
            queries += [
                report.query(FIGURES, period=report.comparison_so_far),
                report.query(charted, ("time",), period=report.comparison),
            ]
        return queries

    def show(self, answers: Sequence[list[Row]]) -> None:
        [here], line, *compared = answers
        [before], line_before = compared or ([None], [])
        self.figures = [
            Figure(METRICS[name], here[name], before[name] if before else None) for name in FIGURES
        ]
        self.is_comparable = any(figure.before for figure in self.figures)
        period = self.report.period
        self.notes = list(
            self.report.site.annotations.filter(day__range=(period.first, period.last))
        )
        self.chart = self.chart_of(line, line_before)

    @property
    def everybody(self) -> float:
        """Of whom the panels' shares are."""
        return self.figures[0].value or 0

    @property
    def title(self) -> str:
        return gettext("%(figure)s %(by_interval)s") % {
            "figure": self.report.metric.label,
            "by_interval": INTERVALS[self.report.period.interval].by,
        }

    @property
    def running_name(self) -> str:
        return str(INTERVALS[self.report.period.interval].running)

    @property
    def interval_label(self) -> str:
        return str(INTERVALS[self.report.period.interval].label)

    def chart_of(self, line: list[Row], line_before: list[Row]) -> LineChart:
        report, metric = self.report, self.report.metric
        buckets: list[Bucket] = [row.key[0] for row in line]
        notes = notes_by_bucket(self.notes, buckets)
        comparison = report.comparison
        drawn = [
            Drawn(
                name=bucket_name(bucket, report.period),
                label=bucket_tick(bucket, report.period),
                day=bucket.first_day,
                value=row[metric.name],
                text=gettext("to come")
                if bucket.start > report.now
                else written(metric, row[metric.name]),
                is_to_come=bucket.start > report.now,
                label_before=bucket_name(before.key[0], comparison)
                if before and comparison
                else "",
                before=before[metric.name] if before else None,
                text_before=written(metric, before[metric.name]) if before else "",
                notes=notes.get(bucket, ()),
            )
            # A day with 25 hours may follow one with 24, and the other way about.
            for bucket, row, before in zip(
                buckets, line, chain(line_before, repeat(None)), strict=False
            )
        ]
        running = next(
            (
                place
                for place, bucket in enumerate(buckets)
                if bucket.start <= report.now < bucket.end
            ),
            None,
        )
        return LineChart.of(
            drawn, running=running, format=metric.format, write=lambda step: axis(metric, step)
        )


def notes_by_bucket(
    notes: list[Annotation], buckets: list[Bucket]
) -> dict[Bucket, tuple[str, ...]]:
    """Each note stands at the interval in which its day begins."""
    days = [bucket.first_day for bucket in buckets]
    found: dict[Bucket, tuple[str, ...]] = {}
    for note in notes:
        place = bisect_left(days, note.day)
        if place == len(days) or days[place] != note.day:
            place -= 1
        found[buckets[place]] = (*found.get(buckets[place], ()), note.text)
    return found
