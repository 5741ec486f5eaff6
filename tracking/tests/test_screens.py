"""The pages of reports in a browser: light, for everyone, and alive."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tracking.tests.service import Service, service
from tracking.tests.test_browser import CHROMIUM, QUIET, Watch

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(
        not CHROMIUM, reason="There is no Chromium here (on Debian: apt install chromium)."
    ),
]
MOST_BYTES = 80_000  # of the first load of a dashboard, all in all
EMAIL, PASSWORD = "olive@example.com", "correct horse"
SITE, EMPTY = "/sites/1/", "/sites/2/"
PAGES = [
    "/",
    SITE,
    f"{SITE}?period=today&places=country&sources=utm_campaign&f=country,is,DE&f=page,contains,a",
    f"{SITE}?period=custom&first=2026-03-02&last=2026-03-01",
    f"{SITE}realtime/",
    f"{SITE}report/page/",
    f"{SITE}report/country/?q=nothing",
    f"{SITE}filter/?dimension=country",
    f"{SITE}segments/add/?f=page,is,/",
    f"{SITE}notes/add/",
    f"{SITE}visits/",
    f"{SITE}visits/?f=country,is,DE",
    f"{SITE}install/",
    f"{SITE}settings/",
    f"{SITE}delete/",
    f"{SITE}filtered/",
    f"{SITE}crawlers/",
    EMPTY,
    f"{EMPTY}realtime/",
    f"{EMPTY}visits/",
    "/sites/add/",
    "/account/profile/",
    "/account/two-factor/",
    "/nothing/",
]
BACK_OFFICE = [
    "/admin/",
    "/admin/health/",
    "/admin/tracking/visit/",
    "/admin/tracking/event/",
    "/admin/tracking/excludedhit/",
    "/admin/tracking/site/",
    "/admin/tracking/site/1/change/",
    "/admin/tracking/queuefile/",
    "/admin/tracking/salt/",
    "/admin/accounts/user/",
    "/admin/admin/logentry/",
]
PUBLIC = ["/", "/account/login/", "/account/signup/", "/account/password/reset/"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A site with some thousand events, and one without."""
    with service(tmp_path_factory.mktemp("screens") / "data") as started:
        started.manage("createsuperuser", "--noinput", "--email", EMAIL)
        started.manage("seed_demo", "--events", "6000", "--days", "40")
        started.manage("add_site", "empty.example.com", "--owner", EMAIL)
        started.manage("collectstatic", "--noinput", "--verbosity", "0")
        started.start_web()
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="module")
def cookies(running: Service, browser: Browser) -> list[dict[str, object]]:
    context = browser.new_context(base_url=running.url)
    page = context.new_page()
    page.goto("/account/login/")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button").click()
    page.wait_for_url("**/")
    return context.cookies()  # type: ignore[return-value]


def context_of(
    browser: Browser, running: Service, cookies: list[dict[str, object]], **options: object
) -> BrowserContext:
    context = browser.new_context(base_url=running.url, **options)  # type: ignore[arg-type]
    context.add_cookies(cookies)  # type: ignore[arg-type]
    return context


@pytest.fixture
def page(running: Service, browser: Browser, cookies: list[dict[str, object]]) -> Iterator[Page]:
    """Signed in; whatever it complains of fails the test."""
    context = context_of(browser, running, cookies, viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    watch = Watch(opened, running.url)
    yield opened
    context.close()
    assert watch.faults == []


def violations(page: Page, *without: str) -> list[str]:
    rules = {rule: {"enabled": False} for rule in without}
    found = Axe().run(page, options={"rules": rules}).response["violations"]
    return [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_can_be_used_by_everyone(
    running: Service, browser: Browser, cookies: list[dict[str, object]], scheme: str
) -> None:
    faults: dict[str, list[str]] = {}
    for paths, signed_in in ((PAGES, cookies), (PUBLIC, [])):
        for width in (390, 1280):
            context = context_of(
                browser,
                running,
                signed_in,
                color_scheme=scheme,
                viewport={"width": width, "height": 900},
            )
            opened = context.new_page()
            for path in paths:
                opened.goto(path)
                if found := violations(opened):
                    faults[f"{path} at {width}"] = found
                if opened.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    faults.setdefault(f"{path} at {width}", []).append("wider than the window")
            context.close()
    assert faults == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_back_office_can_be_used_by_everyone(
    running: Service, browser: Browser, cookies: list[dict[str, object]], scheme: str
) -> None:
    context = context_of(browser, running, cookies, color_scheme=scheme)
    opened = context.new_page()
    faults: dict[str, list[str]] = {}
    for path in BACK_OFFICE:
        opened.goto(path)
        # unfold's scroll bars call each of their regions the same.
        if found := violations(opened, "landmark-unique"):
            faults[path] = found
    context.close()
    assert faults == {}


def test_dialogs_can_be_used_by_everyone(page: Page) -> None:
    page.goto(SITE)
    page.locator("#filter-add").click()
    expect(page.locator("dialog h2")).to_have_text("Filter")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("dialog h2")).to_have_text("Keyboard shortcuts")
    assert violations(page) == []


def test_the_first_load_is_light(page: Page) -> None:
    sizes: dict[str, int] = {}

    def weigh(request: object) -> None:
        size = request.sizes()  # type: ignore[attr-defined]
        sizes[request.url] = size["responseBodySize"] + size["responseHeadersSize"]  # type: ignore[attr-defined]

    page.on("requestfinished", weigh)
    page.goto(SITE, wait_until="networkidle")
    page.wait_for_timeout(200)
    assert sum(sizes.values()) <= MOST_BYTES, sizes
    assert len(sizes) > 5


def test_a_click_on_a_row_filters_and_the_back_button_takes_it_back(page: Page) -> None:
    page.goto(f"{SITE}?period=7d")
    row = page.locator(".panel-devices .bar-label").first
    label = row.inner_text()
    row.click()
    expect(page.locator(".chip-text")).to_have_text(f"Browser is {label}")
    assert page.url.endswith(f"?period=7d&f=browser,is,{label}")
    page.go_back()
    expect(page.locator(".chip-text")).to_have_count(0)
    expect(page.locator(".panel-devices .bar-label").first).to_be_visible()
    assert page.url.endswith("?period=7d")


def test_tabs_stay_chosen(page: Page) -> None:
    page.goto(SITE)
    page.locator("#panel-sources-source").click()
    expect(page.locator(".panel-sources thead th").first).to_have_text("Source")
    page.locator("#figure-pageviews").click()
    expect(page.locator(".chart-title")).to_have_text("Pageviews by day")
    page.locator("#panel-places-country").click()
    expect(page.locator(".panel-places thead th").first).to_have_text("Country")
    page.keyboard.press("w")
    expect(page.locator("#periods")).to_contain_text("Last 7 days")
    expect(page.locator(".panel-sources thead th").first).to_have_text("Source")
    expect(page.locator(".panel-places thead th").first).to_have_text("Country")
    expect(page.locator(".chart-title")).to_have_text("Pageviews by day")
    parts = set(page.url.partition("?")[2].split("&"))
    assert parts == {"sources=source", "metric=pageviews", "places=country", "period=7d"}


def test_the_chart_is_read_by_keys_and_by_pointer(page: Page) -> None:
    page.goto(f"{SITE}?period=7d")
    plot = page.locator("[data-plot]")
    plot.focus()
    page.keyboard.press("Home")
    first = (datetime.now(UTC) - timedelta(days=6)).strftime("%A %-d %B %Y")
    expect(page.locator("[data-readout] [data-name]")).to_have_text(first)
    page.keyboard.press("ArrowRight")
    expect(plot).to_have_attribute("aria-valuenow", "1")
    box = plot.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 20)
    expect(plot).to_have_attribute("aria-valuenow", "6")


def test_a_filter_is_added_in_the_dialog(page: Page) -> None:
    page.goto(SITE)
    page.locator("#filter-add").click()
    page.get_by_label("What", exact=True).select_option("country")
    page.get_by_role("checkbox", name="Germany").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".chip-text")).to_have_text("Country is Germany")
    expect(page.locator("dialog")).to_be_hidden()
    assert page.url.endswith("?f=country,is,DE")


def test_the_focus_stays_near_what_was_done(page: Page) -> None:
    """A part of the page that is swapped away takes the focus with it."""
    page.goto(SITE)
    page.locator(".panel-pages .bar-label").first.press("Enter")
    expect(page.locator("#panel-pages-title")).to_be_focused()
    page.locator(".chip-remove").press("Enter")
    expect(page.locator("#filter-add")).to_be_focused()
    page.locator("#periods").press("Enter")
    page.locator(".periods a").first.press("Enter")
    expect(page.locator("#periods")).to_be_focused()
    page.locator("#filter-add").press("Enter")
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Apply").press("Enter")
    expect(page.locator("dialog")).to_be_hidden()
    expect(page.locator("#filter-add")).to_be_focused()


@pytest.mark.parametrize("width", [390, 768])
def test_whole_lists_name_their_rows_on_small_screens(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for dimension in ("page", "country"):
        page.goto(f"{SITE}report/{dimension}/")
        for place in (".list-table tbody th", ".list-table tbody td >> nth=0"):
            box = page.locator(place).first.bounding_box()
            assert box
            assert box["x"] + box["width"] <= width
        name = page.locator(".list-table tbody th").first.bounding_box()
        assert name
        assert name["width"] > 150


def test_a_note_stands_on_the_chart(page: Page) -> None:
    page.goto(f"{SITE}?period=7d")
    page.locator("[data-note-add]").click()
    page.get_by_role("textbox", name="Note").fill("New prices")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".noted-mark")).to_have_count(1)
    page.locator(".notes-list summary").click()
    page.locator(".notes-list a").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".noted-mark")).to_have_count(0)


def test_the_map_filters(page: Page) -> None:
    page.goto(SITE)
    shape = page.locator('[data-href$="country,is,US"]')
    shape.dispatch_event("pointerover", {"bubbles": True})
    expect(page.locator("#tip")).to_contain_text("United States")
    shape.dispatch_event("click")
    expect(page.locator(".chip-text")).to_have_text("Country is United States")
    page.go_back()
    expect(page.locator(".chip-text")).to_have_count(0)


def test_colours_change_at_once_and_stay(page: Page) -> None:
    page.goto(SITE)
    page.get_by_role("button", name="Dark").click()
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(15, 17, 21)"
    page.reload()
    assert page.evaluate(background) == "rgb(15, 17, 21)"


def test_without_scripts_links_and_forms_do_the_same(
    running: Service, browser: Browser, cookies: list[dict[str, object]]
) -> None:
    context = context_of(browser, running, cookies, java_script_enabled=False)
    page = context.new_page()
    page.goto(SITE)
    page.locator("#panel-sources-source").click()
    expect(page.locator(".panel-sources thead th").first).to_have_text("Source")
    page.locator("#filter-add").click()
    page.get_by_label("What", exact=True).select_option("country")
    page.get_by_role("button", name="Show values").click()
    page.get_by_role("checkbox", name="Germany").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".chip-text")).to_have_text("Country is Germany")
    assert "sources=source" in page.url
    page.get_by_text("Show as a table").click()
    expect(page.locator("[data-intervals] tr").last).to_be_visible()
    context.close()


def test_what_goes_on_now_refreshes_without_a_flicker(running: Service, page: Page) -> None:
    page.goto(f"{SITE}realtime/")
    expect(page.locator("[data-live]")).to_have_attribute("hx-trigger", re.compile("every 10s"))
    page.evaluate("document.querySelector('.live').dataset.old = 'yes'")
    expect(page.locator(".live[data-old]")).to_have_count(0, timeout=15_000)
    expect(page.locator(".live-count")).to_be_visible()
