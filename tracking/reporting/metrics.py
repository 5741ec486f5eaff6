"""What can be counted: each figure of the product is declared here, and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# What is added up. All of it adds up over days too, since a visitor is known for one day.
VISIT_MEASURES = {"visitors", "visits", "bounces", "milliseconds"}
EVENT_MEASURES = {"pageviews", "events"}
# Of the pages of each visit: how many it viewed, the milliseconds spent on them, on how many it
# ended (one at most), of how many it is known how far they were read, and how far in percent.
READ_MEASURES = {"reads", "engaged", "exits", "scrolled", "scroll"}
MEASURES = (
    "visitors",
    "visits",
    "bounces",
    "milliseconds",
    "pageviews",
    "events",
    "reads",
    "engaged",
    "exits",
    "scrolled",
    "scroll",
)


class Format(Enum):
    """How people write a figure."""

    COUNT = auto()  # 12.3k
    RATIO = auto()  # 2.4
    SHARE = auto()  # 45%, of a value between 0 and 1
    DURATION = auto()  # 2m 14s, of seconds


class Base(Enum):
    """Of whom the divisor is: of the same rows, or of others."""

    SAME = auto()
    ALL = auto()  # everybody under the same filters
    UNCONVERTED = auto()  # the same, whether they caused the event or not
    PAGE = auto()  # the page's, of an exit page


@dataclass(frozen=True)
class Metric:
    """A measure, or what one measure comes to for each unit of another."""

    name: str
    label: str | Promise
    definition: str | Promise
    format: Format
    measure: str
    per: str = ""
    scale: float = 1
    less_is_better: bool = False
    base: Base = Base.SAME

    @property
    def measures(self) -> tuple[str, ...]:
        """What has to be known of a row; the divisor only if it is the row's own."""
        if self.per and self.base is Base.SAME:
            return (self.measure, self.per)
        return (self.measure,)

    def value(
        self, measures: Mapping[str, int], base: Mapping[str, int] | None = None
    ) -> float | None:
        """The figure, or None where there is nothing to divide by."""
        if not self.per:
            return measures[self.measure]
        divisor = (measures if base is None else base).get(self.per)
        if not divisor:
            return None
        return measures[self.measure] / divisor * self.scale


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "visitors",
            _("Visitors"),
            _(
                "Different people who began a visit in this period. Without cookies a person is "
                "known for one day only: who comes back tomorrow counts again."
            ),
            Format.COUNT,
            "visitors",
        ),
        Metric(
            "visits",
            _("Visits"),
            _(
                "Times somebody came. A visit ends when nothing has happened for 30 minutes, and "
                "counts on the day on which it began."
            ),
            Format.COUNT,
            "visits",
        ),
        Metric(
            "pageviews",
            _("Pageviews"),
            _("Pages that were viewed, repeats included."),
            Format.COUNT,
            "pageviews",
        ),
        Metric(
            "views_per_visit",
            _("Views per visit"),
            _("Pageviews divided by visits."),
            Format.RATIO,
            "pageviews",
            per="visits",
        ),
        Metric(
            "bounce_rate",
            _("Bounce rate"),
            _("Share of visits that viewed one page at most and caused no other event."),
            Format.SHARE,
            "bounces",
            per="visits",
            less_is_better=True,
        ),
        Metric(
            "visit_duration",
            _("Visit duration"),
            _(
                "Mean time from the beginning of a visit to the last that was heard of it. Who "
                "left the first page unread stayed for 0 seconds."
            ),
            Format.DURATION,
            "milliseconds",
            per="visits",
            scale=1 / 1000,
        ),
        Metric(
            "events",
            _("Events"),
            _("Pageviews and custom events."),
            Format.COUNT,
            "events",
        ),
        Metric(
            "time_on_page",
            _("Time on page"),
            _(
                "Mean time for which a page was visible and had the focus, in each visit that "
                "viewed it."
            ),
            Format.DURATION,
            "engaged",
            per="reads",
            scale=1 / 1000,
        ),
        Metric(
            "scroll_depth",
            _("Scroll depth"),
            _("How much of a page was seen, on average over the visits of which that is known."),
            Format.SHARE,
            "scroll",
            per="scrolled",
            scale=1 / 100,
        ),
        Metric(
            "exit_rate",
            _("Exit rate"),
            _("Share of a page’s views with which a visit ended."),
            Format.SHARE,
            "exits",
            per="pageviews",
            less_is_better=True,
            base=Base.PAGE,
        ),
        Metric(
            "conversion_rate",
            _("Conversion rate"),
            _("Share of visitors who caused the event, among all under the same filters."),
            Format.SHARE,
            "visitors",
            per="visitors",
            base=Base.UNCONVERTED,
        ),
        Metric(
            "share",
            _("Share"),
            _("Share of all visitors under the same filters."),
            Format.SHARE,
            "visitors",
            per="visitors",
            base=Base.ALL,
        ),
    )
}

CURRENT_VISITORS = _("Different people who caused an event in the last 5 minutes.")
