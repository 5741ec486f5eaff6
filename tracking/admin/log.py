from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.admin.utils import quote
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from tracking.admin.filters import RelatedRowFilter
from tracking.admin.reports import ReadOnlyAdmin, time_and_date

ACTIONS = {ADDITION: _("Added"), CHANGE: _("Changed"), DELETION: _("Deleted")}
COLOURS = {ADDITION: "success", CHANGE: "info", DELETION: "danger"}


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """Who changed what: every change that staff makes in the back office."""

    list_display = ["when", "who", "action", "kind", "what", "change"]
    list_display_links = ["when"]
    list_select_related = ["user", "content_type"]
    list_filter = [("user", RelatedRowFilter), "action_flag"]
    list_filter_submit = True
    search_fields = ["object_repr", "user__email"]
    search_help_text = _("What was changed, or the e-mail address of who did it")
    ordering = ["-pk"]
    sortable_by: tuple[str, ...] = ()
    fields = [("action_time", "user"), ("action_flag", "kind"), "what", "change"]
    readonly_fields = ["kind", "what", "change"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogEntry]:
        return super().get_queryset(request).select_related("user", "content_type")

    @display(description=_("time"), header=True)
    def when(self, entry: LogEntry) -> list[str]:
        return time_and_date(entry.action_time)

    @display(description=_("user"))
    def who(self, entry: LogEntry) -> str:
        return str(entry.user)

    @display(description=_("action"), label=COLOURS)
    def action(self, entry: LogEntry) -> tuple[int, Promise]:
        return entry.action_flag, ACTIONS[entry.action_flag]

    @display(description=_("kind"))
    def kind(self, entry: LogEntry) -> str:
        model = entry.content_type.model_class() if entry.content_type else None
        return str(model._meta.verbose_name).capitalize() if model else ""

    @display(description=_("what"))
    def what(self, entry: LogEntry) -> str:
        """With a link, unless it is gone."""
        text = Truncator(entry.object_repr).chars(60)
        if entry.action_flag == DELETION or not entry.content_type or not entry.object_id:
            return text
        kind = f"{entry.content_type.app_label}_{entry.content_type.model}"
        try:
            url = reverse(f"admin:{kind}_change", args=[quote(entry.object_id)])
        except NoReverseMatch:
            return text
        return format_html('<a href="{}" class="text-link">{}</a>', url, text)

    @display(description=_("change"))
    def change(self, entry: LogEntry) -> str:
        return Truncator(entry.get_change_message()).chars(200)
