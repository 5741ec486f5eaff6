"""The sidebar of the back office: what a person may open, in groups."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Entry:
    """Shown to whoever may view `model`; leads to its list unless it has a page of its own."""

    model: str
    title: Promise
    icon: str
    description: Promise
    page: str = ""

    @property
    def link(self) -> str:
        return reverse(self.page or f"admin:{self.model.replace('.', '_')}_changelist")

    def is_for(self, request: HttpRequest) -> bool:
        app, model = self.model.split(".")
        return any(request.user.has_perm(f"{app}.{verb}_{model}") for verb in ("view", "change"))


GROUPS = (
    (
        _("Reports"),
        (
            Entry("tracking.visit", _("Visits"), "footprint", _("Every visit, with its events")),
            Entry("tracking.event", _("Events"), "ads_click", _("Pageviews and custom events")),
            Entry(
                "tracking.excludedhit",
                _("Filtered hits"),
                "filter_alt",
                _("What was not counted, and why"),
            ),
        ),
    ),
    (
        _("Sites and people"),
        (
            Entry("tracking.site", _("Sites"), "language", _("What is tracked, and whose it is")),
            Entry("accounts.user", _("Users"), "person", _("Accounts, passwords, permissions")),
            Entry("auth.group", _("Groups"), "group", _("Permissions that users share")),
        ),
    ),
    (
        _("System"),
        (
            Entry(
                "tracking.queuefile",
                _("Health"),
                "monitor_heart",
                _("Is everything at work, and up to date?"),
                page="admin:health",
            ),
            Entry(
                "tracking.queuefile", _("Queue files"), "inventory_2", _("How far hits are stored")
            ),
            Entry(
                "tracking.salt", _("Salts"), "key", _("Days whose visitors are still recognised")
            ),
            Entry(
                "admin.logentry", _("Changes"), "history", _("What staff changed here, and when")
            ),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    overview = {"title": gettext("Overview"), "icon": "home", "link": reverse("admin:index")}
    menu: list[dict[str, Any]] = [{"items": [overview]}]
    for title, entries in GROUPS:
        items = [
            {
                "title": entry.title,
                "icon": entry.icon,
                "description": entry.description,
                "link": entry.link,
            }
            for entry in entries
            if entry.is_for(request)
        ]
        if items:
            menu.append({"title": title, "separator": True, "items": items})
    return menu
