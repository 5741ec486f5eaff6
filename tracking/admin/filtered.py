from collections import defaultdict
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter, FieldTextFilter
from unfold.decorators import action, display

from tracking.admin.filters import PeriodFilter, RelatedRowFilter
from tracking.admin.reports import ReportAdmin, ReportChangeList, time_and_date
from tracking.models import ExcludedDay, ExcludedHit, Reason, Site
from tracking.processing.restore import restore
from tracking.reporting.dimensions import country_name


class FilteredChangeList(ReportChangeList):
    """Above it stands how many hits each reason kept from being counted, kept ones or not."""

    report = None

    @cached_property
    def reasons(self) -> list[tuple[Reason, int]]:
        period = self.period_filter.period
        days = ExcludedDay.objects.filter(day__range=(period.first, period.last))
        if site := self.get_filters_params().get("site__id__exact"):
            days = days.filter(site=site[-1])
        counted = days.order_by().values_list("reason").annotate(number=Sum("hits"))
        return [(Reason(reason), number) for reason, number in counted.order_by("-number")]


@admin.register(ExcludedHit)
class FilteredHitAdmin(ReportAdmin):
    """Hits that were not counted: for some days they are kept, and can be counted after all."""

    moment = "time"
    list_display = ["happened", "what", "why", "from_where", "client"]
    list_filter = [
        ("day", PeriodFilter),
        ("site", RelatedRowFilter),
        ("reason", ChoicesDropdownFilter),
        ("page", FieldTextFilter),
    ]
    search_fields = ["page"]
    search_help_text = _("Page or id")
    change_list_template = "admin/tracking/filtered.html"
    actions = ["count_after_all"]
    exported = (
        "id", "site", "day", "time", "reason", "rule", "page", "name", "source", "country",
        "browser", "os", "device", "user_agent",
    )  # fmt: skip
    fields = [
        ("time", "day"),
        ("site", "reason"),
        "rule",
        ("page", "name"),
        ("source", "country"),
        ("browser", "os"),
        ("device", "user_agent"),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExcludedHit]:
        return super().get_queryset(request).defer("arrival")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ReportChangeList]:
        return FilteredChangeList

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tracking.operate_site")

    @action(description=_("Count after all"), permissions=["operate"])
    def count_after_all(self, request: HttpRequest, queryset: QuerySet[ExcludedHit]) -> None:
        chosen: defaultdict[int, list[int]] = defaultdict(list)
        for site, hit in queryset.order_by("pk").values_list("site_id", "pk"):
            chosen[site].append(hit)
        counted = sum(
            self.restore(request, site, chosen[site.pk])
            for site in Site.objects.filter(pk__in=chosen)
        )
        text = ngettext(
            "%(count)d hit is counted after all.", "%(count)d hits are counted after all.", counted
        )
        self.message_user(request, text % {"count": counted}, messages.SUCCESS)
        if left := sum(map(len, chosen.values())) - counted:
            text = ngettext(
                "%(count)d cannot be counted: it names no page of a website.",
                "%(count)d cannot be counted: they name no page of a website.",
                left,
            )
            self.message_user(request, text % {"count": left}, messages.WARNING)

    def restore(self, request: HttpRequest, site: Site, hits: list[int]) -> int:
        number = restore(site, ExcludedHit.objects.filter(pk__in=hits))
        if number:
            text = ngettext(
                "Counted %(count)d filtered hit after all.",
                "Counted %(count)d filtered hits after all.",
                number,
            )
            self.log_change(request, site, text % {"count": number})
        return number

    @display(description=_("time"), header=True)
    def happened(self, hit: ExcludedHit) -> list[str]:
        return time_and_date(hit.time)

    @display(description=_("page"), header=True)
    def what(self, hit: ExcludedHit) -> list[str]:
        return [Truncator(hit.page).chars(50), str(hit.site)]

    @display(description=_("reason"), header=True)
    def why(self, hit: ExcludedHit) -> list[str]:
        return [str(hit.get_reason().label), Truncator(hit.rule).chars(40)]

    @display(description=_("from"), header=True)
    def from_where(self, hit: ExcludedHit) -> list[str]:
        return [country_name(hit.country), Truncator(hit.source).chars(30)]

    @display(description=_("browser"), header=True)
    def client(self, hit: ExcludedHit) -> list[str]:
        return [hit.browser or Truncator(hit.user_agent).chars(30), hit.os]
