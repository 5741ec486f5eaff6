"""What a site does not count: its rules, the devices of those who chose so, what was left out."""

from copy import copy
from typing import Any, Literal

from django.conf import settings
from django.contrib import messages
from django.contrib.messages.views import SuccessMessageMixin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.generic import ListView, TemplateView, UpdateView

from tracking.collector.intake import OPT_OUT_COOKIE
from tracking.forms.exclusions import ChangeHitsForm, DaysForm, ExclusionsForm, KeptHitsForm
from tracking.models import ExcludedHit, Site
from tracking.processing import datacentres, restore
from tracking.processing.excluded import DAYS_KEPT, MAX_KEPT
from tracking.reporting.filtered import crawlers, pages_of, reasons
from tracking.reporting.period import Period
from tracking.reporting.query import Query, answer
from tracking.snippet import base_url
from tracking.views.access import SiteMixin
from tracking_project.client_ip import client_ip, plain_address
from tracking_project.views import FormPageMixin

SECONDS_OPTED_OUT = 400 * 24 * 60 * 60  # the longest that browsers allow


class ExclusionsView(SiteMixin, FormPageMixin, SuccessMessageMixin, UpdateView):
    form_class = ExclusionsForm
    template_name = "tracking/site_exclusions.html"
    success_message = _("The exclusions are saved. They count for hits from now on.")

    def get_object(self, queryset: Any = None) -> Site:
        return copy(self.site)

    def get_success_url(self) -> str:
        return reverse("site_exclusions", args=[self.site.pk])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            own_ip=plain_address(client_ip(self.request.META)),
            datacentres_known=datacentres.is_known(),
            opt_out_url=base_url(self.request) + reverse("opt_out", args=[self.site.public_id]),
            **kwargs,
        )


class OptOutView(TemplateView):
    """For whoever has the link: visits of this device to a site shall not count, or shall again."""

    template_name = "tracking/opt_out.html"
    site: Site

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.site = get_object_or_404(Site, public_id=kwargs["public_id"])

    @property
    def cookie(self) -> str:
        return f"{OPT_OUT_COOKIE}{self.site.pk}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        is_out = self.request.COOKIES.get(self.cookie) == "1"
        return super().get_context_data(site=self.site, is_out=is_out, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = HttpResponseRedirect(reverse("opt_out", args=[self.site.public_id]))
        # Pages of the site send it along; over HTTP that works for pages of the same domain.
        samesite: Literal["None", "Lax"] = "None" if settings.HTTPS else "Lax"
        if request.POST.get("count") == "no":
            response.set_cookie(
                self.cookie,
                "1",
                max_age=SECONDS_OPTED_OUT,
                secure=settings.HTTPS,
                httponly=True,
                samesite=samesite,
            )
        else:
            response.delete_cookie(self.cookie, samesite=samesite)
        return response


class DaysMixin(SiteMixin):
    """For pages about the days that their address chooses."""

    @cached_property
    def days_form(self) -> DaysForm:
        return DaysForm(self.request.GET)

    @cached_property
    def period(self) -> Period:
        return Period.of(self.days_form.preset, self.site.zone, timezone.now())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            days_form=self.days_form,
            preset=self.days_form.preset,
            periods=DaysForm.PERIODS,
            period=self.period,
            **kwargs,
        )


class FilteredView(DaysMixin, ListView):
    """How much was not counted, and why; and for some days each hit, to be counted after all."""

    template_name = "tracking/filtered.html"
    context_object_name = "hits"
    paginate_by = 50

    @cached_property
    def hits_form(self) -> KeptHitsForm:
        return KeptHitsForm(self.request.GET)

    def get_queryset(self) -> QuerySet[ExcludedHit]:
        hits = self.hits_form.hits(self.site).order_by("-time", "-pk")
        return hits.defer("arrival")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        counts = reasons(self.site, self.period.first, self.period.last)
        [row] = answer(Query((self.site,), self.period, ("events",)))
        filtered = sum(count.hits for count in counts)
        return super().get_context_data(
            counts=counts,
            filtered=filtered,
            share=filtered / ((row["events"] or 0) + filtered) if filtered else 0,
            hits_form=self.hits_form,
            is_filtered=any(self.request.GET.get(name) for name in self.hits_form.fields),
            days_kept=DAYS_KEPT,
            max_kept=MAX_KEPT,
            **kwargs,
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Restore or purge hits; afterwards the page is shown as it was filtered."""
        form = ChangeHitsForm(request.POST)
        if not form.is_valid():
            for error in form.non_field_errors() or [_("Nothing was changed.")]:
                messages.warning(request, str(error))
        elif form.cleaned_data["action"] == form.RESTORE:
            number = restore.restore(self.site, form.hits(self.site))
            text = ngettext(
                "%(number)s hit is counted after all.",
                "%(number)s hits are counted after all.",
                number,
            )
            messages.success(request, text % {"number": number})
        else:
            number, _deleted = form.hits(self.site).delete()
            text = ngettext(
                "%(number)s hit is purged; it stays among the numbers.",
                "%(number)s hits are purged; they stay among the numbers.",
                number,
            )
            messages.success(request, text % {"number": number})
        return HttpResponseRedirect(request.get_full_path())


class CrawlersView(DaysMixin, TemplateView):
    """Who reads the site by program: which crawlers, or which pages one of them asked for."""

    template_name = "tracking/crawlers.html"
    KINDS = {"": None, "ai": True, "bots": False}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        days = (self.site, self.period.first, self.period.last)
        kind = self.request.GET.get("kind", "")
        crawler = self.request.GET.get("crawler")
        if crawler is None:
            rows = crawlers(*days, is_ai=self.KINDS.get(kind))
        else:
            rows = pages_of(*days, crawler)
        return super().get_context_data(
            rows=rows,
            hits=sum(row.hits for row in rows),
            crawler=crawler,
            kind=kind if kind in self.KINDS else "",
            **kwargs,
        )
