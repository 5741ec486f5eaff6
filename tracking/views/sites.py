from copy import copy
from typing import Any, cast

from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.messages.views import SuccessMessageMixin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.generic import CreateView, DeleteView, TemplateView, UpdateView

from accounts.models import User
from tracking.forms.sites import SiteDeleteForm, SiteForm
from tracking.models import Site
from tracking.snippet import Snippet, base_url
from tracking.views.access import SiteMixin
from tracking_project.views import FormPageMixin


class SiteAddView(LoginRequiredMixin, FormPageMixin, CreateView):
    model = Site
    form_class = SiteForm
    object: Site

    def get_form_kwargs(self) -> dict[str, Any]:
        owner = cast(User, self.request.user)
        site = Site(owner=owner, time_zone=owner.time_zone)
        return super().get_form_kwargs() | {"instance": site}

    def get_success_url(self) -> str:
        return reverse("site_snippet", args=[self.object.pk])


class SiteEditView(SiteMixin, FormPageMixin, SuccessMessageMixin, UpdateView):
    form_class = SiteForm
    template_name = "tracking/site_edit.html"
    success_message = _("The settings are saved.")

    def get_object(self, queryset: Any = None) -> Site:
        # The form writes into its instance even what it refuses; the page shows what is stored.
        return copy(self.site)

    def get_success_url(self) -> str:
        return reverse("site_edit", args=[self.site.pk])


class SiteTokenView(SiteMixin, TemplateView):
    """Makes the token by which servers report for a site; a new one replaces it.

    The answer to the POST is the only page that ever shows it.
    """

    template_name = "tracking/site_token.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        token = self.site.new_token()
        self.site.save(update_fields=["token_hash"])
        snippet = Snippet(self.site.public_id, base_url(request), self.site.domain)
        context = self.get_context_data(
            token=token, request_with_token=snippet.batch_request(token, self.site), **kwargs
        )
        return self.render_to_response(context)


class SiteDeleteView(SiteMixin, FormPageMixin, SuccessMessageMixin, DeleteView):
    form_class = SiteDeleteForm
    template_name = "tracking/site_confirm_delete.html"
    success_url = reverse_lazy("index")
    success_message = _("%(domain)s and all of its visits are deleted.")

    def get_object(self, queryset: Any = None) -> Site:
        return self.site

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"site": self.site}
