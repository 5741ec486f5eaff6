"""Lists over tables that grow without end: nothing here reads or counts a whole table.

Without a filter a list shows the newest rows, by primary key: ids ascend with the order of
arrival. With a filter or a search it reads a limited stretch of time: the month or day that
was chosen, else the last seven days.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.core.checks import CheckMessage
from django.core.paginator import Page, Paginator
from django.db.models import Min, Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import formats, timezone
from django.utils.functional import cached_property
from unfold.checks import UnfoldModelAdminChecks

from tracking.models import Site
from tracking_project.model_admin import BackOfficeAdmin, BackOfficeChangeList

FILTERED_DAYS = 7
MAX_PAGES = 100  # a page is reached by skipping the rows before it
MAX_ID_DIGITS = 19


class ReadOnlyAdmin(BackOfficeAdmin):
    """Rows that the application writes, to be looked at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class UncountedPaginator(Paginator):
    """Knows by one more row whether there is an older page; never asks how many there are."""

    template_name = "admin/tracking/older_newer.html"
    has_older = False

    @cached_property
    def count(self) -> int:
        return MAX_PAGES * self.per_page

    def page(self, number: int | str) -> Page[Any]:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        rows = list(self.object_list[first : first + self.per_page + 1])
        self.has_older = len(rows) > self.per_page and number < MAX_PAGES
        return Page(rows[: self.per_page], number, self)


@dataclass(frozen=True)
class Link:
    text: str
    query: str
    current: bool = False


class ReportChangeList(BackOfficeChangeList):
    date_hierarchy: str

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        return ["-pk"]

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str] | None = None
    ) -> QuerySet[Any]:
        queryset = super().get_queryset(request, exclude_parameters)
        if self.is_last_days:
            since = timezone.now() - timedelta(days=FILTERED_DAYS)
            queryset = queryset.filter(**{f"{self.date_hierarchy}__gte": since})
        if self.is_last_days or self.month:
            # Every row has a site; naming them all lets the database use its index on site and
            # time, where a condition on the time alone would read the table.
            queryset = queryset.filter(site__in=Site.objects.order_by())
        return queryset

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count  # neither is known, nothing is said of them

    @cached_property
    def is_last_days(self) -> bool:
        """Filtered or searched, without a month or day chosen? A search for an id is no search."""
        if self.month or is_id(self.query):
            return False
        return bool(self.query) or any(map(any, self.get_filters_params().values()))

    @cached_property
    def month(self) -> date | None:
        """The first of the month that was chosen."""
        year, month = (
            self.params.get(f"{self.date_hierarchy}__{part}") for part in ("year", "month")
        )
        try:
            return date(int(year), int(month), 1) if year and month else None
        except ValueError:
            return None

    def months(self) -> list[tuple[int, list[Link]]]:
        """The months in which there may be rows, newest first, below their years."""
        first = timezone.localtime(self.earliest).date().replace(day=1) if self.earliest else None
        years: dict[int, list[Link]] = {}
        month = timezone.localdate().replace(day=1)
        while first and month >= first:
            text = formats.date_format(month, "M")
            years.setdefault(month.year, []).append(self.link(text, month.year, month.month))
            month = (month - timedelta(days=1)).replace(day=1)
        return list(years.items())

    def days(self) -> list[Link]:
        """Those of the month that was chosen, up to today."""
        if not self.month:
            return []
        chosen = self.params.get(f"{self.date_hierarchy}__day")
        following = (self.month + timedelta(days=32)).replace(day=1)
        last = min(following - timedelta(days=1), timezone.localdate()).day
        return [
            self.link(str(day), self.month.year, self.month.month, day, current=str(day) == chosen)
            for day in range(1, last + 1 if following > self.month else 1)
        ]

    def whole_month(self) -> Link | None:
        if not self.month:
            return None
        text = formats.date_format(self.month, "YEAR_MONTH_FORMAT")
        current = f"{self.date_hierarchy}__day" not in self.params
        return self.link(text, self.month.year, self.month.month, current=current)

    def all_dates(self) -> Link:
        return Link("All dates", self.get_query_string({}, [f"{self.date_hierarchy}__"]))

    def link(
        self, text: str, year: int, month: int, day: int | None = None, *, current: bool = False
    ) -> Link:
        field = self.date_hierarchy
        chosen = {f"{field}__year": year, f"{field}__month": month, f"{field}__day": day}
        query = self.get_query_string(
            {key: value for key, value in chosen.items() if value}, [f"{field}__"]
        )
        return Link(text, query, current)

    @cached_property
    def earliest(self) -> datetime | None:
        """The time of the very first row: one look into the index for each site."""
        rows = self.model._default_manager.filter(site=OuterRef("pk")).order_by(self.date_hierarchy)
        sites = Site.objects.annotate(first=Subquery(rows.values(self.date_hierarchy)[:1]))
        return sites.aggregate(Min("first"))["first__min"]


class ReportAdminChecks(UnfoldModelAdminChecks):
    """Django looks for its own two field types by name, and MomentField has one of its own."""

    def _check_date_hierarchy(self, obj: Any) -> list[CheckMessage]:
        return []


class ReportAdmin(ReadOnlyAdmin):
    """A read-only list of a big table; `date_hierarchy` names the time of its rows."""

    checks_class = ReportAdminChecks
    paginator = UncountedPaginator
    ordering = ["-pk"]
    show_full_result_count = False
    sortable_by: tuple[str, ...] = ()
    show_facets = admin.ShowFacets.NEVER
    list_filter_submit = True
    list_select_related = ["site"]
    change_list_template = "admin/tracking/report.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BackOfficeChangeList]:
        return ReportChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if is_id(search_term):
            return queryset.filter(pk=int(search_term)), False
        return super().get_search_results(request, queryset, search_term)


def time_and_date(moment: datetime) -> list[str]:
    """The two lines of a cell, in the reader's time zone."""
    local = timezone.localtime(moment)
    return [formats.date_format(local, "H:i:s"), formats.date_format(local, "j M Y")]


def is_id(text: str) -> bool:
    return text.isdecimal() and len(text) <= MAX_ID_DIGITS
