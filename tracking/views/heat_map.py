"""When visitors come: by weekday and hour of the day."""

from dataclasses import dataclass
from functools import cached_property

from django.utils import formats
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext_lazy as _

from tracking.charts import level
from tracking.reporting.dimensions import HOUR, WEEKDAY
from tracking.reporting.query import Query, Row
from tracking.templatetags.figures import exact
from tracking.views.report import Report, is_filter, part
from tracking.world import SHADES


@dataclass(frozen=True)
class Hour:
    level: int
    text: str
    tip: str
    address: str  # of the report of such hours

    @classmethod
    def of(cls, day: str, hour: int, visitors: float, greatest: float, address: str) -> "Hour":
        text = exact(visitors)
        return cls(level(visitors, greatest, SHADES), text, f"{day} {hour}:00 · {text}", address)


@dataclass(frozen=True)
class Weekday:
    name: str
    short: str
    address: str
    hours: list[Hour]


class HeatMap:
    """Visitors by weekday and hour of the day."""

    name = "times"
    template_name = "tracking/report/heat_map.html"
    title = _("Weekdays and hours")
    id = "panel-times"
    hours = range(24)

    def __init__(self, report: Report) -> None:
        self.report = report
        self.days: list[Weekday] = []

    @property
    def query(self) -> Query:
        return self.report.query(("visitors",), ("weekday", "hour"))

    def show(self, rows: list[Row], everybody: float) -> None:
        visitors = {
            (int(weekday), int(hour)): row["visitors"] or 0
            for row in rows
            for weekday, hour in (row.key,)
        }
        greatest = max(visitors.values(), default=0)
        # Django counts weekdays from Sunday here, and from Monday everywhere else.
        first = (formats.get_format("FIRST_DAY_OF_WEEK") + 6) % 7
        self.days = [
            Weekday(
                str(WEEKDAYS[day]),
                short,
                self.report.filtered(is_filter(WEEKDAY, str(day))),
                [
                    Hour.of(short, hour, visitors.get((day, hour), 0), greatest, address)
                    for hour, address in zip(self.hours, self.addresses(day), strict=True)
                ],
            )
            for day in ((first + number) % 7 for number in range(7))
            for short in (str(WEEKDAYS_ABBR[day]),)
        ]

    def addresses(self, day: int) -> list[str]:
        """Of the report of each hour of a weekday."""
        of_day = self.report.filtered(is_filter(WEEKDAY, str(day)))
        return [f"{of_day}&{of_hour}" for of_hour in self._of_hours]

    @cached_property
    def _of_hours(self) -> list[str]:
        return [part("f", str(is_filter(HOUR, str(hour)))) for hour in self.hours]
