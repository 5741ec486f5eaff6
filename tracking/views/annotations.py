from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.generic import CreateView, UpdateView

from accounts.models import User
from tracking.models import Annotation
from tracking.views.dialogs import DialogMixin
from tracking_project.views import FormPageMixin


class AnnotationForm(forms.ModelForm):
    class Meta:
        model = Annotation
        fields = ["day", "text"]
        widgets = {"day": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})}


class AnnotationMixin(DialogMixin, FormPageMixin):
    model = Annotation
    form_class = AnnotationForm
    button = _("Save")

    def get_queryset(self) -> QuerySet[Annotation]:
        return self.site.annotations.all()

    def form_valid(self, form: Any) -> HttpResponse:
        form.save()
        return self.back()


class AnnotationAddView(AnnotationMixin, CreateView):
    title = _("Add a note")

    def get_form_kwargs(self) -> dict[str, Any]:
        note = Annotation(site=self.site, author=cast(User, self.request.user))
        return super().get_form_kwargs() | {"instance": note}

    def get_initial(self) -> dict[str, Any]:
        """The day on which the chart was clicked, or today."""
        return {"day": self.request.GET.get("day") or self.site.today()}


class AnnotationEditView(AnnotationMixin, UpdateView):
    title = _("Change the note")
    pk_url_kwarg = "note"
    extra_context = {"can_delete": True}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "delete" in request.POST:
            self.get_object().delete()
            return self.back()
        return super().post(request, *args, **kwargs)
