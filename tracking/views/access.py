"""Whose data may a person see? Answered here for every page of a site."""

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.generic.base import ContextMixin
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from tracking.models import Site


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
