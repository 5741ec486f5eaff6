from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.db.models import Field, Model, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    RangeDateFilter,
    SingleNumericFilter,
)
from unfold.contrib.filters.admin.mixins import DropdownMixin, ValueMixin

from tracking.models import Label, Site
from tracking.reporting.dimensions import country_name
from tracking.reporting.period import DAY, Period, midnight
from tracking.routers import events_are_in_clickhouse

NEWEST = 5_000
MAX_ID = 2**63 - 1
MAX_ID_DIGITS = 19
MAX_NUMBER = 2**31 - 1
DAYS = 7
UTC_ZONE = ZoneInfo("UTC")


class RelatedRowFilter(AutocompleteSelectFilter):
    """A row of another table, found by typing."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        if self.value() and int(self.value()) > MAX_ID:
            raise IncorrectLookupParameters  # SQLite would not even look for it
        return super().queryset(request, queryset)


class PeriodFilter(RangeDateFilter):
    """The days of the sites' calendars that a report is about, the last seven unless chosen.

    A day alone has no index: the moments, which have, are bounded as well, with room for all
    time zones.
    """

    def __init__(
        self,
        field: "Field[Any, Any]",
        request: HttpRequest,
        params: dict[str, Any],
        model: type[Model],
        model_admin: Any,
        field_path: str,
    ) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        self.moment = model_admin.moment

    @property
    def first(self) -> date:
        return self.day("from") or self.last - timedelta(days=DAYS - 1)

    @property
    def last(self) -> date:
        return self.day("to") or max(timezone.localdate(), self.day("from") or date.min)

    @property
    def period(self) -> Period:
        try:
            return Period.between(self.first, self.last, timezone.get_current_timezone())
        except (OverflowError, ValueError) as error:
            raise IncorrectLookupParameters(error) from error

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """Between which all of its rows lie, in whichever time zone."""
        period = self.period
        return midnight(period.first - DAY, UTC_ZONE), midnight(period.last + 2 * DAY, UTC_ZONE)

    def day(self, end: str) -> date | None:
        text = self.used_parameters.get(f"{self.field_path}_{end}")
        if not text:
            return None
        try:
            return date.fromisoformat(str(text))
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if is_id(request.GET.get(SEARCH_VAR, "")):
            return queryset
        period, (start, end) = self.period, self.moments
        return queryset.filter(
            # Every row has a site; naming them all lets the database use its index on site and
            # time, where a condition on the time alone would read the table. By their numbers:
            # of a sub-query PostgreSQL does not know how few there are.
            site__in=list(Site.objects.order_by().values_list("pk", flat=True)),
            day__range=(period.first, period.last),
            **{f"{self.moment}__gte": start, f"{self.moment}__lt": end},
        )

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        days = {"from": self.first.isoformat(), "to": self.last.isoformat()}
        self.used_parameters |= {f"{self.field_path}_{end}": day for end, day in days.items()}
        return super().choices(changelist)


class AtLeastFilter(SingleNumericFilter):
    """Rows in which a number is as great as this, or greater."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        try:
            number = int(self.value())
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error
        if not 0 <= number * self.factor <= MAX_NUMBER:
            raise IncorrectLookupParameters
        return queryset.filter(**{f"{self.field_path}__gte": number * self.factor})

    @property
    def factor(self) -> int:
        return 1


class AtLeastSecondsFilter(AtLeastFilter):
    """The same of a duration, which is typed in seconds and stored in milliseconds."""

    @property
    def factor(self) -> int:
        return 1000


class RecentValuesFilter(ValueMixin, DropdownMixin, admin.FieldListFilter):
    """Offers the values that the newest rows have; those of all rows would take a look at each."""

    def __init__(
        self,
        field: "Field[Any, Any]",
        request: HttpRequest,
        params: dict[str, Any],
        model: type[Model],
        model_admin: admin.ModelAdmin,
        field_path: str,
    ) -> None:
        self.lookup_val = params.get(field_path)
        super().__init__(field, request, params, model, model_admin, field_path)
        self.values = set(Label.objects.texts(recent_labels(model, field_path)).values()) - {""}

    def expected_parameters(self) -> list[str | None]:
        return [self.field_path]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.field_path: self.value()}) if self.value() else queryset

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        values = self.values | {self.value()} if self.value() else self.values
        options = sorted(((value, self.text(value)) for value in values), key=lambda pair: pair[1])
        yield {
            "form": self.form_class(
                label=gettext("By %(title)s") % {"title": self.title},
                name=self.field_path,
                choices=[self.all_option, *options],
                data={self.field_path: self.value()},
            ),
        }

    def text(self, value: str) -> str:
        return value


def recent_labels(model: type[Model], name: str) -> list[int]:
    rows = model._default_manager.order_by("-pk")
    found: list[int] = []
    if events_are_in_clickhouse():  # which is quick with days, not with single rows
        today = timezone.now().date()
        for days in (7, 60, 10_000):
            if not found:
                latest = rows.order_by().filter(day__gte=today - timedelta(days=days))
                found = list(latest.values_list(name, flat=True).distinct())
        return found
    oldest = Coalesce(Subquery(rows.values("pk")[NEWEST : NEWEST + 1]), Value(0))
    newest = rows.order_by().filter(pk__gt=oldest).exclude(**{name: ""})
    return list(newest.values_list(name, flat=True).distinct())


class CountryFilter(RecentValuesFilter):
    def text(self, value: str) -> str:
        return country_name(value)


def is_id(text: str) -> bool:
    return text.isdecimal() and len(text) <= MAX_ID_DIGITS
