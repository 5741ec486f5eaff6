from collections.abc import Iterator
from typing import Any

from babel import Locale
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import Field, Model, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.contrib.filters.admin.mixins import DropdownMixin, ValueMixin

from tracking.models import Label

NEWEST = 5_000
MAX_ID = 2**63 - 1
COUNTRIES = Locale("en").territories


class RelatedRowFilter(AutocompleteSelectFilter):
    """A row of another table, found by typing."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        if self.value() and int(self.value()) > MAX_ID:
            raise IncorrectLookupParameters  # SQLite would not even look for it
        return super().queryset(request, queryset)


class RecentValuesFilter(ValueMixin, DropdownMixin, admin.FieldListFilter):
    """Offers the values that the newest rows have; those of all rows would take a look at each."""

    def __init__(
        self,
        field: "Field[Any, Any]",
        request: HttpRequest,
        params: dict[str, Any],
        model: type[Model],
        model_admin: admin.ModelAdmin,
        field_path: str,
    ) -> None:
        self.lookup_val = params.get(field_path)
        super().__init__(field, request, params, model, model_admin, field_path)
        rows = model._default_manager.order_by("-pk")
        oldest = Coalesce(Subquery(rows.values("pk")[NEWEST : NEWEST + 1]), Value(0))
        newest = rows.order_by().filter(pk__gt=oldest).exclude(**{field_path: ""})
        numbers = newest.values_list(field_path, flat=True).distinct()
        self.values = set(Label.objects.texts(numbers).values()) - {""}

    def expected_parameters(self) -> list[str | None]:
        return [self.field_path]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.field_path: self.value()}) if self.value() else queryset

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        values = self.values | {self.value()} if self.value() else self.values
        options = sorted(((value, self.text(value)) for value in values), key=lambda pair: pair[1])
        yield {
            "form": self.form_class(
                label=f"By {self.title}",
                name=self.field_path,
                choices=[self.all_option, *options],
                data={self.field_path: self.value()},
            ),
        }

    def text(self, value: str) -> str:
        return value


class CountryFilter(RecentValuesFilter):
    def text(self, value: str) -> str:
        return country_name(value)


def country_name(code: str) -> str:
    return COUNTRIES.get(code, code)
