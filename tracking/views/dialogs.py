"""Small forms beside a report: pages of their own, which scripts show in a dialog."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise
from django_htmx.http import HttpResponseLocation

from tracking.views.access import ReportMixin


class DialogMixin(ReportMixin):
    """The address carries the report's state and page, to which `back` leads."""

    form_template = "tracking/report/form.html"
    title: str | Promise = ""
    button: str | Promise = ""

    def get_template_names(self) -> list[str]:
        return [self.form_template if self.is_fragment else "tracking/dialog.html"]

    @property
    def back_path(self) -> str:
        """The page on which the form was opened, if it is one of the site's; or the dashboard."""
        dashboard = reverse("site_dashboard", args=[self.site.pk])
        path = self.request.GET.get("back", "")
        return path if path.startswith(dashboard) else dashboard

    def back(self, state: str | None = None) -> HttpResponse:
        """To that page in the given state, or as it was left."""
        address = self.back_path + (self.report.address() if state is None else state)
        if self.is_fragment:
            return HttpResponseLocation(
                address, target="#report", select="#report", swap="outerHTML"
            )
        return HttpResponseRedirect(address)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            title=self.title,
            button=self.button,
            form_template=self.form_template,
            back_path=self.back_path,
            back=self.back_path + self.report.address(),
            **kwargs,
        )
