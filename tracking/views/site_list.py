from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.views.generic import TemplateView

from tracking.models import Site
from tracking.reporting.comparison import Change, change
from tracking.reporting.metrics import METRICS
from tracking.reporting.overview import SiteOverview, overview


@dataclass(frozen=True)
class Row:
    """A site of the list, or all of them together where `site` is None."""

    site: Site | None
    figures: SiteOverview

    @property
    def change(self) -> Change | None:
        return change(METRICS["visitors"], self.figures.total, self.figures.before)

    @classmethod
    def of_all(cls, rows: list["Row"]) -> "Row":
        figures = [row.figures for row in rows]
        return cls(
            None,
            SiteOverview(
                today=sum(one.today for one in figures),
                daily=[sum(day) for day in zip(*(one.daily for one in figures), strict=True)],
                before=sum(one.before for one in figures),
            ),
        )


class IndexView(TemplateView):
    """The landing page; to a signed-in person the list of their sites."""

    def get_template_names(self) -> list[str]:
        if self.request.user.is_authenticated:
            return ["tracking/site_list.html"]
        return ["tracking/landing.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if self.request.user.is_authenticated:
            kwargs |= self.site_list(self.request.GET.get("q", "").strip())
        return super().get_context_data(**kwargs)

    def site_list(self, search: str) -> dict[str, Any]:
        """The busiest first; `total` of those that are shown, if they are several."""
        sites = Site.objects.visible_to(self.request.user)
        found = list(sites.filter(Q(domain__icontains=search) | Q(name__icontains=search)))
        overviews = overview(found)
        rows = [Row(site, overviews[site.pk]) for site in found]
        rows.sort(key=lambda row: -row.figures.total)
        return {
            "rows": rows,
            "total": Row.of_all(rows) if len(rows) > 1 else None,
            "search": search,
            "has_sites": bool(rows) or sites.exists(),
        }
