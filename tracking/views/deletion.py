"""Deleting visits that were counted: chosen, previewed, confirmed."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.generic import TemplateView

from tracking.collector.hit import header, printable
from tracking.collector.intake import MAX_USER_AGENT
from tracking.forms.deletion import ChooseVisitsForm
from tracking.processing import deletion
from tracking.processing.visitor import ids_until_now
from tracking.views.access import SiteMixin
from tracking_project.client_ip import client_ip, plain_address

SHOWN = 10  # of the visits that would be deleted


class DeleteVisitsView(SiteMixin, TemplateView):
    """GET with a choice previews it, POST with the same one deletes."""

    template_name = "tracking/delete_visits.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = ChooseVisitsForm(request.GET or None)
        context = self.get_context_data(form=form, **kwargs)
        if form.is_valid():
            self.preview(form, context)
        return self.render_to_response(context)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = ChooseVisitsForm(request.POST)
        try:
            deleted = (
                deletion.delete(self.site, form.choice(self.own_ids())) if form.is_valid() else 0
            )
        except deletion.TooManyPages:
            refuse_page(form)
        if form.errors:
            return self.render_to_response(self.get_context_data(form=form, **kwargs))
        text = ngettext("%(number)s visit is deleted.", "%(number)s visits are deleted.", deleted)
        messages.success(request, text % {"number": deleted})
        return HttpResponseRedirect(reverse("site_delete_visits", args=[self.site.pk]))

    def preview(self, form: ChooseVisitsForm, context: dict[str, Any]) -> None:
        try:
            visits = form.choice(self.own_ids()).visits(self.site)
        except deletion.TooManyPages:
            refuse_page(form)
            return
        context["number"] = visits.count()
        context["events"] = deletion.events_of(visits)
        context["visits"] = visits.order_by("-started_at", "-pk")[:SHOWN]

    def own_ids(self) -> tuple[int, ...]:
        """As the worker would call whoever looks at this page, were it one of the site's."""
        meta = self.request.META
        user_agent = printable(header(meta.get("HTTP_USER_AGENT", "")[:MAX_USER_AGENT]))
        ids = ids_until_now(self.site.pk, plain_address(client_ip(meta)), user_agent)
        return tuple(ids) or (0,)


def refuse_page(form: ChooseVisitsForm) -> None:
    form.add_error("page", gettext("Too many pages match this. Choose fewer."))
