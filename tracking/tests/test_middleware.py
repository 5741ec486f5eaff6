"""The middleware, by itself and in another Django project that is served for real."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import ResolverMatch
from pytest_django import Settings

from tracking import middleware
from tracking.client import Client
from tracking.middleware import PageviewMiddleware, event
from tracking.tests.batches import Batches, batches
from tracking.tests.service import GRANIAN, Service, free_port, service, wait_for

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class Noted(Client):
    """Sends nothing, and notes what it would."""

    def __init__(self) -> None:
        self.hits: list[dict[str, Any]] = []

    def _keep(self, hit: dict[str, Any]) -> None:
        self.hits.append(hit)


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    client = Noted()
    monkeypatch.setattr(middleware, "client", lambda: client)
    return client.hits


def get(path: str = "/user/42?utm_source=mail&token=s", **headers: str) -> HttpRequest:
    request = RequestFactory().get(
        path, headers={"User-Agent": AGENT, "Host": "shop.example", **headers}
    )
    request.resolver_match = ResolverMatch(
        lambda: None, (), {"id": 42, "slug": "größe"}, route="user/<int:id>/<slug:slug>"
    )
    return request


def visit(request: HttpRequest, response: HttpResponse | None = None) -> None:
    response = response or HttpResponse("<title>A page</title>")
    assert PageviewMiddleware(lambda request: response)(request) is response


def test_a_page_view(noted: list[dict[str, Any]], settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]
    visit(get(Referer="https://a.example/", **{"Accept-Language": "de-DE,de;q=0.8"}))
    assert noted == [
        {
            "event": "pageview",
            "url": "http://shop.example/user/42?utm_source=mail",
            "page": "/user/<id>/<slug>",
            "ip": "127.0.0.1",
            "user_agent": AGENT,
            "referrer": "https://a.example/",
            "language": "de-DE",
        }
    ]


@pytest.mark.parametrize(
    ("headers", "counted"),
    [
        ({}, True),
        ({"Sec-Fetch-Dest": "document"}, True),
        ({"Sec-Fetch-Dest": "empty"}, False),
        ({"Sec-Fetch-Dest": "iframe"}, False),
        ({"Sec-Fetch-Dest": "empty", "HX-Request": "true"}, False),
        ({"Sec-Fetch-Dest": "empty", "HX-Request": "true", "HX-Boosted": "true"}, True),
        ({"HX-Request": "true"}, False),
        ({"Sec-Fetch-Dest": "empty", "X-Turbo-Request-Id": "1"}, True),
        ({"Sec-Fetch-Dest": "empty", "X-Turbo-Request-Id": "1", "Turbo-Frame": "cart"}, False),
        ({"X-Requested-With": "XMLHttpRequest"}, False),
        ({"Sec-Purpose": "prefetch"}, False),
        ({"User-Agent": ""}, False),
    ],
)
def test_only_what_somebody_went_to_counts(
    noted: list[dict[str, Any]], settings: Settings, headers: dict[str, str], counted: bool
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    visit(get(**headers))
    assert len(noted) == counted


@pytest.mark.parametrize(
    ("response", "counted"),
    [
        (HttpResponse("", content_type="text/html"), True),
        (HttpResponse("", status=404), False),
        (HttpResponse("", status=302), False),
        (HttpResponse("", status=500), False),
        (HttpResponse("", status=304, headers={"Content-Type": ""}), True),
        (HttpResponse("", content_type="application/json"), False),
        (HttpResponse("", headers={"Content-Disposition": "attachment; filename=a.html"}), False),
    ],
)
def test_only_pages_count(
    noted: list[dict[str, Any]], settings: Settings, response: HttpResponse, counted: bool
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    visit(get(Accept="text/html,*/*"), response)
    assert len(noted) == counted


def test_a_picture_that_has_not_changed_is_no_page(noted: list[dict[str, Any]]) -> None:
    visit(get(Accept="image/*"), HttpResponse(status=304))
    post = get()
    post.method = "POST"
    visit(post)
    assert noted == []


@pytest.mark.parametrize(
    ("route", "parameters", "page"),
    [
        ("", {}, "/"),
        ("about/", {}, "/about/"),
        ("c++/", {}, "/c++/"),
        ("user/<int:id>", {"id": 42}, "/user/<id>"),
        ("<slug:slug>/<uuid:key>/", {"slug": "größe", "key": 1}, "/<slug>/<key>/"),
        (r"^articles/(?P<year>[0-9]{4})/$", {"year": "2026"}, "/articles/<year>/"),
        (r"blog/^(?P<year>[0-9]{4})/(?:page-([0-9]+))?$", {"year": "2026"}, "/blog/<year>/"),
        (r"^((?:[\w\-]+/)*)$", {"path": "products/shoes/"}, ""),
        ("<path:url>", {"url": "a/b"}, ""),
    ],
)
def test_pages_are_grouped_by_their_route(
    noted: list[dict[str, Any]], route: str, parameters: dict[str, Any], page: str
) -> None:
    request = get()
    request.resolver_match = ResolverMatch(lambda: None, (), parameters, route=route)
    assert PageviewMiddleware(HttpResponse).page_of(request) == page


def test_settings_of_the_middleware(noted: list[dict[str, Any]], settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.TRACKING_KEEP = ["slug"]
    settings.TRACKING_EXCLUDE = "/admin/"
    settings.TRACKING_TRUSTED_PROXIES = 2
    visit(get(**{"X-Forwarded-For": "6.6.6.6, 203.0.113.7, 10.0.0.1"}))
    visit(get("/admin/login"))
    settings.TRACKING_EXCLUDE = ["/user/", "/admin/"]
    visit(get())
    (hit,) = noted
    assert (hit["page"], hit["ip"]) == ("/user/<id>/gr%C3%B6%C3%9Fe", "203.0.113.7")


@pytest.mark.parametrize(
    ("proxies", "forwarded", "ip"),
    [
        (0, "6.6.6.6", "127.0.0.1"),
        (1, "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        (1, "203.0.113.7:5678", "203.0.113.7"),
        (1, "[2001:db8::1]:5678", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (3, "6.6.6.6, 203.0.113.7", "127.0.0.1"),
    ],
)
def test_the_visitors_address_is_what_trusted_proxies_say(
    noted: list[dict[str, Any]], settings: Settings, proxies: int, forwarded: str, ip: str
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.TRACKING_TRUSTED_PROXIES = proxies
    visit(get(**{"X-Forwarded-For": forwarded}))
    assert [hit["ip"] for hit in noted] == [ip]


def test_below_a_prefix_the_page_has_it_too(noted: list[dict[str, Any]]) -> None:
    request = get()
    request.META["SCRIPT_NAME"] = "/shop/"
    assert PageviewMiddleware(HttpResponse).page_of(request) == "/shop/user/<id>/<slug>"


def test_a_page_out_of_a_cache_has_its_route_too(noted: list[dict[str, Any]]) -> None:
    found = []
    for path in ("/sites/42/settings/", "/no/such/page"):
        request = get(path)
        request.resolver_match = None
        found.append(PageviewMiddleware(HttpResponse).page_of(request))
    assert found == ["/sites/<pk>/settings/", ""]


def test_whatever_goes_wrong_the_visitor_gets_the_page(
    noted: list[dict[str, Any]], settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ALLOWED_HOSTS = []
    visit(get(Host="evil.example"))
    assert noted == []
    assert "A page view of /user/42 could not be recorded." in caplog.text


def test_without_settings_it_steps_aside(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    middleware.client.cache_clear()
    with pytest.raises(MiddlewareNotUsed):
        PageviewMiddleware(HttpResponse)
    event(get(), "Order")
    assert "TRACKING_URL" in caplog.text
    settings.TRACKING_URL, settings.TRACKING_TOKEN = "http://localhost:1/t/x", "secret"
    middleware.client.cache_clear()
    assert middleware.client().url == "http://localhost:1/t/x"
    middleware.client.cache_clear()


def test_asynchronous_projects(noted: list[dict[str, Any]], settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("page")

    response = asyncio.run(PageviewMiddleware(view).call_async(get()))
    assert isinstance(response, HttpResponse)
    assert response.content == b"page"
    assert [hit["page"] for hit in noted] == ["/user/<id>/<slug>"]


class Neighbour:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, ip: str = "203.0.113.7", **headers: str) -> requests.Response:
        given = {"User-Agent": AGENT, "X-Forwarded-For": ip, **headers}
        return requests.get(self.url + path, headers=given, timeout=10)

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/data", timeout=2).status_code == 200
        except requests.RequestException:
            return False


@contextmanager
def neighbour(folder: Path, interface: str, url: str, token: str = "secret") -> Iterator[Neighbour]:
    """Another project, with no more of ours than the two files that it copied."""
    package = folder / "tracking"
    package.mkdir()
    (package / "__init__.py").touch()
    here = Path(__file__).parent
    for file in (here.parent / "client.py", here.parent / "middleware.py"):
        shutil.copy(file, package)
    shutil.copy(here / "neighbour/project.py", folder)
    port = free_port()
    process = subprocess.Popen(
        [GRANIAN, "--interface", interface, "--port", str(port), f"project:{interface[:4]}"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "TRACKING_URL": url, "TRACKING_TOKEN": token},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        running = Neighbour(port)
        wait_for(running.answers)
        yield running
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def server() -> Iterator[Batches]:
    with batches() as running:
        yield running


interfaces = pytest.mark.parametrize("interface", ["wsgi", "asginl"])


@pytest.mark.service
@interfaces
def test_another_project_reports_its_pages(tmp_path: Path, server: Batches, interface: str) -> None:
    with neighbour(tmp_path, interface, server.url) as project:
        for path in ("/user/42", "/user/7?ref=a&x=1", "/blog/2026/news/", "/admin/", "/data"):
            assert project.get(path).status_code == 200
        assert project.get("/broken").status_code == 500
        assert project.get("/nothing").status_code == 404
        assert project.get("/order", ip="203.0.113.8").status_code == 204
        server.wait(4)
    hits = [(hit["event"], hit["url"], hit.get("page"), hit["ip"]) for hit in server.hits]
    here = project.url
    assert hits == [
        ("pageview", f"{here}/user/42", "/user/<id>", "203.0.113.7"),
        ("pageview", f"{here}/user/7?ref=a", "/user/<id>", "203.0.113.7"),
        ("pageview", f"{here}/blog/2026/news/", "/blog/<year>/<var>/", "203.0.113.7"),
        ("Order", f"{here}/order", None, "203.0.113.8"),
    ]
    assert server.hits[3]["props"] == {"plan": "pro"}
    assert {key for _, key in server.asked} == {"Bearer secret"}


@pytest.mark.service
@interfaces
def test_a_slow_server_slows_nothing(tmp_path: Path, server: Batches, interface: str) -> None:
    server.delay = 3.0
    with neighbour(tmp_path, interface, server.url) as project:
        project.get("/")
        wait_for(lambda: server.asked)
        begin = time.monotonic()
        for _ in range(20):
            assert project.get("/").text == "<title>A page</title>"
        assert time.monotonic() - begin < 2


@pytest.mark.service
@interfaces
def test_a_server_that_is_down_is_not_noticed(tmp_path: Path, interface: str) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/t/0b9b0a2c"
    with neighbour(tmp_path, interface, url) as project:
        begin = time.monotonic()
        for number in range(20):
            assert project.get(f"/user/{number}").status_code == 200
        assert time.monotonic() - begin < 2
        with batches(port) as server:  # and what happened meanwhile is not lost
            assert len(server.wait(20, 30)) == 20


@pytest.mark.service
@interfaces
def test_figures_of_another_project(tmp_path: Path, interface: str) -> None:
    with service(tmp_path / "data") as installation:
        site, token = site_of(installation)
        installation.start_web()
        installation.start_worker()
        (tmp_path / "project").mkdir()
        url = f"{installation.url}/t/{site}"
        with neighbour(tmp_path / "project", interface, url, token) as project:
            for number in range(3):
                project.get(f"/user/{number}", ip=f"203.0.113.{number}")
            project.get("/order", ip="203.0.113.0")
            count = "SELECT count(*) FROM tracking_event"
            wait_for(lambda: installation.rows(count) == [(4,)])
        texts = dict(installation.rows("SELECT id, text FROM tracking_label"))
        visits = installation.rows("SELECT entry_page_id FROM tracking_visit")
        events = installation.rows("SELECT name_id, page_id, revenue FROM tracking_event")
    assert [texts[page] for (page,) in visits] == ["/user/<id>"] * 3
    assert [
        (texts[page], float(revenue))
        for name, page, revenue in events
        if texts.get(name) == "Order"
    ] == [("/order", 19.9)]


def site_of(installation: Service) -> tuple[str, str]:
    """Public id and token of a new site."""
    code = """
        from accounts.models import User
        from tracking.models import Site
        owner = User.objects.create_superuser("olive@example.com", "correct horse")
        site = Site(owner=owner, domain="127.0.0.1")
        token = site.new_token()
        site.save()
        print(site.public_id, token)
    """
    lines = "\n".join(line.strip() for line in code.splitlines())
    public_id, token = installation.manage("shell", "-v0", "-c", lines).split()[-2:]
    return public_id, token


def test_the_two_files_need_nothing_else_of_ours() -> None:
    for file in ("client.py", "middleware.py"):
        source = (Path(middleware.__file__).parent / file).read_text()
        assert "from tracking" not in source
        assert "import tracking" not in source
