from ipaddress import ip_address
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
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
)
from tracking.admin.reports import ReadOnlyAdmin, ReportAdmin, time_and_date
from tracking.models import Event, Site, Visit
from tracking.processing import deletion
from tracking.reporting.dimensions import DIMENSIONS, country_name
from tracking.reporting.filters import Filter, Operator
from tracking.templatetags.figures import NOTHING, duration
from tracking.world import outlines, position


class EventInline(TabularInline):
    """What the visitor did, in order."""

    model = Event
    fields = ["at", "what", "title", "engaged_for", "seen", "money", "properties"]
    readonly_fields = fields
    ordering = ["time", "pk"]
    per_page = 50
    hide_title = True
    has_add_permission = ReadOnlyAdmin.has_change_permission
    has_change_permission = ReadOnlyAdmin.has_change_permission
    has_delete_permission = ReadOnlyAdmin.has_delete_permission

    @admin.display(description=_("time"))
    def at(self, event: Event) -> str:
        return formats.date_format(timezone.localtime(event.time), "H:i:s")

    @admin.display(description=_("event"))
    def what(self, event: Event) -> str:
        if event.is_pageview:
            return event.page or NOTHING
        return format_html("<strong>{}</strong> {}", event.name, event.page)

    @admin.display(description=_("engaged"))
    def engaged_for(self, event: Event) -> str:
        return duration(event.engaged / 1000) if event.engaged else NOTHING

    @admin.display(description=_("seen"))
    def seen(self, event: Event) -> str:
        return f"{event.scroll}%" if event.scroll else NOTHING

    @admin.display(description=_("revenue"))
    def money(self, event: Event) -> str:
        return NOTHING if event.revenue is None else f"{event.revenue} {event.currency}".strip()

    @admin.display(description=_("properties"))
    def properties(self, event: Event) -> str:
        return ", ".join(f"{name}: {text}" for name, text in (event.props or {}).items()) or NOTHING


@admin.register(Visit)
class VisitAdmin(ReportAdmin):
    moment = "started_at"
    dimensions = frozenset(
        ("channel", "source", "country", "browser", "os", "device", "entry_page")
    )
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
        "browser_and_system",
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
    search_fields = ["entry_page", "exit_page"]
    search_help_text = _("First or last page, visit id or IP address")
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
        (_("Pages"), {"fields": ["hostname", ("entry_page", "exit_page"), "alike"]}),
        (
            _("Where from"),
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
            _("Location"),
            {
                "fields": [
                    ("country_name", "region"),
                    ("city", "postal_code"),
                    ("latitude", "longitude"),
                    "ip",
                    "map",
                ]
            },
        ),
        (
            _("System"),
            {
                "fields": [
                    ("browser", "browser_version"),
                    ("os", "os_version"),
                    ("device", "screen"),
                    "language",
                ]
            },
        ),
    ]
    readonly_fields = ["readable_duration", "country_name", "alike", "map"]

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        visit: Any = super().get_object(request, *args, **kwargs)
        if visit:
            mine = Site.objects.visible_to(request.user)
            visit.has_dashboard = mine.filter(pk=visit.site_id).exists()
        return visit

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
            {gettext("visits"): len(visits), gettext("events"): events},
            set(),
            [],
        )

    def delete_model(self, request: HttpRequest, obj: Visit) -> None:
        deletion.delete_visits(obj.site, [obj.pk])

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Visit], search_term: str
    ) -> tuple[QuerySet[Visit], bool]:
        if is_ip(search_term):
            return queryset.filter(ip=search_term.strip()), False
        return super().get_search_results(request, queryset, search_term)

    @display(description=_("started"), header=True)
    def started(self, visit: Visit) -> list[str]:
        return time_and_date(visit.started_at)

    @display(description=_("entry page"), header=True)
    def entry(self, visit: Visit) -> list[str]:
        return [Truncator(visit.entry_page).chars(40), str(visit.site)]

    @admin.display(description=_("source"))
    def source_or_channel(self, visit: Visit) -> str:
        channel = DIMENSIONS["channel"].name_of(visit.channel)
        return Truncator(visit.source or channel).chars(30)

    @display(description=_("location"), header=True)
    def place(self, visit: Visit) -> list[str]:
        return [visit.location or visit.region, country_name(visit.country)]

    @display(description=_("browser"), header=True)
    def browser_and_system(self, visit: Visit) -> list[str]:
        return [visit.browser, " · ".join(filter(None, (visit.os, visit.device)))]

    @admin.display(description=_("country"))
    def country_name(self, visit: Visit) -> str:
        return country_name(visit.country)

    @admin.display(description=_("visits like it"))
    def alike(self, visit: Visit) -> str:
        """Those that began on the same page: here, and on the site's dashboard for who sees it."""
        query = {"site__id__exact": visit.site_id, "entry_page__icontains": visit.entry_page}
        address = reverse("admin:tracking_visit_changelist") + f"?{urlencode(query)}"
        links = [(address, gettext("All that began on this page"))]
        if visit.has_dashboard:  # type: ignore[attr-defined]
            began = Filter("entry_page", Operator.IS, (visit.entry_page,))
            address = f"{visit.site.get_absolute_url()}?{urlencode({'f': str(began)})}"
            links.append((address, gettext("The site’s dashboard of these")))
        return format_html_join(" · ", '<a href="{}" class="text-link">{}</a>', links)

    @admin.display(description=_("map"))
    def map(self, visit: Visit) -> str:
        if visit.latitude is None or visit.longitude is None:
            return NOTHING
        x, y = position(float(visit.latitude), float(visit.longitude))
        place = visit.location or country_name(visit.country)
        return render_to_string(
            "admin/tracking/map.html",
            {"land": "".join(outlines().values()), "x": x, "y": y, "place": place},
        )

    @admin.display(description=_("duration"))
    def readable_duration(self, visit: Visit) -> str:
        return duration(visit.duration / 1000)


def is_ip(text: str) -> bool:
    try:
        ip_address(text.strip())
    except ValueError:
        return False
    return True
