from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.admin import TimeZoneSelect
from tracking.admin.filters import RelatedRowFilter
from tracking.forms import DomainField
from tracking.models import Site
from tracking_project.model_admin import BackOfficeAdmin


class SiteAdminForm(forms.ModelForm):
    domain = DomainField(
        help_text=Site._meta.get_field("domain").help_text, widget=UnfoldAdminTextInputWidget
    )

    class Meta:
        model = Site
        fields = ["owner", "domain", "name", "time_zone", "keep_ip"]
        widgets = {"time_zone": TimeZoneSelect}


@admin.register(Site)
class SiteAdmin(BackOfficeAdmin):
    form = SiteAdminForm
    list_display = ["domain", "name", "owner", "time_zone", "created_at", "dashboard"]
    list_select_related = ["owner"]
    list_filter = [("owner", RelatedRowFilter)]
    list_filter_submit = True
    search_fields = ["domain", "name", "owner__email", "owner__name"]
    search_help_text = "Domain, name or owner"
    autocomplete_fields = ["owner"]
    readonly_fields = ["public_id", "created_at"]
    fieldsets = [
        (None, {"fields": ["domain", "name", "owner", "time_zone", "keep_ip"]}),
        ("Identification", {"fields": [("public_id", "created_at")]}),
    ]
    add_fieldsets = fieldsets[:1]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Site]:
        visible = Site.objects.visible_to(request.user).filter(pk=OuterRef("pk")).order_by()
        return super().get_queryset(request).annotate(is_visible=Exists(visible))

    def view_on_site(self, site: Site) -> str | None:
        """Another person's dashboard would answer 404: no link to it."""
        return site.get_absolute_url() if getattr(site, "is_visible", False) else None

    @admin.display(description="dashboard")
    def dashboard(self, site: Site) -> str:
        url = self.view_on_site(site)
        return format_html('<a href="{}" class="text-link">View dashboard</a>', url) if url else ""

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Says what goes too, where Django would read every visit and event of the site."""
        sites = list(objs)
        listed = [f"{site}, with all of its visits and events" for site in sites]
        return listed, {"sites": len(sites)}, set(), []
