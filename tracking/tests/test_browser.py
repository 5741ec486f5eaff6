"""From an empty folder to the first visit on the dashboard, as a person in a browser sees it."""

import http.server
import json
import os
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tracking.tests.service import Installation, started, wait_for

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(
        not CHROMIUM,
        reason="There is no Chromium here (on Debian: apt install chromium).",
    ),
]
# Headless Chromium says so in its User-Agent, and is left out as the bot that it is.
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright runs an event loop in this thread, which Django takes for a mistake.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        # Beacons of a page that is left have the browser's own name, not that of the context.
        yield playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*QUIET, f"--user-agent={AGENT}"]
        )
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with started(tmp_path / "data") as running:
        yield running


@pytest.fixture
def website(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder of pages, served at an origin of its own."""
    pages = tmp_path / "pages"
    pages.mkdir()
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=pages)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield pages, f"http://localhost:{server.server_port}"
        server.shutdown()


class Watch:
    """Notes what must not happen on our pages: console errors, requests to other hosts."""

    def __init__(self, page: Page, origin: str) -> None:
        self.origin = origin
        self.faults: list[str] = []
        page.on("console", self.console)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self.request)

    def console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(message.text)

    def request(self, request: Request) -> None:
        if not request.url.startswith((self.origin, "data:")):
            self.faults.append(request.url)


def test_first_visit(
    installation: Installation, website: tuple[Path, str], browser: Browser
) -> None:
    folder, origin = website
    owner = browser.new_context().new_page()
    watch = Watch(owner, installation.url)

    owner.goto(installation.setup_link())
    owner.get_by_label("Name").fill("Olive Owner")
    owner.get_by_label("E-mail").fill("olive@example.com")
    owner.get_by_label("Password", exact=True).fill("a very long secret")
    owner.get_by_role("main").get_by_role("button").click()
    owner.get_by_role("link", name="Add a site").first.click()
    owner.get_by_label("Domain").fill("https://Localhost/some/page")
    owner.get_by_role("main").get_by_role("button").click()
    expect(owner.locator("main")).to_contain_text("Waiting for the first visit")
    snippet = owner.locator("main pre").first.inner_text()
    waiting = [owner.context.new_page() for _ in range(2)]
    for page, name in zip(waiting, ("", "visits/"), strict=True):
        page.goto(f"{installation.url}/sites/1/{name}")
        expect(page.locator("main")).to_contain_text("No visit yet")

    (folder / "index.html").write_text(f"<!doctype html><title>Home</title>{snippet}<p>Hello")
    visitor = browser.new_context(user_agent=AGENT).new_page()
    # Nobody signs up within the milliseconds in which two hits might change places.
    with visitor.expect_response(f"{installation.url}/t/*"):
        visitor.goto(f"{origin}/index.html?utm_source=newsletter")
    visitor.evaluate("history.pushState({}, '', '/about')")
    visitor.evaluate("tracking('Sign-up')")

    expect(owner.locator("main")).to_contain_text("It works", timeout=3000)
    dashboard, log = waiting
    expect(dashboard.locator(".figures").first).to_be_visible(timeout=3000)
    expect(log.locator(".visit-list").first).to_be_visible(timeout=3000)
    owner.goto(f"{installation.url}/sites/1/?sources=source&devices=device")
    panels = {
        panel.get_by_role("heading").inner_text(): panel.locator("tbody th").all_inner_texts()
        for panel in owner.locator(".panel").all()
    }
    assert panels["Pages"] == ["/about", "/index.html"]
    assert panels["Events"] == ["Sign-up"]
    assert panels["Sources"] == ["newsletter"]
    assert panels["Devices"] == ["Desktop"]
    owner.goto(f"{installation.url}/sites/1/visits/")
    owner.locator(".visit-row", has_text="/index.html").click()
    expect(owner.locator(".timeline li")).to_have_count(3)
    expect(owner.locator(".timeline")).to_contain_text("Sign-up")
    assert watch.faults == []

    owner.goto(f"{installation.url}/admin/tracking/visit/")
    expect(owner.locator("#result_list tbody tr")).to_have_count(1)
    expect(owner.locator("#result_list")).to_contain_text("/index.html")
    assert watch.faults == []


def test_a_page_without_scripts_is_counted_by_its_pixel(
    installation: Installation, website: tuple[Path, str], browser: Browser
) -> None:
    folder, origin = website
    installation.manage("createsuperuser", "--noinput", "--email", "olive@example.com")
    snippet = installation.manage("add_site", "localhost", "--owner", "olive@example.com")
    snippet = snippet[snippet.index("<") :]
    (folder / "plain.html").write_text(f"<!doctype html><title>Plain</title>{snippet}")
    page = browser.new_context(user_agent=AGENT, java_script_enabled=False).new_page()
    page.goto(f"{origin}/plain.html")
    pages = "SELECT text FROM tracking_event JOIN tracking_label ON tracking_label.id = page_id"
    stored = wait_for(lambda: installation.rows(pages))
    assert set(stored) == {("/plain.html",)}


FIGURES = """
from django.utils import timezone
from tracking.models import Site
from tracking.reporting.period import Period, Preset
from tracking.reporting.query import Query, answer
site = Site.objects.get()
period = Period.of(Preset.TODAY, site.zone, timezone.now())
for row in answer(Query((site,), period, ("time_on_page", "scroll_depth"), ("page",))):
    print(*row.key, row["time_on_page"], row["scroll_depth"])
"""


def test_how_long_and_how_far_a_page_is_read_is_reported(
    installation: Installation, website: tuple[Path, str], browser: Browser
) -> None:
    folder, origin = website
    installation.manage("createsuperuser", "--noinput", "--email", "olive@example.com")
    snippet = installation.manage("add_site", "localhost", "--owner", "olive@example.com")
    snippet = snippet[snippet.index("<") :]
    long = f"<!doctype html><title>Long</title>{snippet}<div style='height: 3000px'>Long"
    (folder / "long.html").write_text(long)
    page = browser.new_context(
        user_agent=AGENT, viewport={"width": 800, "height": 600}, locale="de-DE"
    ).new_page()
    page.goto(f"{origin}/long.html")
    page.evaluate("scrollTo(0, 900)")
    page.wait_for_timeout(1500)
    page.evaluate("tracking('Read', {props: {part: 1}, revenue: 2.5, currency: 'EUR'})")
    page.goto("about:blank")
    wait_for(lambda: installation.rows("SELECT 1 FROM tracking_event WHERE scroll > 0"))
    path, seconds, depth = installation.manage("shell", "-v0", "-c", FIGURES).split()
    assert (path, float(depth)) == ("/long.html", 0.5)
    assert 1.5 <= float(seconds) < 10
    titles = "SELECT text FROM tracking_event JOIN tracking_label ON tracking_label.id = title_id"
    assert installation.rows(titles) == [("Long",), ("Long",)]
    said = "SELECT props, revenue, currency FROM tracking_event WHERE revenue > 0"
    ((props, revenue, currency),) = installation.rows(said)
    if isinstance(props, str):  # PostgreSQL's driver reads JSON by itself
        props = json.loads(props)
    assert (props, float(revenue), currency) == ({"part": "1"}, 2.5, "EUR")
    language = "SELECT text FROM tracking_visit JOIN tracking_label ON tracking_label.id = {}"
    for column, text in (("language_id", "de-DE"), ("screen_id", "800x600")):
        assert installation.rows(language.format(column)) == [(text,)]
