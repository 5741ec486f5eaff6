"""Pages that the tracking script runs in: fixtures of the tests of it, which import them."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tracking.tests.website import AGENT, CHROMIUM, NAMES, QUIET, Website, website

NEEDS_CHROMIUM = [
    pytest.mark.service,
    pytest.mark.skipif(
        not CHROMIUM, reason="There is no Chromium here (on Debian: apt install chromium)."
    ),
]
# Tabs of a headless browser are always visible and in focus, unless they say otherwise.
HIDE = """
    const {get} = Object.getOwnPropertyDescriptor(Document.prototype, "hidden");
    Object.defineProperty(document, "hidden", {get: () => self.isHidden || get.call(document)});
    document.hasFocus = () => !self.isHidden && !self.isBlurred;
    self.hide = (hidden) => {
        self.isHidden = hidden;
        document.dispatchEvent(new Event("visibilitychange", {bubbles: true}));
    };
    self.blurred = (blurred) => {
        self.isBlurred = blurred;
        dispatchEvent(new Event(blurred ? "blur" : "focus"));
    };
"""
# Nothing is sent while somebody tests that nothing is sent: an event afterwards tells.
PROOF = "tracking('Proof', {url: '/proof'})"


@pytest.fixture(name="browser", scope="module")
def new_browser() -> Iterator[Browser]:
    # Playwright runs an event loop in this thread, which Django takes for a mistake.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*QUIET, NAMES],
            ignore_default_args=["--disable-back-forward-cache"],
        )
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(name="site")
def new_site() -> Iterator[Website]:
    with website() as running:
        yield running


@pytest.fixture(name="page")
def new_page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        user_agent=AGENT, viewport={"width": 1000, "height": 600}, locale="de-DE"
    )
    page = context.new_page()
    page.add_init_script(HIDE)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert faults == []
