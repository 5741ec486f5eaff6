"""Whose data may a person see? Answered here for every page of a site."""

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.views.generic.base import ContextMixin

from tracking.models import Site


class SiteMixin(LoginRequiredMixin, ContextMixin):
    """For views below /sites/<pk>/: sets `self.site`, or answers 404 for another's site."""

    site: Site

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)  # type: ignore[misc]
        if request.user.is_authenticated:
            self.site = get_object_or_404(Site.objects.visible_to(request.user), pk=kwargs["pk"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(site=self.site, **kwargs)
