"""What people and programs are told when a request fails."""

import logging
from collections.abc import Callable
from http.client import responses

from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.http.request import split_domain_port
from django.template import loader
from django.utils.cache import patch_vary_headers
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tracking.routers import is_clickhouse_away
from tracking_project.theme import theme

logger = logging.getLogger(__name__)

# Where the standard's name for a status says too little: a title, and what it means.
TEXTS = {
    400: (_("Bad request"), _("The server could not make sense of what was sent.")),
    403: (
        _("Not allowed"),
        _("You may not see this page or do this. Perhaps you are logged in with another account."),
    ),
    404: (
        _("Page not found"),
        _("There is nothing at this address, or it is not yours to see."),
    ),
    405: (
        _("Method not allowed"),
        _("This address exists, but cannot be used in this way."),
    ),
    413: (_("Too large"), _("More was sent than the server accepts.")),
    429: (
        _("Too many requests"),
        _("That was a lot in a short time. Wait a few minutes, then go on."),
    ),
    500: (
        _("Something went wrong"),
        _("The fault is ours, not yours. It has been written to the server’s log."),
    ),
    503: (
        _("No reports at the moment"),
        _(
            "The database of visits and events does not answer. Hits are collected all the same, "
            "and nothing is lost: reload the page in a while."
        ),
    ),
}
CSRF_DETAIL = _(
    "For your safety the form was not accepted: it had been open for too long, or the browser "
    "did not send our cookie. Go back, reload the page and send the form again."
)
UNKNOWN_HOST = _(
    "This server is not known by the name %(host)s. Whoever runs it can set BASE_URL or "
    "ALLOWED_HOSTS."
)


def error_response(request: HttpRequest, status: int, detail: str = "") -> HttpResponse:
    """A page, or JSON for who prefers that.

    Made without the request's user, session or anything else that reads the database: it
    must not fail in its turn.
    """
    title, usual_detail = TEXTS.get(
        status, (responses.get(status, gettext("Error")), _("The server refused this request."))
    )
    error = {"status": status, "title": str(title), "detail": detail or str(usual_detail)}
    response: HttpResponse
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        response = JsonResponse({"error": error}, status=status)
    else:
        template = loader.select_template([f"errors/{status}.html", "errors/base.html"])
        response = HttpResponse(
            template.render({"error": error, "is_usual": not detail, **theme(request)}),
            status=status,
        )
    patch_vary_headers(response, ["Accept"])
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, DisallowedHost):
        host = request.META.get("HTTP_HOST", request.META["SERVER_NAME"])
        detail = str(UNKNOWN_HOST) % {"host": split_domain_port(host)[0] or host}
        response = error_response(request, 400, detail)
        logger.warning("Bad request: %s", exception)
    else:
        response = error_response(request, 413 if isinstance(exception, RequestDataTooBig) else 400)
        logger.warning("Bad request: %s", exception, exc_info=exception)
    # Django would log it once more, and what it calls suspicious (any scanner's made-up host
    # name) as an error.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, 403, str(exception))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_response(request, 403, str(CSRF_DETAIL))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, 404)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    response = error_response(request, 429)
    response["Retry-After"] = "60"  # the limits of allauth's views are all for a minute
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    try:
        return error_response(request, 500)
    except Exception:
        # Not even the page can be made: a template or the collected static files are missing.
        logger.exception("The page for errors failed.")
        title, detail = TEXTS[500]
        page = format_html("<!doctype html><title>{0}</title><h1>{0}</h1><p>{1}", title, detail)
        return HttpResponse(page, status=500)


class ErrorPageMiddleware:
    """Gives a page to bare refusals, as of a view that does not take the request's method; and
    to reports that cannot be made now."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if (
            400 <= response.status_code < 500
            and isinstance(response, HttpResponse)
            and not response.content
            and request.get_preferred_type(["text/html", "application/json"])
        ):
            page = error_response(request, response.status_code)
            response.content = page.content
            response["Content-Type"] = page["Content-Type"]
            patch_vary_headers(response, ["Accept"])
        return response

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        if not is_clickhouse_away(exception):
            return None
        logger.error("Visits and events cannot be read: %s", first_line(exception))
        response = error_response(request, 503)
        response["Retry-After"] = "30"
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response


def first_line(exception: Exception) -> str:
    """Without the trace of a server."""
    return " ".join(str(exception).partition(" Stack trace:")[0].split())
