"""Which of the visits that were counted shall be deleted."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from tracking.processing.deletion import Choice
from tracking.rules.paths import clean_path


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class ChooseVisitsForm(forms.Form):
    first = forms.DateField(label=_("From"), required=False, widget=DateInput)
    last = forms.DateField(label=_("Until"), required=False, widget=DateInput)
    source = forms.CharField(
        label=_("Source or referrer"),
        required=False,
        max_length=253,
        help_text=_("The name of a source, or the host name of a website that led here."),
    )
    page = forms.CharField(
        label=_("Page"),
        required=False,
        max_length=500,
        help_text=_(
            "Visits that saw it are deleted whole. A path, as in /imprint, or /blog/** for all "
            "below it."
        ),
    )
    ip = forms.GenericIPAddressField(
        label=_("IP address"),
        required=False,
        help_text=_("Known of visits only while the site keeps IP addresses."),
    )
    own = forms.BooleanField(
        label=_("Only visits of this browser"),
        required=False,
        help_text=_("Those of the last two days, from the address that you have now."),
    )

    def clean_page(self) -> str:
        page: str = self.cleaned_data["page"]
        return clean_path(page) if page else page

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and not any(cleaned.values()):
            raise ValidationError(_("Choose which visits you mean."), code="none")
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and first > last:
            self.add_error("last", _("This is before the first day."))
        return cleaned

    def choice(self, own_ids: tuple[int, ...]) -> Choice:
        """`own_ids` are what this browser is called as a visitor."""
        chosen = {
            name: self.cleaned_data[name] for name in ("first", "last", "source", "page", "ip")
        }
        return Choice(**chosen, visitor_ids=own_ids if self.cleaned_data["own"] else ())
