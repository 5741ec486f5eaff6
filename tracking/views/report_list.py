from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.generic import TemplateView, View

from tracking.reporting.dimensions import Dimension, Text, dimension_named
from tracking.reporting.filters import Filter, Operator
from tracking.reporting.metrics import METRICS
from tracking.reporting.query import Query, Row, Rows, answers
from tracking.spreadsheets import csv_lines
from tracking.views.access import ReportMixin
from tracking.views.panels import BY_DIMENSION, Tab, panel_rows

ROWS = 100
# A sheet of this length is as much as a person looks through, or a spreadsheet opens.
MOST_CSV_ROWS = 100_000


class ListMixin(ReportMixin):
    """A dimension's whole list; the address also says what is searched for, and the order."""

    tab: Tab
    dimension: Dimension

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        name = kwargs["dimension"]
        try:
            self.dimension = dimension_named(name)
        except ValueError as error:
            raise Http404(str(error)) from None
        self.tab = BY_DIMENSION.get(name) or Tab(name, self.dimension.label, ("visitors", "events"))
        if not self.dimension.can_filter:
            raise Http404
        self.search = request.GET.get("q", "").strip()
        order = request.GET.get("order", "")
        known = {*self.tab.metrics, name}
        self.order = order if order.removeprefix("-") in known else self.tab.metrics[0]

    @property
    def searched_by_name(self) -> bool:
        """Countries and languages are stored as codes: few, and searched as they are read."""
        return bool(self.search) and self.dimension.name_of is not str

    def query(self, *, limit: int, offset: int = 0) -> Query:
        everything = self.searched_by_name
        searched = Filter(self.dimension.name, Operator.CONTAINS, (self.search,))
        return self.report.query(
            self.tab.metrics,
            (self.dimension.name,),
            filters=(searched,) if self.search and not everything else (),
            order=self.order,
            limit=None if everything else limit,
            offset=0 if everything else offset,
        )

    def found(self, rows: Rows, *, limit: int, offset: int = 0) -> tuple[list[Row], int]:
        """The rows of the page, and how many there are."""
        if not self.searched_by_name:
            return rows, rows.total
        wanted, written = self.search.casefold(), self.dimension.written
        found = [row for row in rows if wanted in written(str(row.key[0])).casefold()]
        return found[offset : offset + limit], len(found)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        listed = {
            "tab": self.tab,
            "dimension": self.dimension,
            "search": self.search,
            "order": self.order,
        }
        return super().get_context_data(**kwargs | listed)


@dataclass(frozen=True)
class Column:
    """`direction` is "" or that of the order; a click turns it round."""

    name: str
    label: Text
    address: str
    direction: str


class ReportListView(ListMixin, TemplateView):
    template_name = "tracking/report_list.html"

    def get_template_names(self) -> list[str]:
        return ["tracking/report/list.html" if self.is_fragment else self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        text = self.request.GET.get("page", "")
        page = max(1, int(text)) if text.isdecimal() and len(text) < 6 else 1
        window = {"limit": ROWS, "offset": (page - 1) * ROWS}
        [[everybody], answered] = answers(
            [self.report.query(self.tab.metrics[:1]), self.query(**window)]
        )
        shown, total = self.found(answered, **window)
        first = self.tab.metrics[0]
        kept = {"q": self.search or None, "order": self.order if self.order != first else None}
        return super().get_context_data(
            rows=panel_rows(self.report, self.tab, shown, everybody[first] or 0),
            total=total,
            label_column=self.column(self.dimension.name, self.dimension.label, "ascending"),
            columns=[
                self.column(name, METRICS[name].label, "descending") for name in self.tab.metrics
            ],
            newer=self.report.address(**kept, page=str(page - 1)) if page > 1 else "",
            older=self.report.address(**kept, page=str(page + 1)) if total > page * ROWS else "",
            download=self.report.address(**kept),
            **kwargs,
        )

    def column(self, name: str, label: Text, direction: str) -> Column:
        """Of metrics the greatest come first, of names the first of the alphabet."""
        is_order = self.order.removeprefix("-") == name
        is_reversed = self.order.startswith("-")
        other = {"ascending": "descending", "descending": "ascending"}[direction]
        return Column(
            name,
            label,
            self.report.address(
                q=self.search or None,
                order=f"-{name}" if is_order and not is_reversed else name,
            ),
            "" if not is_order else other if is_reversed else direction,
        )


class ReportCsvView(ListMixin, View):
    """The list as a file for spreadsheets, with exact figures."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        [answered] = answers([self.query(limit=MOST_CSV_ROWS)])
        rows, _ = self.found(answered, limit=MOST_CSV_ROWS)
        period = self.report.period
        name = f"{self.site.ascii_domain}-{self.dimension.name}-{period.first}-{period.last}.csv"
        return StreamingHttpResponse(
            csv_lines(
                [self.dimension.label, *(METRICS[name].label for name in self.tab.metrics)],
                map(self.cells, rows),
            ),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{safe_name(name)}"'},
        )

    def cells(self, row: Row) -> list[object]:
        return [
            self.dimension.written(str(row.key[0])),
            *(row[name] for name in self.tab.metrics),
        ]


def safe_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in ".-_" else "_" for letter in name)
