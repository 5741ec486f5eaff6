from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import FieldTextFilter
from unfold.decorators import display

from tracking.admin.filters import PeriodFilter, RecentValuesFilter, RelatedRowFilter
from tracking.admin.reports import ReportAdmin, time_and_date
from tracking.models import Event


@admin.register(Event)
class EventAdmin(ReportAdmin):
    """An event is deleted with its visit, whose figures would else be wrong."""

    moment = "time"
    exported = (
        "id", "site", "visit_id", "visitor_id", "day", "time", "name", "hostname", "page", "title",
        "props", "revenue", "currency", "engaged", "scroll",
    )  # fmt: skip
    list_display = ["happened", "short_page", "name", "visit_link"]
    list_filter = [
        ("day", PeriodFilter),
        ("site", RelatedRowFilter),
        ("name", RecentValuesFilter),
        ("page", FieldTextFilter),
    ]
    search_fields = ["page", "name"]
    search_help_text = _("Page, name or event id")
    fields = [
        ("time", "day"),
        ("site", "visit_link"),
        "name",
        ("hostname", "page"),
        "title",
        ("engaged", "scroll"),
        ("revenue", "currency"),
        "props",
        "visitor_id",
    ]
    readonly_fields = ["visit_link"]

    @display(description=_("time"), header=True)
    def happened(self, event: Event) -> list[str]:
        return time_and_date(event.time)

    @display(description=_("page"), header=True)
    def short_page(self, event: Event) -> list[str]:
        return [Truncator(event.page).chars(60), str(event.site)]

    @admin.display(description=_("visit"))
    def visit_link(self, event: Event) -> str:
        url = reverse("admin:tracking_visit_change", args=[event.visit_id])
        return format_html('<a href="{}" class="text-link">{}</a>', url, event.visit_id)
