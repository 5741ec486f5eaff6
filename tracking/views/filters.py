from collections.abc import Iterator
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.generic import FormView

from tracking.reporting.dimensions import DIMENSIONS, PROPERTY, dimension_named
from tracking.reporting.filters import OPERATOR_LABELS, Condition, Did, Filter, Operator
from tracking.reporting.properties import names_of
from tracking.reporting.query import Query, answer
from tracking.views.dialogs import DialogMixin

SUGGESTIONS = 30
GROUPS: dict[str | Promise, tuple[str, ...]] = {
    _("Pages"): ("page", "title", "entry_page", "exit_page", "hostname"),
    _("Sources"): (
        *("channel", "source", "referrer"),
        *("utm_campaign", "utm_source", "utm_medium", "utm_term", "utm_content"),
    ),
    _("Places"): ("country", "region", "city"),
    _("Devices"): (
        *("browser", "browser_version", "os", "os_version", "device", "screen", "language"),
    ),
    _("Events"): ("event",),
}
# What is true of an event, not of its visit, can also be asked of the visit's other events.
DID, DID_NOT = "did", "did_not"
OPERATORS = {
    **{operator.value: label for operator, label in OPERATOR_LABELS.items()},
    DID: _("happened in the visit:"),
    DID_NOT: _("did not happen in the visit:"),
}


class FilterForm(forms.Form):
    """One filter; `suggestions` are values of its dimension and what people call them."""

    edit = forms.IntegerField(required=False, widget=forms.HiddenInput)
    dimension = forms.ChoiceField(label=_("What"))
    operator = forms.ChoiceField(label=_("How"), choices=list(OPERATORS.items()))
    picked = forms.MultipleChoiceField(
        label=_("Choose"), required=False, widget=forms.CheckboxSelectMultiple
    )
    typed = forms.CharField(
        label=_("Or type"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=_("One value a line. To match, * stands for anything but a slash, ** for all."),
    )

    def __init__(
        self, *args: Any, suggestions: list[tuple[str, str]], properties: list[str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.suggestions = suggestions
        cast(forms.ChoiceField, self.fields["dimension"]).choices = list(
            dimension_choices(properties)
        )
        cast(forms.MultipleChoiceField, self.fields["picked"]).choices = suggestions
        if not suggestions:
            del self.fields["picked"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        called = {label.casefold(): value for value, label in self.suggestions}
        lines = [line.strip() for line in cleaned.get("typed", "").splitlines() if line.strip()]
        values = [
            *cleaned.get("picked", ()),
            *(called.get(line.casefold(), line) for line in lines),
        ]
        if not values:
            raise ValidationError(_("Choose a value, or type one."))
        if "dimension" in cleaned and "operator" in cleaned:
            cleaned["condition"] = condition_of(
                cleaned["dimension"], cleaned["operator"], tuple(dict.fromkeys(values))
            )
        return cleaned


def dimension_choices(properties: list[str]) -> Iterator[tuple[Any, list[tuple[str, Any]]]]:
    for group, names in GROUPS.items():
        yield group, [(name, DIMENSIONS[name].label) for name in names]
    if properties:
        yield _("Properties of events"), [(f"{PROPERTY}{name}", name) for name in properties]


def condition_of(dimension: str, operator: str, values: tuple[str, ...]) -> Condition:
    if operator in (DID, DID_NOT):
        return Did(Filter(dimension, Operator.IS, values), operator == DID)
    return Filter(dimension, Operator(operator), values)


def fields_of(condition: Condition) -> dict[str, Any]:
    """The reverse, as far as the form can say it."""
    match condition:
        case Did(Filter(dimension, Operator.IS, values), done):
            return {"dimension": dimension, "operator": DID if done else DID_NOT, "values": values}
        case Filter(dimension, operator, values):
            return {"dimension": dimension, "operator": operator.value, "values": values}
    return {}


class FilterView(DialogMixin, FormView):
    """Asks for a filter by GET: it changes nothing but the address that it leads to."""

    http_method_names = ["get", "head", "options"]
    form_class = FilterForm
    form_template = "tracking/report/filter_form.html"
    title = _("Filter")
    button = _("Apply")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form()
        if form.is_valid():
            return self.back(self.address_with(str(form.cleaned_data["condition"])))
        return self.render_to_response(self.get_context_data(form=form))

    @property
    def edited(self) -> int | None:
        """The place of the filter that is changed."""
        text = self.request.GET.get("edit", "")
        place = int(text) if text.isdecimal() and len(text) < 4 else None
        return place if place is not None and place < len(self.report.filters) else None

    def get_initial(self) -> dict[str, Any]:
        initial: dict[str, Any] = {"edit": self.edited, "dimension": "page", "operator": "is"}
        if self.edited is not None:
            initial |= fields_of(self.report.filters[self.edited])
        chosen = self.request.GET.get("dimension", "")
        if chosen in DIMENSIONS or chosen.startswith(PROPERTY):
            if chosen != initial["dimension"]:
                initial.pop("values", None)
            initial["dimension"] = chosen
            initial["operator"] = self.request.GET.get("operator", initial["operator"])
        return initial

    def get_form_kwargs(self) -> dict[str, Any]:
        initial = self.get_initial()
        suggestions = self.suggestions(initial["dimension"])
        known = {value for value, _label in suggestions}
        values = initial.pop("values", ())
        initial["picked"] = [value for value in values if value in known]
        initial["typed"] = "\n".join(value for value in values if value not in known)
        return {
            "initial": initial,
            "suggestions": suggestions,
            "properties": names_of(self.site, self.report.period),
            "data": self.request.GET if "apply" in self.request.GET else None,
        }

    def suggestions(self, dimension: str) -> list[tuple[str, str]]:
        """What most visitors of the period have there, apart from the filter that is changed."""
        report = self.report
        filters = [one for place, one in enumerate(report.filters) if place != self.edited]
        rows = answer(
            Query(
                (self.site,),
                report.period,
                ("visitors",),
                (dimension,),
                filters=tuple(filters),
                limit=SUGGESTIONS,
            )
        )
        written = dimension_named(dimension).written
        return [(row.key[0], written(row.key[0])) for row in rows]

    def address_with(self, filter: str) -> str:
        filters = [str(condition) for condition in self.report.filters]
        if self.edited is not None:
            filters[self.edited] = filter
        elif filter not in filters:
            filters.append(filter)
        return self.report.address(f=filters)
