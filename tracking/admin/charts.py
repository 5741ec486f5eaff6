"""A chart of upright bars for the pages of the back office, and what it was before as a line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from django.utils import formats
from django.utils.translation import gettext_lazy as _

from tracking.charts import line, spread
from tracking.reporting.metrics import Metric
from tracking.reporting.period import Bucket, Interval, Period
from tracking.reporting.query import Row

GAP = 0.2  # of the place that a bar has
NAMES = {
    Interval.MINUTE: _("H:i"),
    Interval.HOUR: _("H:i"),
    Interval.DAY: _("D j M"),
    Interval.WEEK: _("j M"),
    Interval.MONTH: _("M Y"),
}


@dataclass(frozen=True)
class Bar:
    """In percent of the chart; `value` is None for what is to come."""

    name: str
    value: float | None
    before: float | None
    left: float
    slot: float
    width: float
    height: float
    address: str = ""

    @property
    def top(self) -> float:
        return round(100 - self.height, 2)

    @property
    def x(self) -> float:
        return round(self.left + self.slot * GAP / 2, 2)


@dataclass(frozen=True)
class BarChart:
    title: str
    bars: list[Bar]
    top: float
    before: str

    @property
    def first(self) -> Bar:
        return self.bars[0]

    @property
    def last(self) -> Bar:
        return self.bars[-1]


def bar_chart(
    title: str,
    metric: Metric,
    period: Period,
    now: datetime,
    rows: Sequence[Row],
    rows_before: Sequence[Row] = (),
    address_of: Callable[[Bucket], str] = lambda bucket: "",
) -> BarChart:
    """Rows are told apart by time; those of the period before are as many, or nearly.

    `address_of` says where a click on a bar leads.
    """
    values = [(row.key[0], row[metric.name] or 0) for row in rows]
    before = [row[metric.name] or 0 for row in rows_before][: len(values)]
    top = max([*(value for _, value in values), *before], default=0) or 1
    slot = 100 / max(1, len(values))
    bars = [
        Bar(
            name=bucket_name(bucket, period),
            value=None if bucket.start > now else value,
            before=value_before,
            left=round(index * slot, 3),
            slot=round(slot, 3),
            width=round(slot * (1 - GAP), 3),
            height=round(100 * value / top, 2),
            address=address_of(bucket),
        )
        for index, ((bucket, value), value_before) in enumerate(
            zip_longest(values, before) if before else ((value, None) for value in values)
        )
    ]
    # The line runs through the middle of the bars.
    points = spread(before, width=100 - slot, height=100, top=top, slots=len(values))
    middles = [(round(x + slot / 2, 2), y) for x, y in points]
    return BarChart(title, bars, top, line(middles) if any(before) else "")


def bucket_name(bucket: Bucket, period: Period) -> str:
    local = bucket.start.astimezone(period.zone)
    return formats.date_format(local, str(NAMES[period.interval]))
