from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from tracking.admin.reports import ReadOnlyAdmin
from tracking.models import QueueFile, Salt


@admin.register(QueueFile)
class QueueFileAdmin(ReadOnlyAdmin):
    """To delete a row would store its file's hits again."""

    list_display = ["name", "folder", "position"]
    search_fields = ["name"]
    ordering = ["-pk"]


@admin.register(Salt)
class SaltAdmin(ReadOnlyAdmin):
    """Shows which days' visitors can still be recognised; a salt's value never leaves the table."""

    list_display = ["day"]
    fields = ["day"]
    ordering = ["-day"]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Whoever may filter by a value can find it out: not even a filter to come may."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Salt]:
        return Salt.objects.only("day").order_by("-day")
