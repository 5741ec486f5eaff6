"""Time as a key that ClickHouse groups by, and what the keys mean."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from tracking.models.fields import day_of
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
    label: Callable[[int], int]  # of a key
    is_within_day: bool

    def labels(self, keys: Sequence[int]) -> Numbers:
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

    def expression(column: str) -> str:
        return f"toUInt16(toDate({column}, {written}))"

    def bucket(key: int) -> int:
        return Clock(day_of(key), zone, period).bucket_of_day

    def weekday(key: int) -> int:
        return date.weekday(day_of(key))

    return Time(expression, weekday if dimension.name == WEEKDAY else bucket, is_within_day=False)


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
