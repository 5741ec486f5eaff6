from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.admin import TimeZoneSelect
from tracking.admin.filters import RelatedRowFilter
from tracking.admin.site_actions import SiteActions
from tracking.forms.sites import DomainField
from tracking.models import Site
from tracking.reporting.overview import DAYS, SiteOverview, last_events, overview
from tracking.reporting.storage import storage
from tracking.templatetags.charts import sparkline
from tracking.templatetags.figures import exact
from tracking_project.model_admin import BackOfficeAdmin, BackOfficeChangeList, date_and_time


class SiteAdminForm(forms.ModelForm):
    domain = DomainField(
        help_text=Site._meta.get_field("domain").help_text, widget=UnfoldAdminTextInputWidget
    )

    class Meta:
        model = Site
        fields = ["owner", "domain", "name", "time_zone", "keep_ip"]
        widgets = {"time_zone": TimeZoneSelect}


class SiteChangeList(BackOfficeChangeList):
    """Knows the figures of all rows of its page, by a few queries for all of them."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        sites: list[Any] = list(self.result_list)
        figures, bytes_of, moments = overview(sites), storage(), last_events(sites)
        for site in sites:
            site.overview, site.bytes_stored = figures[site.pk], bytes_of.get(site.pk, 0)
            site.event_at = moments.get(site.pk)
        self.result_list = sites


@admin.register(Site)
class SiteAdmin(SiteActions, BackOfficeAdmin):
    form = SiteAdminForm
    list_display = ["site", "person", "visitors", "state", "last_event", "stored", "dashboard"]
    list_select_related = ["owner"]
    list_filter = [("owner", RelatedRowFilter), ("is_paused", BooleanRadioFilter)]
    list_filter_submit = True
    search_fields = ["domain", "name", "owner__email", "owner__name"]
    search_help_text = _("Domain, name or owner")
    autocomplete_fields = ["owner"]
    readonly_fields = ["public_id", "created_at", "is_paused"]
    fieldsets = [
        (None, {"fields": ["domain", "name", "owner", "time_zone", "keep_ip"]}),
        (_("Identification"), {"fields": [("public_id", "created_at"), "is_paused"]}),
    ]
    add_fieldsets = fieldsets[:1]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Site]:
        visible = Site.objects.visible_to(request.user).filter(pk=OuterRef("pk")).order_by()
        return super().get_queryset(request).annotate(is_visible=Exists(visible))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BackOfficeChangeList]:
        return SiteChangeList

    @display(description=_("site"), header=True, ordering="domain")
    def site(self, site: Site) -> list[str]:
        return [str(site), site.domain if site.name else ""]

    @display(description=_("owner"), header=True, ordering="owner__email")
    def person(self, site: Site) -> list[str]:
        owner = site.owner
        return [owner.get_full_name(), owner.email if owner.name else ""]

    @admin.display(description=_("visitors of 30 days"))
    def visitors(self, site: Site) -> str:
        """The sum of the days, as a person is known for one day only."""
        figures: SiteOverview = site.overview  # type: ignore[attr-defined]
        label = gettext("Visitors a day, in the last %(days)d days") % {"days": DAYS}
        drawn = render_to_string(
            "tracking/partials/sparkline.html", sparkline(figures.daily, label)
        )
        return format_html(
            '<span class="trend"><span>{}</span>{}</span>', exact(sum(figures.daily)), drawn
        )

    @display(description=_("state"), label={True: "warning", False: "success"})
    def state(self, site: Site) -> tuple[bool, str]:
        return site.is_paused, gettext("Paused") if site.is_paused else gettext("Collecting")

    @display(description=_("last event"), header=True)
    def last_event(self, site: Site) -> list[str]:
        moment = site.event_at  # type: ignore[attr-defined]
        return date_and_time(moment) if moment else [gettext("None yet")]

    @admin.display(description=_("storage, estimated"))
    def stored(self, site: Site) -> str:
        return filesizeformat(site.bytes_stored)  # type: ignore[attr-defined]

    def view_on_site(self, site: Site) -> str | None:
        """Another person's dashboard would answer 404: no link to it."""
        return site.get_absolute_url() if getattr(site, "is_visible", False) else None

    @admin.display(description=_("dashboard"))
    def dashboard(self, site: Site) -> str:
        url = self.view_on_site(site)
        if not url:
            return ""
        return format_html('<a href="{}" class="text-link">{}</a>', url, gettext("View dashboard"))

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Says what goes too, where Django would read every visit and event of the site."""
        sites = list(objs)
        text = gettext("%(site)s, with all of its visits and events")
        listed = [text % {"site": site} for site in sites]
        return listed, {gettext("sites"): len(sites)}, set(), []
