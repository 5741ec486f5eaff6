"""What all lists and forms of the back office have in common."""

from datetime import datetime
from typing import Any

from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.utils import formats, timezone
from django.utils.translation import gettext
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

MAX_SEARCH, MAX_WORDS = 2_000, 10

# What filters append to the name of their field, and those by rows of another table.
LOOKUPS = {"", "exact", "icontains"}
RELATION_LOOKUPS = {"id__exact"}


class BackOfficeChangeList(ChangeList):
    """Leads back to the whole list from an address that makes no sense."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        try:
            super().__init__(request, *args, **kwargs)
        except (DisallowedModelAdminLookup, OverflowError, ValueError) as error:
            if not request.GET or ERROR_FLAG in request.GET:
                raise  # not the fault of the address
            raise IncorrectLookupParameters(error) from error


class BackOfficeAdmin(ModelAdmin):
    list_per_page = 50
    actions: Any = None

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BackOfficeChangeList

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without Django's own, which deletes rows past what a model's page says and checks."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """Of what is longer than anybody types a part: all of it no database would take."""
        words = search_term[:MAX_SEARCH].split()[:MAX_WORDS]
        return super().get_search_results(request, queryset, " ".join(words))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the page offers: others could find out, bit by bit, what it does not show."""
        filters = [each[0] if isinstance(each, tuple) else each for each in self.list_filter]
        if lookup in (getattr(each, "parameter_name", None) for each in filters):
            return True
        field, _, rest = lookup.partition("__")
        if field not in filters:
            return False
        return rest in (RELATION_LOOKUPS if self.opts.get_field(field).is_relation else LOOKUPS)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Nothing is filled in from the address, where it might be anything."""
        return {}

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except IntegrityError:
            # Another request was faster since the form looked; now it finds that by itself.
            return super().changeform_view(request, *args, **kwargs)


def date_and_time(moment: datetime) -> list[str]:
    """The two lines of a cell, in the reader's time zone."""
    local = timezone.localtime(moment)
    return [
        formats.date_format(local, gettext("j M Y")),
        formats.date_format(local, gettext("H:i")),
    ]
