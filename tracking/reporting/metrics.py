"""What can be counted: each figure of the product is declared here, and nowhere else."""

from dataclasses import dataclass
from enum import Enum, auto

from django.db.models import Aggregate, Count, Q, Sum

from tracking.models import Event, Visit

Table = type[Visit] | type[Event]

# What a database adds up, and over the rows of which table.
MEASURES: dict[str, dict[Table, Aggregate]] = {
    "visitors": {
        Visit: Count("visitor_id", distinct=True),
        Event: Count("visitor_id", distinct=True),
    },
    "visits": {Visit: Count("pk"), Event: Count("visit_id", distinct=True)},
    "bounces": {Visit: Count("pk", filter=Q(is_bounce=True))},
    "milliseconds": {Visit: Sum("duration", default=0)},
    "pageviews": {Event: Count("pk", filter=Q(name=Event.PAGEVIEW))},
    "events": {Event: Count("pk")},
}


class Format(Enum):
    """How people write a figure."""

    COUNT = auto()  # 12.3k
    RATIO = auto()  # 2.4
    SHARE = auto()  # 45%, of a value between 0 and 1
    DURATION = auto()  # 2m 14s, of seconds


@dataclass(frozen=True)
class Metric:
    """A measure, or what one measure comes to for each unit of another."""

    name: str
    label: str
    definition: str
    format: Format
    measure: str
    per: str = ""
    scale: float = 1
    less_is_better: bool = False

    @property
    def measures(self) -> tuple[str, ...]:
        return (self.measure, self.per) if self.per else (self.measure,)

    def value(self, measures: dict[str, int]) -> float | None:
        """The figure, or None where there is nothing to divide by."""
        if not self.per:
            return measures[self.measure]
        if not measures[self.per]:
            return None
        return measures[self.measure] / measures[self.per] * self.scale


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "visitors",
            "Visitors",
            "Different people who began a visit in this period. Without cookies a person is "
            "known for one day only: who comes back tomorrow counts again.",
            Format.COUNT,
            "visitors",
        ),
        Metric(
            "visits",
            "Visits",
            "Times somebody came. A visit ends when nothing has happened for 30 minutes, and "
            "counts on the day on which it began.",
            Format.COUNT,
            "visits",
        ),
        Metric(
            "pageviews",
            "Pageviews",
            "Pages that were viewed, repeats included.",
            Format.COUNT,
            "pageviews",
        ),
        Metric(
            "views_per_visit",
            "Views per visit",
            "Pageviews divided by visits.",
            Format.RATIO,
            "pageviews",
            per="visits",
        ),
        Metric(
            "bounce_rate",
            "Bounce rate",
            "Share of visits that viewed one page at most and caused no other event.",
            Format.SHARE,
            "bounces",
            per="visits",
            less_is_better=True,
        ),
        Metric(
            "visit_duration",
            "Visit duration",
            "Mean time from the first to the last event of a visit; a bounce counts as 0 seconds.",
            Format.DURATION,
            "milliseconds",
            per="visits",
            scale=1 / 1000,
        ),
        Metric(
            "events",
            "Events",
            "Pageviews and custom events.",
            Format.COUNT,
            "events",
        ),
    )
}

CURRENT_VISITORS = "Different people who caused an event in the last 5 minutes."
