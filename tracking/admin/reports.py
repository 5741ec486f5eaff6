"""Lists over tables that grow without end: nothing here reads or counts a whole table.

A list is bounded by a period of days, the last seven unless others are chosen, and shows the
newest rows of it first. A search for an id looks everywhere.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import formats, timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext, ngettext

from tracking.admin.exports import MAX_EXCEL_ROWS, excel_file, rows_of_cells
from tracking.admin.figures import Report
from tracking.admin.filters import DAYS, PeriodFilter, is_id
from tracking.models import Site
from tracking.reporting.filters import Filter, Operator
from tracking.reporting.period import Period
from tracking.reporting.query import Query
from tracking.spreadsheets import csv_lines
from tracking_project.model_admin import BackOfficeAdmin, BackOfficeChangeList

MAX_PAGES = 100  # a page is reached by skipping the rows before it


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
class Newest:
    """The rows of a span of time, to be sliced: the newest first.

    They are looked for from its end on, in stretches that grow: an index gives those of an hour
    at once, while those of a week would all have to be sorted for a page of fifty.
    """

    rows: QuerySet[Any]
    moment: str
    start: datetime
    end: datetime

    FIRST_STRETCH = timedelta(hours=2)
    GROWTH = 24

    def __getitem__(self, wanted: slice) -> list[Any]:
        found: list[Any] = []
        rows = self.rows.order_by(f"-{self.moment}", "-pk")
        stretch, upper = self.FIRST_STRETCH, self.end
        lower = min(self.end, timezone.now())
        while upper > self.start and len(found) < wanted.stop:
            lower = max(self.start, lower - stretch)
            bounds: dict[str, Any] = {f"{self.moment}__gte": lower, f"{self.moment}__lt": upper}
            # Of the days, too, by which ClickHouse finds rows.
            bounds["day__gte"] = (lower - timedelta(days=2)).date()
            found += rows.filter(**bounds)[: wanted.stop - len(found)]
            upper, stretch = lower, stretch * self.GROWTH
        return found[wanted]


class ReportChangeList(BackOfficeChangeList):
    """`report` has the key figures and the chart of all rows that the filters leave."""

    queryset: QuerySet[Any]
    period_filter: PeriodFilter

    def get_filters(self, request: HttpRequest) -> Any:
        filters = super().get_filters(request)
        self.period_filter = next(one for one in filters[0] if isinstance(one, PeriodFilter))
        return filters

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        rows = self.queryset
        if not is_id(self.query):
            start, end = self.period_filter.moments
            moment = self.period_filter.moment
            self.queryset = cast("QuerySet[Any]", Newest(rows, moment, start, end))
        super().get_results(request)
        self.queryset = rows
        self.full_result_count = self.result_count  # neither is known, nothing is said of them

    @cached_property
    def report(self) -> Report | None:
        if is_id(self.query):
            return None
        period = self.period_filter.period
        return Report(self.queryset, period, timezone.now(), self.of_days, self.asked(period))

    def asked(self, period: Period) -> Query | None:
        """What the filters mean, as the reports of sites are asked; None where they go beyond."""
        sites, conditions = Site.objects.all(), []
        if self.query:
            return None
        for parameter, values in self.get_filters_params().items():
            field, _, lookup = parameter.partition("__")
            value = str(values[-1])
            if not value or parameter in ("day_from", "day_to"):
                continue
            if parameter == "site__id__exact":
                sites = sites.filter(pk=value)
            elif field in self.model_admin.dimensions:
                operator = Operator.CONTAINS if lookup == "icontains" else Operator.IS
                conditions.append((field, operator, (value,)))
            else:
                return None
        try:
            filters = tuple(Filter(*condition) for condition in conditions)
            return Query(tuple(sites), period, ("events",), filters=filters)
        except ValueError:
            return None

    def of_days(self, first: date, last: date) -> str:
        """The address of the same list for other days."""
        return self.get_query_string(
            {"day_from": first.isoformat(), "day_to": last.isoformat(), "p": None}
        )

    @cached_property
    def periods(self) -> list[tuple[str, str, bool]]:
        """Those that are one click away: text, address, and whether it is this one."""
        today = timezone.localdate()
        chosen = (self.period_filter.first, self.period_filter.last)
        found = []
        for days in (1, DAYS, 30, 365):
            first = today - timedelta(days=days - 1)
            text = ngettext("Today", "%(days)d days", days) % {"days": days}
            found.append((text, self.of_days(first, today), (first, today) == chosen))
        return found

    def exports(self) -> dict[str, str]:
        """The addresses of this list as a file."""
        query = self.get_query_string({"p": None})
        return {kind: f"export/{kind}/{query}" for kind in ("csv", "xlsx")}

    @cached_property
    def is_untouched(self) -> bool:
        """Is there not a single row, whatever is asked for?"""
        return not self.model._default_manager.exists()


class ReportAdmin(ReadOnlyAdmin):
    """A read-only list of a big table, with a report above it, that can be exported."""

    moment: str  # the field that says when a row happened
    dimensions: frozenset[str] = frozenset()  # filters that reports of sites know, too
    exported: tuple[str, ...]  # the columns of an export, by the names of their fields

    paginator = UncountedPaginator
    ordering = ["-pk"]
    show_full_result_count = False
    sortable_by: tuple[str, ...] = ()
    show_facets = admin.ShowFacets.NEVER
    list_filter_submit = True
    change_list_template = "admin/tracking/report.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Sites may be in another database than the rows: no join."""
        return super().get_queryset(request).prefetch_related("site")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BackOfficeChangeList]:
        return ReportChangeList

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        view = self.admin_site.admin_view(self.export)
        return [path("export/<str:kind>/", view, name=name), *super().get_urls()]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup in ("day_from", "day_to") or super().lookup_allowed(lookup, value, request)

    def export(self, request: HttpRequest, kind: str) -> HttpResponse | StreamingHttpResponse:
        """The whole filtered set as a file: CSV of any size, Excel up to a limit."""
        if not self.has_view_permission(request) or kind not in ("csv", "xlsx"):
            raise PermissionDenied
        here = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return redirect(f"{here}?{ERROR_FLAG}=1")
        name = f"{self.opts.verbose_name_plural}-{timezone.localdate()}.{kind}"
        if kind == "csv":
            response = StreamingHttpResponse(
                csv_lines(self.exported, rows_of_cells(rows, self.exported)),
                content_type="text/csv; charset=utf-8",
            )
            response["Content-Disposition"] = f'attachment; filename="{name}"'
            return response
        if rows.order_by()[: MAX_EXCEL_ROWS + 1].count() > MAX_EXCEL_ROWS:
            text = gettext(
                "An Excel file holds %(rows)s rows here and these are more: choose a shorter "
                "period, or CSV, which has no limit."
            ) % {"rows": intcomma(MAX_EXCEL_ROWS)}
            self.message_user(request, text, messages.ERROR)
            return redirect(f"{here}?{request.GET.urlencode()}")
        return FileResponse(excel_file(rows, self.exported), as_attachment=True, filename=name)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if is_id(search_term):
            return queryset.filter(pk=int(search_term)), False
        return super().get_search_results(request, queryset, search_term)


def time_and_date(moment: datetime) -> list[str]:
    """The two lines of a cell, in the reader's time zone."""
    local = timezone.localtime(moment)
    return [
        formats.date_format(local, gettext("H:i:s")),
        formats.date_format(local, gettext("j M Y")),
    ]
