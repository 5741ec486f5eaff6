"""What all pages with a form have in common."""

from typing import Any

from django.db import IntegrityError
from django.http import HttpResponse
from django.views.generic import View
from django.views.generic.edit import FormMixin


class FormPageMixin(FormMixin, View):
    """To stand before the generic view, and before any mixin that says that all went well."""

    # PUT and DELETE, which the generic views take too, would go past what the form asks.
    http_method_names = ["get", "head", "options", "post"]

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            return super().form_valid(form)
        except IntegrityError:
            # Another request was faster since the form looked; now it finds that by itself.
            form.full_clean()
            return super().form_valid(form) if form.is_valid() else self.form_invalid(form)
