"""Time as a key that ClickHouse groups by, and what the keys mean."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from tracking.reporting.clickhouse import sql
from tracking.reporting.clock import DAILY, Clock, starts_of
from tracking.reporting.columns import Numbers
from tracking.reporting.dimensions import HOUR, WEEKDAY, Dimension
from tracking.reporting.period import Period

SECOND = timedelta(seconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Time:
    """Keys are days, or real hours: those of which clocks show the same are added up only after
    counting, as one of many days."""

    expression: Callable[[str], str]  # of the column with the moment
    label: Callable[[Any], int]  # of a key
    is_within_day: bool

    def labels(self, keys: Sequence[Any]) -> Numbers:
        known = {key: self.label(key) for key in set(keys)}
        return np.array([known[key] for key in keys], np.int64)


def time_of(dimension: Dimension, period: Period, zone: ZoneInfo) -> Time:
    written = sql.text(str(zone))
    if dimension.name == HOUR:
        return Time(
            lambda column: f"toUnixTimestamp(toStartOfHour({column}, {written}))",
            lambda key: datetime.fromtimestamp(key, zone).hour,
            is_within_day=True,
        )
    if dimension.name != WEEKDAY and period.interval not in DAILY:
        return interval_of(period)

    def bucket(day: date) -> int:
        return Clock(day, zone, period).bucket_of_day

    return Time(
        partial(day_of, zone=zone),
        date.weekday if dimension.name == WEEKDAY else bucket,
        is_within_day=False,
    )


def day_of(column: str, zone: ZoneInfo) -> str:
    return f"toDate({column}, {sql.text(str(zone))})"


def interval_of(period: Period) -> Time:
    """By the number of the period's interval; what lies outside is added to the first or last."""
    starts = [-((EPOCH - start) // SECOND) for start in starts_of(period)]
    steps = {after - before for before, after in pairwise(starts)}
    step = steps.pop() if len(steps) == 1 else None  # of most
    last = len(starts) - 1

    def expression(column: str) -> str:
        seconds = f"toInt64(toUnixTimestamp({column}))"
        if step:
            number = f"intDiv({seconds} - {starts[0]}, {step})"
        else:
            number = f"toInt64(arrayCount(start -> start <= {seconds}, {starts})) - 1"
        return f"least(greatest({number}, 0), {last})"

    return Time(expression, int, is_within_day=True)
