from typing import Any

from django.utils import timezone
from django.views.generic import TemplateView
from django_htmx.middleware import HtmxDetails

from tracking.reporting.properties import names_of
from tracking.reporting.query import answers, current_visitors
from tracking.views.access import ReportMixin, SiteMixin
from tracking.views.heat_map import HeatMap
from tracking.views.overview import Overview
from tracking.views.panels import TABS, Panel, tabs_of_properties

PARTS = {Overview.id, *(Panel.id_of(name) for name in TABS)}


class SiteDashboardView(ReportMixin, TemplateView):
    """The dashboard; to htmx only what it swaps: all that depends on the state, or one part."""

    template_name = "tracking/dashboard.html"

    def get_template_names(self) -> list[str]:
        if self.asked_part:
            return ["tracking/report/part.html"]
        return ["tracking/report/dashboard.html" if self.is_fragment else self.template_name]

    @property
    def asked_part(self) -> str:
        """The id of the part that htmx swaps, where that is not the whole."""
        target = HtmxDetails(self.request).target if self.is_fragment else None
        return target if target in PARTS else ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        overview = Overview(self.report)
        properties = tabs_of_properties(names_of(self.site, self.report.period))
        panels: list[Panel | HeatMap] = [
            Panel(name, self.report, properties if name == "events" else ()) for name in TABS
        ]
        panels.append(HeatMap(self.report))
        asked = {part.id: part for part in panels}.get(self.asked_part)
        if asked:
            panels = [asked]
        # One call for all of them, so that the rows of the period are read once.
        queries = overview.queries
        found = answers([*queries, *(panel.query for panel in panels)])
        overview.show(found[: len(queries)])
        for panel, rows in zip(panels, found[len(queries) :], strict=True):
            panel.show(rows, overview.everybody)
        context = super().get_context_data(overview=overview, panels=panels, **kwargs)
        if self.asked_part:
            return context | {"part": asked or overview}
        has_figures = any(figure.value for figure in overview.figures)
        return context | {
            "has_figures": has_figures,
            "has_visits": has_figures or self.site.visits.exists(),
            "current_visitors": current_visitors((self.site,), self.report.now),
        }


class CurrentVisitorsView(SiteMixin, TemplateView):
    """The fragment that the dashboard refreshes."""

    template_name = "tracking/partials/current_visitors.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            current_visitors=current_visitors((self.site,), timezone.now()), **kwargs
        )
