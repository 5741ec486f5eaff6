"""What the address of a report says: the period, what it is compared with, the filters."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote

from django import forms
from django.http import QueryDict
from django.utils.dateformat import format as formatted
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tracking.models import Site
from tracking.reporting.filters import AnyOf, Condition, Filter, Operator, parse
from tracking.reporting.metrics import METRICS, Metric
from tracking.reporting.period import DAY, Interval, Period, Preset
from tracking.reporting.query import Query, first_day
from tracking.views.wording import INTERVALS, PERIODS, Chip, range_in_words

Text = str | Promise

FIGURES = (
    "visitors",
    "visits",
    "pageviews",
    "views_per_visit",
    "bounce_rate",
    "visit_duration",
)
SAFE = "/,:"  # these are as well understood, and read, as they are
NO_COMPARISON, PREVIOUS, YEAR_BEFORE, CUSTOM = "none", "previous", "year", "custom"
COMPARISONS: dict[str, Text] = {
    PREVIOUS: _("period before"),
    YEAR_BEFORE: _("same period a year ago"),
    CUSTOM: _("another period"),
    NO_COMPARISON: _("nothing"),
}
# What stands in the address beside the state, and does not go on to another one.
OF_ONE_PAGE = (
    *("page", "before", "after", "q", "order", "day", "back"),
    *("edit", "dimension", "operator", "picked", "typed", "choose", "apply"),
)
# With these there is nothing before them, or nothing that could be compared.
WITHOUT_COMPARISON = {Preset.ALL}


class ReportForm(forms.Form):
    """The parts of the address that are one value each."""

    period = forms.TypedChoiceField(
        choices=[(preset.value, preset.value) for preset in PERIODS],
        coerce=Preset,
        required=False,
        empty_value=Preset.THIRTY_DAYS,
        error_messages={"invalid_choice": _("There is no period “%(value)s”.")},
    )
    on = forms.DateField(required=False)
    first = forms.DateField(required=False)
    last = forms.DateField(required=False)
    interval = forms.TypedChoiceField(
        choices=[(interval.value, interval.value) for interval in Interval],
        coerce=Interval,
        required=False,
        empty_value=None,
        error_messages={"invalid_choice": _("There is no interval “%(value)s”.")},
    )
    compare = forms.ChoiceField(
        choices=list(COMPARISONS.items()),
        required=False,
        error_messages={"invalid_choice": _("There is no comparison “%(value)s”.")},
    )
    compare_first = forms.DateField(required=False)
    compare_last = forms.DateField(required=False)
    weekdays = forms.BooleanField(required=False)
    metric = forms.ChoiceField(
        choices=[(name, name) for name in FIGURES],
        required=False,
        error_messages={"invalid_choice": _("There is no figure “%(value)s”.")},
    )


@dataclass(frozen=True)
class Choice:
    """Something that can be chosen by a link."""

    value: str
    label: Text
    is_current: bool


class Report:
    """The state of a page of reports.

    What is wrong in the address is said in `problems`, and answered by what is usual.
    """

    def __init__(self, site: Site, parameters: QueryDict, now: datetime) -> None:
        self.site = site
        self.parameters = parameters
        self.now = now
        self.problems: list[str] = []
        form = ReportForm(parameters)
        for errors in form.errors.values():
            self.problems.extend(map(str, errors))
        self.chosen: dict[str, Any] = form.cleaned_data
        self.preset: Preset = self.chosen.get("period") or Preset.THIRTY_DAYS
        self.metric: Metric = METRICS[self.chosen.get("metric") or FIGURES[0]]
        self.filters = self._filters()
        self.period = self._period()
        self.comparison = self._comparison()

    def _filters(self) -> tuple[Condition, ...]:
        try:
            return parse(self.parameters.getlist("f"))
        except ValueError as error:
            self.problems.append(str(error))
            return ()

    def _period(self) -> Period:
        first, last = self.chosen.get("first"), self.chosen.get("last")
        if self.preset is Preset.CUSTOM and not (first and last):
            if not self.problems:
                self.problems.append(gettext("Say the first and the last day."))
            self.preset = Preset.THIRTY_DAYS
        if self.preset is Preset.ALL:
            first = first_day(self.site)
        try:
            period = Period.of(
                self.preset,
                self.site.zone,
                self.now,
                on=self.chosen.get("on"),
                first=first,
                last=last,
            )
        except ValueError as error:
            self.problems.append(str(error))
            self.preset = Preset.THIRTY_DAYS
            period = Period.of(self.preset, self.site.zone, self.now)
        interval = self.chosen.get("interval")
        return period.by(interval) if interval else period

    def _comparison(self) -> Period | None:
        by_weekday = bool(self.chosen.get("weekdays"))
        match self.comparison_name:
            case "none":
                return None
            case "year":
                return self.period.year_before(by_weekday=by_weekday)
            case "custom":
                first, last = self.chosen.get("compare_first"), self.chosen.get("compare_last")
                try:
                    if first and last:
                        return Period.between(first, last, self.site.zone).by(self.period.interval)
                    raise ValueError(gettext("Say with which days to compare."))
                except ValueError as error:
                    self.problems.append(str(error))
        return self.period.previous(by_weekday=by_weekday)

    @property
    def comparison_name(self) -> str:
        if self.preset in WITHOUT_COMPARISON:
            return NO_COMPARISON
        return self.chosen.get("compare") or PREVIOUS

    @property
    def comparison_so_far(self) -> Period | None:
        """What today until noon is compared with: the other day until noon."""
        return self.comparison and self.comparison.as_far_as(self.period, self.now)

    def query(
        self,
        metrics: tuple[str, ...],
        dimensions: tuple[str, ...] = (),
        *,
        period: Period | None = None,
        filters: tuple[Condition, ...] = (),
        order: str = "",
        limit: int | None = None,
        offset: int = 0,
    ) -> Query:
        """A question about what the page is about; `filters` are added to its own."""
        return Query(
            (self.site,),
            period or self.period,
            metrics,
            dimensions,
            filters=(*self.filters, *filters),
            order=order,
            limit=limit,
            offset=offset,
        )

    # Addresses

    def address(self, **changes: str | Iterable[str] | None) -> str:
        """The address of the same page in another state, as “?…”; None leaves a part out."""
        parts = {**self._parts}
        for name, value in changes.items():
            parts.pop(name, None) if value is None else parts.update({name: part(name, value)})
        return f"?{'&'.join(filter(None, parts.values()))}"

    @cached_property
    def _parts(self) -> dict[str, str]:
        """Of the address; a page has some hundred others. Filters that were refused go."""
        return {
            name: part(name, values)
            for name, values in self.parameters.lists()
            if name not in OF_ONE_PAGE and (name != "f" or self.filters)
        }

    def filtered(self, filter: Condition) -> str:
        """The address with one more filter; the same twice is once."""
        texts = [str(condition) for condition in self.filters]
        added = str(filter)
        if added in texts:
            return self.address(f=texts)
        separator = "" if self._to_be_filtered == "?" else "&"
        return f"{self._to_be_filtered}{separator}f={quote(added, safe=SAFE)}"

    @cached_property
    def _to_be_filtered(self) -> str:
        """The page as it is, where filters can be added at the end; a page has some hundred."""
        filters = "&".join(f"f={quote(str(one), safe=SAFE)}" for one in self.filters)
        bare = self.address(f=None)
        return f"{bare}{'&' if filters and bare != '?' else ''}{filters}"

    @property
    def chips(self) -> list[Chip]:
        texts = [str(condition) for condition in self.filters]
        return [
            Chip.of(condition, self.address(f=[*texts[:place], *texts[place + 1 :]] or None))
            for place, condition in enumerate(self.filters)
        ]

    @property
    def joined(self) -> str:
        """The address in which one of the filters is enough, where each has to hold, if any."""
        if len(self.filters) < 2 or any(isinstance(one, AnyOf) for one in self.filters):
            return ""
        return self.address(f=[";".join(map(str, self.filters))])

    @property
    def parted(self) -> str:
        """The reverse."""
        match self.filters:
            case (AnyOf(filters),):
                return self.address(f=list(map(str, filters)))
        return ""

    # Wording

    @cached_property
    def label(self) -> str:
        wording = PERIODS[self.preset]
        match self.preset:
            case Preset.CUSTOM:
                return range_in_words(self.period.first, self.period.last)
            case Preset.MONTH:
                return formatted(self.period.first, gettext("F Y"))
            case Preset.CALENDAR_YEAR:
                return formatted(self.period.first, gettext("Y"))
        return str(wording.label)

    @cached_property
    def phrase(self) -> str:
        """The period within a sentence."""
        if self.preset in (Preset.CUSTOM, Preset.MONTH, Preset.CALENDAR_YEAR):
            return gettext("in the period %(period)s") % {"period": self.label}
        return str(PERIODS[self.preset].phrase)

    @cached_property
    def comparison_label(self) -> str:
        if not self.comparison:
            return ""
        if self.comparison_name == CUSTOM:
            return range_in_words(self.comparison.first, self.comparison.last)
        return str(COMPARISONS[self.comparison_name])

    @property
    def by_weekday(self) -> bool:
        return bool(self.chosen.get("weekdays"))

    @property
    def is_all_time(self) -> bool:
        return self.preset is Preset.ALL

    @property
    def periods(self) -> list[tuple[Choice, str]]:
        """Each period, and the key that chooses it."""
        return [
            (Choice(preset.value, wording.label, preset is self.preset), wording.key)
            for preset, wording in PERIODS.items()
            if preset is not Preset.CUSTOM
        ]

    @property
    def other_comparison(self) -> str:
        """What one key changes to."""
        return PREVIOUS if self.comparison is None else NO_COMPARISON

    @property
    def comparisons(self) -> list[Choice]:
        return [
            Choice(name, label, name == self.comparison_name)
            for name, label in COMPARISONS.items()
            if name != CUSTOM
        ]

    @property
    def intervals(self) -> list[Choice]:
        return [
            Choice(interval.value, INTERVALS[interval].label, interval is self.period.interval)
            for interval in self.period.intervals
        ]

    @property
    def earlier(self) -> str:
        """The address of the period of the same kind just before this one, if there is any."""
        if self.preset in (Preset.ALL, Preset.LIVE):
            return ""
        return self._beside(self.period.previous())

    @property
    def later(self) -> str:
        """The same after it; empty where that is yet to come."""
        first = self.period.last + DAY
        if self.preset is Preset.LIVE or first > self.now.astimezone(self.site.zone).date():
            return ""
        return self._beside(
            Period.between(first, self.period.last + self.period.days * DAY, self.site.zone)
        )

    def _beside(self, period: Period) -> str:
        if self.preset in (Preset.MONTH, Preset.CALENDAR_YEAR):
            return self.address(on=period.first.isoformat())
        return self.address(
            period=Preset.CUSTOM.value,
            first=period.first.isoformat(),
            last=period.last.isoformat(),
            on=None,
        )


def part(name: str, values: str | Iterable[str]) -> str:
    """Of an address: `name=value`, once for each value."""
    listed = (values,) if isinstance(values, str) else values
    return "&".join(f"{quote(name, safe=SAFE)}={quote(value, safe=SAFE)}" for value in listed)


def is_filter(dimension: str, value: str) -> Filter:
    """What a click on a row adds."""
    return Filter(dimension, Operator.IS, (value,))
