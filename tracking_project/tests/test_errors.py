import json
import logging
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseNotAllowed,
    StreamingHttpResponse,
)
from django.test import Client
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from tracking_project import errors


def refuse(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def suspect(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("not with me")


def fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("out of order")


def bare(request: HttpRequest, status: int) -> HttpResponse:
    return HttpResponse(status=status)


def spoken(request: HttpRequest) -> HttpResponse:
    return HttpResponseBadRequest("This is why.", content_type="text/plain")


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"gone"]), status=410)


@csrf_exempt
def get_only(request: HttpRequest) -> HttpResponse:
    return HttpResponseNotAllowed(["GET", "HEAD"])


def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    path("refuse/", refuse),
    path("suspect/", suspect),
    path("fail/", fail),
    path("bare/<int:status>/", bare),
    path("spoken/", spoken),
    path("streamed/", streamed),
    path("get-only/", get_only),
    path("form/", form),
    path("", include("tracking_project.urls")),
]
handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.page_not_found
handler429 = errors.too_many_requests
handler500 = errors.server_error

pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False, enforce_csrf_checks=True)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


CASES = [
    ("get", "/suspect/", 400, "Bad request"),
    ("get", "/refuse/", 403, "Not allowed"),
    ("post", "/form/", 403, "Not allowed"),
    ("get", "/nowhere/", 404, "Page not found"),
    ("get", "/bare/404/", 404, "Page not found"),
    ("post", "/get-only/", 405, "Method not allowed"),
    ("get", "/bare/413/", 413, "Too large"),
    ("get", "/bare/429/", 429, "Too many requests"),
    ("get", "/bare/410/", 410, "Gone"),
    ("get", "/bare/499/", 499, "Error"),
    ("get", "/fail/", 500, "Something went wrong"),
]


@pytest.mark.parametrize(("method", "url", "status", "title"), CASES)
def test_every_error_has_a_page_with_a_way_onward(
    client: Client, method: str, url: str, status: int, title: str
) -> None:
    # Without the database: this test has no access to one.
    response = getattr(client, method)(url, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (response.status_code, response["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert f"<h1>{title}</h1>" in response.text
    assert f"Error {status}" in response.text
    assert '<a class="button" href="/">Start page</a>' in response.text
    assert "default-src 'none'" in response["Content-Security-Policy"]


@pytest.mark.parametrize(("method", "url", "status", "title"), CASES)
def test_who_prefers_json_gets_json(
    client: Client, method: str, url: str, status: int, title: str
) -> None:
    response = getattr(client, method)(url, headers={"Accept": "application/json"})
    assert (response.status_code, response["Content-Type"]) == (status, "application/json")
    error = json.loads(response.content)["error"]
    assert (error["status"], error["title"]) == (status, title)
    assert list(error) == ["status", "title", "detail"]
    assert "Accept" in response["Vary"]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "text/html; charset=utf-8"),
        ("application/json, text/html;q=0.5", "application/json"),
        ("text/html, application/json;q=0.5", "text/html; charset=utf-8"),
        ("image/png", "text/html; charset=utf-8"),
    ],
)
def test_the_preference_decides(client: Client, accept: str, content_type: str) -> None:
    assert client.get("/nowhere/", headers={"Accept": accept})["Content-Type"] == content_type


def test_a_page_for_an_image_would_be_wasted(client: Client) -> None:
    assert client.get("/bare/404/", headers={"Accept": "image/png"}).content == b""


def test_a_405_still_says_what_is_allowed(client: Client) -> None:
    assert client.post("/get-only/")["Allow"] == "GET, HEAD"


def test_a_form_beyond_what_the_server_takes_is_too_large(
    client: Client, settings: Settings, logged: pytest.LogCaptureFixture
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    client.cookies[settings.CSRF_COOKIE_NAME] = "x" * 32
    response = client.post("/form/", {"field": "more than that"})
    assert response.status_code == 413
    assert "<h1>Too large</h1>" in response.text
    assert [record.levelname for record in logged.records] == ["WARNING"]


def test_an_answer_with_words_of_its_own_keeps_them(client: Client) -> None:
    assert client.get("/spoken/").content == b"This is why."
    assert client.get("/streamed/").getvalue() == b"gone"


def test_a_refused_form_says_how_to_send_it_again(client: Client) -> None:
    assert "Go back, reload the page and send the form again." in client.post("/form/").text


@pytest.mark.django_db
def test_error_pages_ask_the_database_for_nothing_but_the_person(
    owner_client: Client, owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):  # session and user, for the time zone
        response = owner_client.get("/nowhere/")
    assert owner.email not in response.text


def test_the_500_page_stands_without_templates_and_static_files(
    client: Client, settings: Settings
) -> None:
    settings.TEMPLATES = [
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": []}
    ]
    response = client.get("/fail/")
    assert response.status_code == 500
    assert "<h1>Something went wrong</h1>" in response.text


@pytest.mark.filterwarnings("ignore:No directory at")
def test_the_500_page_stands_without_collected_static_files(
    client: Client, settings: Settings
) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    settings.STATIC_ROOT = settings.DATA_DIR / "empty"
    assert "<h1>Something went wrong</h1>" in client.get("/fail/").text


def test_an_attempt_too_many_is_a_page_too(client: Client, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    client = Client()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("allauth.core.internal.ratelimit.consume", lambda *args, **kwargs: None)
        response = client.post("/account/login/", {})
    assert (response.status_code, response["Retry-After"]) == (429, "60")
    assert "<h1>Too many requests</h1>" in response.text


def entries(logged: pytest.LogCaptureFixture) -> list[tuple[str, str, Any]]:
    """(level, message, class of the exception) of what a reader of the log would see."""
    return [
        (record.levelname, record.getMessage(), record.exc_info and record.exc_info[0])
        for record in logged.records
    ]


@pytest.mark.parametrize(
    ("method", "url", "entry"),
    [
        ("get", "/suspect/", ("WARNING", "Bad request: not with me", SuspiciousOperation)),
        (
            "get",
            "/refuse/",
            ("WARNING", "Forbidden (Permission denied): /refuse/", PermissionDenied),
        ),
        ("post", "/form/", ("WARNING", "Forbidden (CSRF cookie not set.): /form/", None)),
        ("post", "/get-only/", ("WARNING", "Method Not Allowed: /get-only/", None)),
        ("get", "/bare/429/", ("WARNING", "Too Many Requests: /bare/429/", None)),
        ("get", "/fail/", ("ERROR", "Internal Server Error: /fail/", RuntimeError)),
    ],
)
def test_errors_are_logged_once_with_their_reason(
    client: Client, logged: pytest.LogCaptureFixture, method: str, url: str, entry: Any
) -> None:
    getattr(client, method)(url)
    assert entries(logged) == [entry]


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("192.168.1.5:8000", "192.168.1.5"),
        ("evil.example.net", "evil.example.net"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_an_unknown_host_name_is_a_line_of_the_log_and_a_page_that_says_what_to_set(
    client: Client, logged: pytest.LogCaptureFixture, host: str, name: str
) -> None:
    response = client.get("/", headers={"Host": host})
    assert response.status_code == 400
    assert (
        f"<p>This server is not known by the name {name}. Whoever runs it can set BASE_URL or "
        "ALLOWED_HOSTS.</p>"
    ) in response.text
    assert "try it once more" not in response.text
    [(level, message, exception)] = entries(logged)
    assert (level, exception) == ("WARNING", None)
    assert message.startswith(f"Bad request: Invalid HTTP_HOST header: '{host}'.")


@pytest.mark.parametrize("url", ["/nowhere/", "/bare/404/"])
def test_missing_pages_are_not_logged(
    client: Client, logged: pytest.LogCaptureFixture, url: str
) -> None:
    assert client.get(url).status_code == 404
    assert entries(logged) == []


def test_the_style_sheets_of_the_pages_exist(client: Client) -> None:
    page = client.get("/nowhere/").text
    sheets = [part.split('"')[0] for part in page.split('rel="stylesheet" href="/static/')[1:]]
    assert sheets
    assert [sheet for sheet in sheets if not finders.find(sheet)] == []
