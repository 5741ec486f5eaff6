"""What staff do with sites: pause and resume them, empty them, give them to somebody else."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminEmailInputWidget

from accounts.models import User
from tracking.models import Site, StaleDay
from tracking.processing.deletion import Choice, delete, events_of
from tracking.reporting.rollups import closed_days, differences
from tracking.routers import events_are_in_clickhouse

CHECKED_DAYS = 30


class PeriodForm(forms.Form):
    first = forms.DateField(label=_("First day"), widget=UnfoldAdminDateWidget)
    last = forms.DateField(label=_("Last day"), widget=UnfoldAdminDateWidget)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "first" in data and "last" in data and data["last"] < data["first"]:
            raise forms.ValidationError(_("The period ends before it begins."))
        return data

    @property
    def choice(self) -> Choice:
        return Choice(first=self.cleaned_data["first"], last=self.cleaned_data["last"])


class TransferForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail address of the new owner"), widget=UnfoldAdminEmailInputWidget
    )

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.site = site

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        self.owner = User.objects.filter(email__iexact=email, is_active=True).first()
        if self.owner is None:
            raise forms.ValidationError(_("Nobody who is active has this address."))
        if self.owner.sites.filter(domain=self.site.domain).exists():
            raise forms.ValidationError(_("This person has a site of this domain already."))
        return email


class SiteActions(admin.ModelAdmin):
    actions = ["pause", "resume", "rebuild", "check_rollups"]
    actions_detail = ["empty", "transfer"]

    def has_operate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("tracking.operate_site")

    def get_actions(self, request: HttpRequest) -> Any:
        """ClickHouse has no rollups that could be wrong."""
        actions = super().get_actions(request)
        if events_are_in_clickhouse():
            for name in ("rebuild", "check_rollups"):
                actions.pop(name, None)
        return actions

    @action(description=_("Pause collecting"), permissions=["operate"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Site]) -> None:
        """The collector answers as ever; the worker counts these hits and drops them."""
        count = self.set_paused(request, queryset, True, gettext("Paused collecting."))
        text = ngettext("%(count)d site is paused.", "%(count)d sites are paused.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS)

    @action(description=_("Resume collecting"), permissions=["operate"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Site]) -> None:
        count = self.set_paused(request, queryset, False, gettext("Resumed collecting."))
        text = ngettext("%(count)d site collects again.", "%(count)d sites collect again.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS)

    @action(description=_("Rebuild rollups"), permissions=["operate"])
    def rebuild(self, request: HttpRequest, queryset: QuerySet[Site]) -> None:
        """The worker does it; until then reports read visits and events themselves."""
        days = 0
        for site in queryset:
            closed = closed_days(site, None, None)
            StaleDay.objects.note(site, closed)
            days += len(closed)
            self.log_change(request, site, gettext("Asked for rollups to be rebuilt."))
        text = ngettext(
            "The worker rebuilds %(count)s day; reports are right meanwhile, if slower.",
            "The worker rebuilds %(count)s days; reports are right meanwhile, if slower.",
            days,
        )
        self.message_user(request, text % {"count": f"{days:,}"}, messages.SUCCESS)

    @action(description=_("Check rollups of 30 days"), permissions=["operate"])
    def check_rollups(self, request: HttpRequest, queryset: QuerySet[Site]) -> None:
        """Reckons these days anew, changes nothing, and names those that differ."""
        days = 0
        for site in queryset:
            closed = closed_days(site, site.today() - timedelta(days=CHECKED_DAYS), None)
            days += len(closed)
            for day in closed:
                if differences(site, day):
                    names = {"site": site, "day": formats.date_format(day)}
                    text = gettext("%(site)s: the rollups of %(day)s differ. Rebuild them.")
                    self.message_user(request, text % names, messages.ERROR)
        text = ngettext("%(count)d day is checked.", "%(count)d days are checked.", days)
        self.message_user(request, text % {"count": days})

    def set_paused(
        self, request: HttpRequest, queryset: QuerySet[Site], is_paused: bool, message: str
    ) -> int:
        changed = list(queryset.exclude(is_paused=is_paused))
        Site.objects.filter(pk__in=[site.pk for site in changed]).update(is_paused=is_paused)
        for site in changed:
            self.log_change(request, site, message)
        return len(changed)

    @action(
        description=_("Delete data…"),
        url_path="empty",
        permissions=["operate"],
        icon="delete_sweep",
    )
    def empty(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Two steps: choose the days, then read how much that is, and confirm it."""
        site = get_object_or_404(Site, pk=object_id)
        form = PeriodForm(request.POST or None)
        found = None
        if request.method == "POST" and form.is_valid():
            visits = form.choice.visits(site)
            if "confirmed" in request.POST:
                return self.emptied(request, site, form)
            found = {"visits": visits.count(), "events": events_of(visits)}
        return self.page(request, site, form, gettext("Delete data of %(site)s"), found=found)

    def emptied(self, request: HttpRequest, site: Site, form: PeriodForm) -> HttpResponse:
        deleted = delete(site, form.choice)
        text = ngettext(
            "Deleted %(count)s visit of %(first)s to %(last)s, with all events.",
            "Deleted %(count)s visits of %(first)s to %(last)s, with all events.",
            deleted,
        ) % {
            "count": intcomma(deleted),
            "first": formats.date_format(form.cleaned_data["first"]),
            "last": formats.date_format(form.cleaned_data["last"]),
        }
        self.log_change(request, site, text)
        return self.done(request, site, text)

    @action(
        description=_("Transfer…"), url_path="transfer", permissions=["operate"], icon="move_up"
    )
    def transfer(self, request: HttpRequest, object_id: str) -> HttpResponse:
        site = get_object_or_404(Site.objects.select_related("owner"), pk=object_id)
        form = TransferForm(request.POST or None, site=site)
        if request.method == "POST" and form.is_valid() and form.owner:
            before = site.owner
            try:
                with transaction.atomic():
                    site.owner = form.owner
                    site.save(update_fields=["owner"])
            except IntegrityError:  # another request was faster
                form.add_error("email", _("This person has a site of this domain already."))
            else:
                names = {"before": before.email, "after": form.owner.email}
                text = gettext("Transferred from %(before)s to %(after)s.") % names
                self.log_change(request, site, text)
                return self.done(request, site, text)
        return self.page(request, site, form, gettext("Transfer %(site)s to another owner"))

    def page(
        self, request: HttpRequest, site: Site, form: forms.Form, title: str, **context: Any
    ) -> HttpResponse:
        return TemplateResponse(
            request,
            "admin/tracking/site_action.html",
            {
                **self.admin_site.each_context(request),
                "title": title % {"site": site},
                "opts": self.opts,
                "site": site,
                "form": form,
                "media": self.media + form.media,
                **context,
            },
        )

    def done(self, request: HttpRequest, site: Site, text: str) -> HttpResponse:
        self.message_user(request, text, messages.SUCCESS)
        return redirect(reverse("admin:tracking_site_change", args=[site.pk]))
