"""The page that answers “is everything well?”, and where an address would be located."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from unfold.widgets import UnfoldAdminTextInputWidget

from tracking.health import city_file, health, hits_today
from tracking.processing.geodata import NOWHERE, Geodata, get_geodata, public_address
from tracking_project.recent_errors import recent_errors

SHOWN_ERRORS = 20


class AddressForm(forms.Form):
    ip = forms.GenericIPAddressField(
        label=_("IP address"),
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"invalid": _("This is no IP address. Give it as in 203.0.113.7.")},
    )

    def clean_ip(self) -> str:
        ip: str = self.cleaned_data["ip"]
        if public_address(ip) is None:
            raise ValidationError(_("This address is of a private network, which has no place."))
        return ip

    def place(self) -> Geodata | None:
        found = get_geodata(self.cleaned_data["ip"])
        return None if found == NOWHERE else found


class HealthView(PermissionRequiredMixin, TemplateView):
    """The address is posted, though nothing is changed by it: it shall not stand in any log."""

    template_name = "admin/health.html"
    permission_required = "tracking.view_queuefile"
    raise_exception = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = AddressForm(request.POST)
        place = form.place() if form.is_valid() else None
        return self.render_to_response(
            self.get_context_data(form=form, place=place, is_located=form.is_valid())
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        recent = recent_errors()
        return {
            **admin.site.each_context(self.request),
            "title": gettext("Health"),
            "health": health(),
            "hits": hits_today(),
            "errors": recent.errors[:SHOWN_ERRORS],
            "city_file": city_file(),
            "form": AddressForm(),
            **super().get_context_data(**kwargs),
        }
