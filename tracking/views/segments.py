from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.generic import CreateView, UpdateView

from accounts.models import User
from tracking.models import Segment
from tracking.views.dialogs import DialogMixin
from tracking.views.wording import in_words
from tracking_project.views import FormPageMixin


class SegmentForm(forms.ModelForm):
    class Meta:
        model = Segment
        fields = ["name", "is_shared"]

    def _get_validation_exclusions(self) -> set[str]:
        # Site and author are not in the form, and make the name unique.
        return super()._get_validation_exclusions() - {"site", "author"}  # type: ignore[misc,no-any-return]


class SegmentMixin(DialogMixin, FormPageMixin):
    model = Segment
    form_class = SegmentForm
    button = _("Save")

    def get_queryset(self) -> QuerySet[Segment]:
        """One's own alone: those of others can be chosen, and not changed."""
        return self.site.segments.filter(author=self.request.user.pk)

    def form_valid(self, form: Any) -> HttpResponse:
        segment = form.save()
        return self.back(self.report.address(f=segment.filters))


class SegmentAddView(SegmentMixin, CreateView):
    title = _("Save the filters as a segment")

    def get_form_kwargs(self) -> dict[str, Any]:
        filters = [str(condition) for condition in self.report.filters]
        segment = Segment(site=self.site, author=cast(User, self.request.user), filters=filters)
        return super().get_form_kwargs() | {"instance": segment}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            lead=[in_words(condition) for condition in self.report.filters], **kwargs
        )


class SegmentEditView(SegmentMixin, UpdateView):
    title = _("Change the segment")
    pk_url_kwarg = "segment"
    extra_context = {"can_delete": True}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "delete" in request.POST:
            self.get_object().delete()
            return self.back()
        return super().post(request, *args, **kwargs)
