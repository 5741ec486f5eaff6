"""The answer to any query as a file for spreadsheets."""

import csv
from collections.abc import Iterator

from tracking.reporting.dimensions import TIME
from tracking.reporting.metrics import METRICS
from tracking.reporting.period import Bucket
from tracking.reporting.query import Query, answer

# A spreadsheet takes what begins with one of these for a formula, and would run it.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Line:
    """A file that gives back what is written, so that a response can stream it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(query: Query) -> Iterator[str]:
    """Lines of CSV, names first: of dimensions and metrics, as people call them.

    Figures are exact: shares between 0 and 1, durations in seconds, nothing where there is none.
    """
    writer = csv.writer(Line())
    told_by = query.told_by
    yield writer.writerow(
        [
            *(str(dimension.label) for dimension in told_by),
            *(str(METRICS[name].label) for name in query.metrics),
        ]
    )
    for row in answer(query):
        texts = (
            moment(key, query) if dimension.name == TIME else harmless(dimension.written(key))
            for dimension, key in zip(told_by, row.key, strict=True)
        )
        yield writer.writerow(
            [*texts, *("" if row[name] is None else row[name] for name in query.metrics)]
        )


def moment(bucket: Bucket, query: Query) -> str:
    """A day, or a day and the time on the site's clock."""
    start = bucket.start.astimezone(query.period.zone)
    is_daily = query.period.interval in ("day", "week", "month")
    return bucket.first_day.isoformat() if is_daily else start.isoformat(timespec="minutes")


def harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
