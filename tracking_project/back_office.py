"""The back office: Django's admin in unfold's clothes, for the staff of this installation."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.paginator import InvalidPage
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.dataclasses import SearchResult
from unfold.sites import UnfoldAdminSite

# What unfold needs beyond the policy of all other pages: Alpine evaluates the expressions in its
# attributes, and sets some `style` attributes. Inline scripts and style sheets stay forbidden;
# the colours, which unfold would write into the page, are in back_office.css.
CONTENT_SECURITY_POLICY = {"script-src": [UNSAFE_EVAL], "style-src-attr": [UNSAFE_INLINE]}
View = Callable[..., HttpResponse]


class BackOffice(UnfoldAdminSite):
    index_title = _("Overview")

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            # PostgreSQL refuses to look for text with such a character in it.
            if any("\0" in value for _, values in request.GET.lists() for value in values):
                raise BadRequest("A NUL character in the address.")
            return inner(request, *args, **kwargs)

        return csp_update(CONTENT_SECURITY_POLICY)(checked)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Leads to the one log-in page there is, where attempts are limited."""
        after = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied(
                gettext(
                    "The back office is for the staff of this installation, and your account is "
                    "not among them. Ask an administrator for access, or log in with another "
                    "account."
                )
            )
        return redirect_to_login(after)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account_change_password")

    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        try:
            return super().search(request, extra_context)
        except InvalidPage as error:
            raise Http404 from error

    def get_urls(self) -> list[URLPattern]:
        from tracking.admin.health import HealthView

        return [
            path("health/", self.admin_view(HealthView.as_view()), name="health"),
            *super().get_urls(),
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return super().each_context(request) | {"colors": {}}

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        from tracking.admin.overview import Overview

        return super().index(request, {"overview": Overview(request), **(extra_context or {})})


def favicon(request: HttpRequest) -> str:
    return static("tracking/icons/favicon.svg")


def style_sheet(request: HttpRequest) -> str:
    return static("tracking/back_office.css")


def style_sheet_of_reports(request: HttpRequest) -> str:
    return static("tracking/back_office_reports.css")


def environment(request: HttpRequest) -> list[str] | None:
    return [gettext("Development"), "warning"] if settings.DEBUG else None


def account_links(request: HttpRequest) -> list[dict[str, str]]:
    return [
        {"title": gettext("Your account"), "link": reverse("profile")},
        {"title": gettext("Change password"), "link": reverse("account_change_password")},
    ]


def find(request: HttpRequest, term: str) -> list[SearchResult]:
    """Sites and users for the command palette; never visits, which are too many to search."""
    from accounts.models import User
    from tracking.models import Site

    kinds: list[tuple[type[models.Model], str]] = [(Site, "language"), (User, "person")]
    found: list[SearchResult] = []
    for model, icon in kinds:
        model_admin = admin.site.get_model_admin(model)
        if not model_admin.has_view_permission(request):
            continue
        queryset = model_admin.get_queryset(request)
        rows = model_admin.get_search_results(request, queryset, term)[0]
        meta = model._meta
        found += [
            SearchResult(
                title=str(row),
                description=str(meta.verbose_name).capitalize(),
                link=reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk]),
                icon=icon,
            )
            for row in rows[:10]
        ]
    return found
