"""The key figures and the chart above a list: of all rows that its filters leave."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Aggregate, Case, Count, IntegerField, Q, QuerySet, Sum, Value, When
from django.utils.functional import cached_property

from tracking.admin.charts import BarChart, bar_chart
from tracking.models import Event, Visit
from tracking.reporting.metrics import METRICS, Metric
from tracking.reporting.period import Bucket, Interval, Period
from tracking.reporting.query import Query, Row, answers

Table = type[Visit] | type[Event]

FIGURES: dict[Table, tuple[str, ...]] = {
    Visit: (
        "visitors",
        "visits",
        "pageviews",
        "views_per_visit",
        "bounce_rate",
        "visit_duration",
    ),
    Event: ("events", "pageviews"),
}
MOMENT: dict[Table, str] = {Visit: "started_at", Event: "time"}
# What a database adds up over the rows of a list. A visit knows how many pages it had: no need
# to read its events for that.
AGGREGATES: dict[Table, dict[str, Aggregate]] = {
    Visit: {
        "visitors": Count("visitor_id", distinct=True),
        "visits": Count("pk"),
        "bounces": Count("pk", filter=Q(is_bounce=True)),
        "milliseconds": Sum("duration", default=0),
        "pageviews": Sum("pageviews", default=0),
    },
    Event: {
        "events": Count("pk"),
        "pageviews": Count("pk", filter=Q(name=Event.PAGEVIEW)),
    },
}
Measured = Counter[str]


@dataclass(frozen=True)
class Figure:
    metric: Metric
    value: float | None


class Report:
    """What `asked` says is answered as on the dashboards. What cannot be asked so, as for visits
    of one minute or more, is counted from the rows: grouped by the day of the site's calendar,
    to which a visitor belongs. So days add up, and one look gives the figures and the chart."""

    def __init__(
        self,
        rows: QuerySet[Any],
        period: Period,
        now: datetime,
        address_of: Callable[[date, date], str],
        asked: Query | None = None,
    ) -> None:
        self.rows, self.period, self.now, self.address_of = rows.order_by(), period, now, address_of
        self.asked = asked
        self.table: Table = rows.model

    @property
    def metrics(self) -> list[Metric]:
        return [METRICS[name] for name in FIGURES[self.table]]

    @cached_property
    def days(self) -> dict[date, Measured]:
        return self.grouped(self.rows, "day")

    @cached_property
    def hours(self) -> dict[int, Measured]:
        """By their place in the day; what other time zones have of the day is at its ends."""
        *buckets, _ = self.period.buckets()
        moment = f"{MOMENT[self.table]}__lt"
        whens = [
            When(**{moment: bucket.end}, then=Value(place)) for place, bucket in enumerate(buckets)
        ]
        hour = Case(*whens, default=Value(len(buckets)), output_field=IntegerField())
        return self.grouped(self.rows.annotate(hour=hour), "hour")

    def grouped(self, rows: QuerySet[Any], by: str) -> dict[Any, Measured]:
        measures = sorted({name for metric in self.metrics for name in metric.measures})
        aggregates = {f"of_{name}": AGGREGATES[self.table][name] for name in measures}
        return {
            row[by]: Counter({name: row[f"of_{name}"] for name in measures})
            for row in rows.values(by).annotate(**aggregates)
        }

    @property
    def charted(self) -> Metric:
        return METRICS["visits" if self.table is Visit else "events"]

    @cached_property
    def answer(self) -> tuple[Row, list[Row]]:
        """The figures of the period, and the one that is charted by time."""
        if self.asked:
            figures = replace(self.asked, metrics=FIGURES[self.table])
            chart = replace(self.asked, metrics=(self.charted.name,), dimensions=("time",))
            [total], by_time = answers([figures, chart])
            return total, by_time
        measured = sum(self.days.values(), Counter())
        total = Row((), {metric.name: metric.value(measured) for metric in self.metrics})
        return total, [
            Row((bucket,), {self.charted.name: self.charted.value(self.of(place, bucket))})
            for place, bucket in enumerate(self.period.buckets())
        ]

    @property
    def figures(self) -> list[Figure]:
        return [Figure(metric, self.answer[0][metric.name]) for metric in self.metrics]

    @property
    def is_empty(self) -> bool:
        return not self.answer[0][self.charted.name]

    @cached_property
    def chart(self) -> BarChart:
        return bar_chart(
            str(self.charted.label),
            self.charted,
            self.period,
            self.now,
            self.answer[1],
            address_of=self.address,
        )

    def of(self, place: int, bucket: Bucket) -> Measured:
        if self.period.interval is Interval.HOUR:
            return self.hours.get(place, Counter())
        days = (
            day for day in self.days if bucket.first_day <= day <= last_day(bucket, self.period)
        )
        return sum((self.days[day] for day in days), Counter())

    def address(self, bucket: Bucket) -> str:
        """Of the list for these days alone; an hour has none."""
        if self.period.interval is Interval.HOUR:
            return ""
        return self.address_of(bucket.first_day, last_day(bucket, self.period))


def last_day(bucket: Bucket, period: Period) -> date:
    end = (bucket.end.astimezone(period.zone) - timedelta(microseconds=1)).date()
    return min(end, period.last)
