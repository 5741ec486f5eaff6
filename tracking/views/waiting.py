from django.http import HttpRequest, HttpResponse
from django.views.generic import View
from django_htmx.http import HttpResponseClientRefresh

from tracking.views.access import SiteMixin


class WaitingView(SiteMixin, View):
    """What a page without any visit asks for: 204, which leaves it as it is, until there is one,
    and it loads itself anew."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        if self.site.visits.exists():
            return HttpResponseClientRefresh()
        return HttpResponse(status=204)
