"""The installation page: what to paste where, and what has become of the last requests."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView

from tracking.collector import refusals
from tracking.models import RecentHit, Site, Visit
from tracking.snippet import Snippet, base_url
from tracking.views.access import SiteMixin

OWN, TRACKERS, GUIDES = _("Ours"), _("Of another tracker"), _("Guides")
# By the name in the address, which is that of the template, too.
WAYS: dict[str | Promise, dict[str, str | Promise]] = {
    OWN: {"own": _("Our snippet")},
    TRACKERS: {
        "plausible": "Plausible",
        "umami": "Umami",
        "goatcounter": "GoatCounter",
        "matomo": "Matomo",
        "shynet": "Shynet",
    },
    GUIDES: {
        "wordpress": "WordPress",
        "django": "Django",
        "nextjs": "Next.js",
        "hugo": "Hugo",
        "gtm": "Google Tag Manager",
    },
}
NAMES = {name: title for group in WAYS.values() for name, title in group.items()}
SHOWN = 20


class FirstVisitMixin(SiteMixin):
    def first_visit(self) -> Visit | None:
        return self.site.visits.order_by("started_at").first()


class InstallView(FirstVisitMixin, TemplateView):
    template_name = "tracking/install.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        site = self.site
        snippet = Snippet(site.public_id, base_url(self.request), site.domain)
        origin = f"https://{site.ascii_domain}"
        way = self.request.GET.get("for", "own")
        way = way if way in NAMES else "own"
        return super().get_context_data(
            ways=WAYS,
            way=way,
            title=NAMES[way],
            guide=f"tracking/install/{way}.html",
            snippet=snippet,
            code=snippet.in_dialects(site.pk).get(way),
            script=snippet.script,
            event='tracking("Sign-up")',
            pixel=snippet.pixel,
            newsletter_pixel=snippet.pixel_for(
                url=f"{origin}/newsletter", event="Newsletter opened"
            ),
            from_server=snippet.request_for(url=f"{origin}/welcome", event="Sign-up"),
            belongs_to_another=first_of(site.domain) != site.pk,
            visit=self.first_visit(),
            requests=requests_of(site),
            proxies=settings.TRUSTED_PROXIES,
            **kwargs,
        )


def first_of(domain: str) -> int | None:
    """The site that other trackers' hits of this domain belong to."""
    return Site.objects.filter(domain=domain).order_by("pk").values_list("pk", flat=True).first()


class FirstVisitView(FirstVisitMixin, TemplateView):
    """The first visit, as a fragment; 204 before it, which leaves the page as it is."""

    template_name = "tracking/partials/first_visit.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        visit = self.first_visit()
        if visit is None:
            return HttpResponse(status=204)
        return self.render_to_response(self.get_context_data(visit=visit, **kwargs))


class RequestsView(SiteMixin, TemplateView):
    """The last requests, as the fragment that the page refreshes."""

    template_name = "tracking/partials/requests.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            requests=requests_of(self.site), proxies=settings.TRUSTED_PROXIES, **kwargs
        )


@dataclass(frozen=True)
class Received:
    """A request of the page, and what became of it; `why` where it was not counted."""

    time: datetime
    what: str
    outcome: str  # counted, filtered, refused
    label: str
    why: str
    rule: str
    ip: str
    user_agent: str
    headers: dict[str, str] = field(default_factory=dict)


def requests_of(site: Site) -> list[Received]:
    found = [received(hit) for hit in RecentHit.objects.filter(site=site)]
    found += [refused(one) for one in refusals.of_site(site.pk, SHOWN)]
    return sorted(found, key=lambda one: one.time, reverse=True)[:SHOWN]


def received(hit: RecentHit) -> Received:
    what = hit.page if hit.name == "pageview" else f"{hit.name} · {hit.page}"
    if hit.receiver:
        what = f"{what} ({NAMES.get(hit.receiver, hit.receiver)})"
    reason = hit.get_reason()
    if reason is None:
        return Received(
            hit.time, what, "counted", gettext("Counted"), "", "", hit.ip, hit.user_agent
        )
    why = f"{reason.label}. {reason.explanation}"
    return Received(
        hit.time,
        what if reason.is_kept else "",
        "filtered",
        gettext("Filtered"),
        why,
        hit.rule,
        hit.ip,
        hit.user_agent,
    )


def refused(one: refusals.Refused) -> Received:
    what = f"{one.request} ({one.page})" if one.page else one.request
    outcome, label = "refused", gettext("Refused: %(status)s") % {"status": one.status}
    if one.status == HTTPStatus.OK:
        outcome, label = "filtered", gettext("Accepted, not kept")
    moment = datetime.fromtimestamp(one.time, UTC)
    return Received(
        moment, what, outcome, label, one.message, "", one.ip, one.user_agent, one.headers
    )
