from ipaddress import ip_address
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import BooleanRadioFilter, FieldTextFilter
from unfold.decorators import display

from tracking.admin.filters import (
    AtLeastFilter,
    AtLeastSecondsFilter,
    CountryFilter,
    PeriodFilter,
    RecentValuesFilter,
    RelatedRowFilter,
    country_name,
)
from tracking.admin.reports import ReadOnlyAdmin, ReportAdmin, time_and_date
from tracking.models import Event, Visit


class EventInline(TabularInline):
    model = Event
    fields = ["time", "name", "page"]
    readonly_fields = ["time", "name", "page"]
    ordering = ["pk"]
    per_page = 50
    hide_title = True
    has_add_permission = ReadOnlyAdmin.has_change_permission
    has_change_permission = ReadOnlyAdmin.has_change_permission
    has_delete_permission = ReadOnlyAdmin.has_delete_permission


@admin.register(Visit)
class VisitAdmin(ReportAdmin):
    moment = "started_at"
    exported = (
        "id", "site", "visitor_id", "day", "started_at", "ended_at", "duration", "pageviews",
        "events", "is_bounce", "hostname", "entry_page", "exit_page", "channel", "source",
        "referrer", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
        "country", "region", "city", "postal_code", "latitude", "longitude", "ip", "browser",
        "browser_version", "os", "os_version", "device", "screen", "language",
    )  # fmt: skip
    list_display = [
        "started",
        "entry",
        "source_or_channel",
        "place",
        "browser_and_os",
        "device",
        "pageviews",
        "readable_duration",
    ]
    list_filter = [
        ("day", PeriodFilter),
        ("site", RelatedRowFilter),
        ("channel", RecentValuesFilter),
        ("source", FieldTextFilter),
        ("country", CountryFilter),
        ("browser", RecentValuesFilter),
        ("os", RecentValuesFilter),
        ("device", RecentValuesFilter),
        ("entry_page", FieldTextFilter),
        ("is_bounce", BooleanRadioFilter),
        ("pageviews", AtLeastFilter),
        ("duration", AtLeastSecondsFilter),
    ]
    search_fields = ["entry_page"]
    search_help_text = "Entry page, visit id or IP address"
    inlines = [EventInline]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("site", "visitor_id"),
                    ("started_at", "ended_at"),
                    ("day", "readable_duration"),
                    ("pageviews", "events"),
                    "is_bounce",
                ]
            },
        ),
        ("Pages", {"fields": ["hostname", ("entry_page", "exit_page")]}),
        (
            "Where from",
            {
                "fields": [
                    ("channel", "source"),
                    "referrer",
                    ("utm_source", "utm_medium"),
                    ("utm_campaign", "utm_term"),
                    "utm_content",
                ]
            },
        ),
        (
            "Location",
            {
                "fields": [
                    ("country_name", "region"),
                    ("city", "postal_code"),
                    ("latitude", "longitude"),
                    "ip",
                ]
            },
        ),
        (
            "System",
            {"fields": [("browser", "browser_version"), ("os", "os_version"), "device"]},
        ),
    ]
    readonly_fields = ["readable_duration", "country_name"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("tracking.delete_visit")

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """A visit's events go with it and are counted, where Django would list each."""
        visits = list(objs)
        events = Event.objects.filter(visit__in=visits).count()
        return (
            [str(visit) for visit in visits],
            {"visits": len(visits), "events": events},
            set(),
            [],
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Visit], search_term: str
    ) -> tuple[QuerySet[Visit], bool]:
        if is_ip(search_term):
            return queryset.filter(ip=search_term.strip()), False
        return super().get_search_results(request, queryset, search_term)

    @display(description="started", header=True)
    def started(self, visit: Visit) -> list[str]:
        return time_and_date(visit.started_at)

    @display(description="entry page", header=True)
    def entry(self, visit: Visit) -> list[str]:
        return [Truncator(visit.entry_page).chars(40), str(visit.site)]

    @admin.display(description="source")
    def source_or_channel(self, visit: Visit) -> str:
        return Truncator(visit.source or visit.channel).chars(30)

    @display(description="location", header=True)
    def place(self, visit: Visit) -> list[str]:
        return [visit.location or visit.region, country_name(visit.country)]

    @display(description="browser", header=True)
    def browser_and_os(self, visit: Visit) -> list[str]:
        return [visit.browser, visit.os]

    @admin.display(description="country")
    def country_name(self, visit: Visit) -> str:
        return country_name(visit.country)

    @admin.display(description="duration")
    def readable_duration(self, visit: Visit) -> str:
        minutes, seconds = divmod(round(visit.duration / 1000), 60)
        hours, minutes = divmod(minutes, 60)
        if hours:
            return f"{hours} h {minutes} min"
        return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def is_ip(text: str) -> bool:
    try:
        ip_address(text.strip())
    except ValueError:
        return False
    return True
