"""Whose data may a person see? Answered here for every page of a site."""

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.generic.base import ContextMixin
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from tracking.models import Site
from tracking.views.report import Report


class SiteMixin(LoginRequiredMixin, ContextMixin):
    """For views below /sites/<pk>/: sets `self.site`, or answers 404 for another's site."""

    request: HttpRequest
    site: Site

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)  # type: ignore[misc]
        if request.user.is_authenticated:
            self.site = get_object_or_404(Site.objects.visible_to(request.user), pk=kwargs["pk"])

    def handle_no_permission(self) -> HttpResponseBase:  # type: ignore[override]
        # A panel that asks after the session has ended: the page shall ask for the log in,
        # not show the log-in page within itself.
        if HtmxDetails(self.request):
            return HttpResponseClientRefresh()
        return super().handle_no_permission()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(site=self.site, **kwargs)


class ReportMixin(SiteMixin):
    """For pages that show a report of a site: `self.report` is what their address says."""

    report: Report

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if request.user.is_authenticated:
            self.report = Report(self.site, request.GET, timezone.now())

    @property
    def is_fragment(self) -> bool:
        """Whether htmx asks for a part of the page, and not for the page to go back to."""
        htmx = HtmxDetails(self.request)
        return bool(htmx) and not htmx.history_restore_request

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        segments = list(self.site.segments.visible_to(self.request.user))
        filters = [str(condition) for condition in self.report.filters]
        return super().get_context_data(
            report=self.report,
            segments=segments,
            segment=next((one for one in segments if one.filters == filters), None),
            **kwargs,
        )
