from dataclasses import replace
from typing import Any

from django.views.generic import TemplateView

from tracking.charts import bars
from tracking.reporting.dimensions import dimension_named
from tracking.reporting.period import Period
from tracking.reporting.query import answers, current_visitors
from tracking.views.access import ReportMixin
from tracking.views.panels import BY_DIMENSION, panel_rows
from tracking.views.wording import bucket_name

LISTS = ("page", "source", "country")
ROWS = 9


class RealtimeView(ReportMixin, TemplateView):
    """Who is here now; htmx asks for the fragment again and again."""

    template_name = "tracking/realtime.html"

    def get_template_names(self) -> list[str]:
        return ["tracking/report/realtime.html" if self.is_fragment else self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        report, period = self.report, Period.live(self.site.zone, self.report.now)
        tabs = [replace(BY_DIMENSION[name], metrics=("visitors",)) for name in LISTS]
        [[total], minutes, *lists] = answers(
            [
                report.query(("visitors", "pageviews"), period=period),
                report.query(("visitors",), ("time",), period=period),
                *(
                    report.query(tab.metrics, (tab.dimension,), period=period, limit=ROWS)
                    for tab in tabs
                ),
            ]
        )
        return super().get_context_data(
            current_visitors=current_visitors((self.site,), report.now),
            total=total,
            minutes=[
                (bucket_name(row.key[0], period), row["visitors"], bar)
                for row, bar in zip(
                    minutes, bars([row["visitors"] or 0 for row in minutes]), strict=True
                )
            ],
            lists=[
                (
                    dimension_named(tab.dimension),
                    panel_rows(report, tab, rows, total["visitors"] or 0),
                )
                for tab, rows in zip(tabs, lists, strict=True)
            ],
            **kwargs,
        )
