"""Reports the pages of a Django project to a Tracking server, from the server's side.

    MIDDLEWARE = ["tracking.middleware.PageviewMiddleware", …]
    TRACKING_URL = "https://stats.example.com/t/<public id>"
    TRACKING_TOKEN = "…"

It goes into other people's projects: copy this file and client.py. Of this project it needs
nothing else, no settings and no database.
"""

import contextlib
import logging
import re
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Unpack
from urllib.parse import quote

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.contrib.admindocs import utils
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve

from .client import Client, Details  # relative: both may be copied into any package

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]

# All that is told of a query string.
CAMPAIGN = re.compile(
    r"(utm_\w+|ref|source|\w*cl\w*id|[gw]braid|li_fat_id|rdt_cid|sccid|igsh\w*|mc_\w+)=",
    re.IGNORECASE,
)
CONVERTER = re.compile(r"<\w+:(\w+)>")
OF_A_REGULAR_EXPRESSION = re.compile(r"[\\^$(]")


class PageviewMiddleware:
    """Records a page view for each HTML page that was found, after it was made.

    Override `is_page_view` to leave out more, and `page_of` to group pages otherwise.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        if client() is None:
            logger.warning("TRACKING_URL or TRACKING_TOKEN is not set: no page views are recorded.")
            raise MiddlewareNotUsed
        self.get_response: Callable[[HttpRequest], Any] = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self.call_async(request)
        response: HttpResponseBase = self.get_response(request)
        self.record(request, response)
        return response

    async def call_async(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = await self.get_response(request)
        self.record(request, response)
        return response

    def record(self, request: HttpRequest, response: HttpResponseBase) -> None:
        try:
            if self.is_page_view(request, response):
                event(request, "pageview", page=self.page_of(request))
        except Exception:
            # Whatever it is, the visitor gets the page.
            logger.exception("A page view of %s could not be recorded.", request.path)

    def is_page_view(self, request: HttpRequest, response: HttpResponseBase) -> bool:
        return (
            request.method == "GET"
            and is_page(request, response)
            and is_navigation(request)
            and not request.path.startswith(texts("TRACKING_EXCLUDE"))
        )

    def page_of(self, request: HttpRequest) -> str:
        """The route, as in `/user/<id>`, or nothing where the path itself is to be counted.

        Parameters that TRACKING_KEEP names keep their values.
        """
        match = route_of(request)
        if match is None:
            return ""
        if any("/" in str(value) for value in (*match.args, *match.kwargs.values())):
            return ""  # a catch-all, as content management systems have: it would be all pages
        page = readable(match.route)
        for name in texts("TRACKING_KEEP"):
            page = page.replace(f"<{name}>", quote(str(match.kwargs.get(name))))
        return f"{request.META.get('SCRIPT_NAME', '').rstrip('/')}{page}"


def event(request: HttpRequest, name: str, **details: Unpack[Details]) -> None:
    """Record an event of the visitor whose request it is; where nothing is set up, nothing."""
    sender, user_agent = client(), request.headers.get("User-Agent", "")
    if sender is None or not user_agent:  # every browser has one
        return
    details.setdefault("referrer", request.headers.get("Referer", ""))
    details.setdefault("language", language_of(request))
    sender.event(name, url_of(request), ip=ip_of(request), user_agent=user_agent, **details)


@cache
def client() -> Client | None:
    """The one that all of this process reports by; None where settings are missing."""
    url, token = (getattr(settings, name, "") for name in ("TRACKING_URL", "TRACKING_TOKEN"))
    return Client(url, token) if url and token else None


def route_of(request: HttpRequest) -> ResolverMatch | None:
    if request.resolver_match:
        return request.resolver_match
    # A cache, or another middleware, answered before anybody asked which route it is.
    with contextlib.suppress(Resolver404):
        return resolve(request.path_info, getattr(request, "urlconf", None))
    return None


def texts(setting: str) -> tuple[str, ...]:
    value = getattr(settings, setting, ())
    return (value,) if isinstance(value, str) else tuple(value)


def is_page(request: HttpRequest, response: HttpResponseBase) -> bool:
    if response.status_code == 304:  # the browser has it already
        return "text/html" in request.headers.get("Accept", "")
    return (
        response.status_code == 200
        and response.get("Content-Type", "").startswith("text/html")
        and not response.get("Content-Disposition", "").startswith("attachment")
    )


def is_navigation(request: HttpRequest) -> bool:
    """Did somebody go to a page? Not: a script that loads a part of one, an iframe, a prefetch."""
    headers = request.headers
    # htmx and Turbo load whole pages too, and say so.
    is_swapped = "HX-Boosted" in headers or "X-Turbo-Request-Id" in headers
    return (
        (is_swapped or headers.get("Sec-Fetch-Dest", "document") == "document")
        and (is_swapped or "HX-Request" not in headers)
        and "Turbo-Frame" not in headers
        and headers.get("X-Requested-With") != "XMLHttpRequest"
        and not any(name in headers for name in ("Sec-Purpose", "Purpose", "X-Moz"))
    )


@cache
def readable(route: str) -> str:
    """`user/<int:id>/` and `^user/(?P<id>[0-9]+)/$` → `/user/<id>/`."""
    page = CONVERTER.sub(r"<\1>", route)
    if OF_A_REGULAR_EXPRESSION.search(page):
        for simplify in (
            utils.remove_non_capturing_groups,
            utils.replace_named_groups,
            utils.replace_unnamed_groups,
            utils.replace_metacharacters,
        ):
            page = simplify(page)
    return f"/{page.lstrip('/')}"


def url_of(request: HttpRequest) -> str:
    parameters = request.META.get("QUERY_STRING", "").split("&")
    campaign = "&".join(part for part in parameters if CAMPAIGN.match(part))
    return request.build_absolute_uri(f"{request.path}?{campaign}" if campaign else request.path)


def ip_of(request: HttpRequest) -> str:
    """The visitor's: what the outermost of TRACKING_TRUSTED_PROXIES of your own proxies says."""
    proxies: int = getattr(settings, "TRACKING_TRUSTED_PROXIES", 0)
    addresses = request.headers.get("X-Forwarded-For", "").split(",")
    if proxies and len(addresses) >= proxies:
        return without_port(addresses[-proxies].strip())
    return str(request.META.get("REMOTE_ADDR", ""))


def without_port(address: str) -> str:
    """Some proxies append one: `1.2.3.4:5678`, `[2001:db8::1]:5678`."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def language_of(request: HttpRequest) -> str:
    return request.headers.get("Accept-Language", "").partition(",")[0].partition(";")[0].strip()
