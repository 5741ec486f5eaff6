"""What the tracking script takes for a page view, and how it names the page, in a real browser."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tracking.tests.service import wait_for
from tracking.tests.tracked_pages import NEEDS_CHROMIUM, PROOF, new_browser, new_page, new_site  # noqa: F401 (fixtures)
from tracking.tests.website import CHROMIUM, NAMES, QUIET, Website

pytestmark = NEEDS_CHROMIUM


def test_a_page_view_says_all_about_itself(site: Website, page: Page) -> None:
    site.page("/a").page("/", body="<a href=/a>a</a>")
    page.goto(f"{site.url}/?q=secret")
    page.click("a")
    first, second = site.wait(2, "pageview")
    assert first == {
        "event": "pageview",
        "url": f"{site.url}/",
        "page": "/",
        "referrer": "",
        "title": "Page /",
        "screen": "1000x600",
        "language": "de-DE",
    }
    assert (second["page"], second["referrer"]) == ("/a", f"{site.url}/")


def test_history_is_followed_once_per_path(site: Website, page: Page) -> None:
    site.page("/")
    page.goto(site.url)
    page.evaluate("""
        history.pushState({}, "", "/one");
        document.title = "One";
    """)
    assert site.views(2) == ["/", "/one"]
    page.evaluate("history.replaceState({}, '', '/one?filter=1')")
    page.evaluate("location.hash = 'part'")
    page.evaluate("history.replaceState({}, '', '/two')")
    assert site.views(3) == ["/", "/one", "/two"]
    page.evaluate("history.go(-2)")
    assert site.views(4) == ["/", "/one", "/two", "/"]
    views = site.all("pageview")
    assert [view["title"] for view in views] == ["Page /", "One", "One", "One"]
    assert [view["referrer"] for view in views[1:3]] == [f"{site.url}/", f"{site.url}/one"]


def test_a_redirect_inside_the_page_is_one_view(site: Website, page: Page) -> None:
    site.page("/")
    page.goto(site.url)
    page.evaluate("history.pushState({}, '', '/old'); history.replaceState({}, '', '/new')")
    assert site.views(2) == ["/", "/new"]
    assert history_of(page) == 2


def history_of(page: Page) -> int:
    return int(page.evaluate("history.length")) - 1  # an empty tab came first


def test_what_pushes_gets_its_errors(site: Website, page: Page) -> None:
    site.page("/")
    page.goto(site.url)
    push = """() => {
        try {
            history.pushState({}, "", "http://a.example/");
        } catch (error) {
            return error.name;
        }
    }"""
    assert page.evaluate(push) == "SecurityError"
    page.evaluate("history.pushState({number: 7}, '', '/7')")
    assert page.evaluate("history.state.number") == 7
    assert site.views(2) == ["/", "/7"]


def test_hash_routing_on_request(site: Website, page: Page) -> None:
    site.page("/", "data-hash")
    page.goto(f"{site.url}/#/start?token=1")
    page.evaluate("location.hash = '#/next'")
    assert site.views(2) == ["/#/start", "/#/next"]
    page.evaluate("history.back()")
    assert site.views(3) == ["/#/start", "/#/next", "/#/start"]


def test_a_page_that_nobody_sees_yet_waits(site: Website, page: Page) -> None:
    site.page("/", "data-performance")
    page.add_init_script("self.isHidden = true")
    page.goto(site.url)
    page.evaluate("history.replaceState({}, '', '/later')")
    page.evaluate(PROOF)
    site.wait(1, "Proof")
    assert site.all("pageview") == []
    page.evaluate("hide(false)")
    assert site.views(1) == ["/later"]
    page.evaluate("hide(true); hide(false)")
    page.evaluate(PROOF)
    site.wait(2, "Proof")
    assert site.views(1) == ["/later"]
    assert site.all("Performance") == []


def test_a_prerendered_page_counts_when_it_is_shown(site: Website, tmp_path: Path) -> None:
    # Without Playwright, beside which Chromium renders nothing ahead of time.
    site.page("/next")
    site.page(
        "/",
        body="""
            <script type="speculationrules">{"prerender": [{"urls": ["/next"]}]}</script>
            <script>
                setInterval(async () => {
                    if ((await fetch("/go")).ok) location.href = "/next";
                }, 200);
            </script>
        """,
    )
    with chromium(tmp_path, f"{site.url}/"):
        wait_for(lambda: site.asked.count("/next") == 1 and site.asked.count("/t/0b9b0a2c.js") == 2)
        time.sleep(1)
        assert site.views(1) == ["/"]
        site.pages["/go"] = "now"
        assert site.views(2) == ["/", "/next"]
    assert site.asked.count("/next") == 1, "The browser loaded the page anew."


@contextlib.contextmanager
def chromium(profile: Path, url: str) -> Iterator[None]:
    process = subprocess.Popen(
        [str(CHROMIUM), "--headless", *QUIET, NAMES, f"--user-data-dir={profile}", url],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def test_a_page_from_the_back_forward_cache_counts_again(site: Website, page: Page) -> None:
    site.page("/").page("/other")
    page.goto(site.url)
    page.evaluate("self.kept = true")
    page.goto(f"{site.url}/other")
    site.views(2)
    page.evaluate("history.back()")
    assert site.views(3) == ["/", "/other", "/"]
    assert page.evaluate("self.kept"), "The browser loaded the page anew."
    page.evaluate("history.forward()")
    assert site.views(4) == ["/", "/other", "/", "/other"]
    assert site.asked.count("/other") == 1


def test_canonical_url_on_request(site: Website, page: Page) -> None:
    head = "<link rel=canonical href='http://www.site.example/shoes'>"
    site.page("/a", "data-canonical", head=head).page("/b", head=head).page("/c", "data-canonical")
    for path in ("/a?utm_source=x&id=1", "/b", "/c"):
        page.goto(site.url + path)
    views = site.wait(3, "pageview")
    assert [(view["url"], view["page"]) for view in views] == [
        ("http://www.site.example/shoes?utm_source=x", "/shoes"),
        (f"{site.url}/b", "/b"),
        (f"{site.url}/c", "/c"),
    ]


@pytest.mark.parametrize(
    ("attributes", "page_sent"),
    [
        ("", "/search"),
        ("data-query='q, page'", "/search?q=shoes&page=2"),
        ("data-query='page'", "/search?page=2"),
        ("data-query='*'", "/search?utm_source=mail&q=shoes&gclid=7&page=2&Ref=x&token=s"),
    ],
)
def test_query_strings_are_kept_for_campaigns_and_what_is_asked_for(
    site: Website, page: Page, attributes: str, page_sent: str
) -> None:
    site.page("/search", attributes)
    query = "?utm_source=mail&q=shoes&gclid=7&page=2&Ref=x&token=s"
    page.goto(f"{site.url}/search{query}")
    (view,) = site.wait(1, "pageview")
    assert view["url"] == f"{site.url}/search?utm_source=mail&gclid=7&Ref=x"
    assert view["page"] == page_sent


def test_a_page_group_holds_for_the_page_that_was_loaded(site: Website, page: Page) -> None:
    site.page("/user/42", "data-page='/user/<id>'")
    page.goto(f"{site.url}/user/42")
    page.evaluate("tracking('Follow')")
    page.evaluate("history.pushState({}, '', '/about')")
    site.wait(2, "pageview")
    assert [sent["page"] for sent in site.all("pageview", "Follow")] == [
        "/user/<id>",
        "/user/<id>",
        "/about",
    ]


@pytest.mark.parametrize(
    ("attributes", "counted"),
    [
        ("data-exclude='/admin/*, /draft'", ["/", "/drafts", "/adminton", "/blog/a.b"]),
        ("data-include='/blog/*'", ["/blog/a.b"]),
        ("data-include='/blog/*, /' data-exclude='/blog/a.*'", ["/"]),
        ("data-exclude='/blog/a+b'", ["/", "/draft", "/drafts", "/admin/x/y", "/adminton",
                                      "/blog/a.b"]),
    ],
)  # fmt: skip
def test_paths_are_included_and_excluded(
    site: Website, page: Page, attributes: str, counted: list[str]
) -> None:
    for path in ("/", "/draft", "/drafts", "/admin/x/y", "/adminton", "/blog/a.b"):
        page.goto(site.page(path, attributes).url + path)
        page.evaluate("tracking('Event')")
    page.evaluate("history.pushState({}, '', '/admin/z')")
    page.goto("about:blank")
    site.wait(len(counted), "engagement")
    for event in ("pageview", "Event", "engagement"):
        assert [sent["page"] for sent in site.all(event) if sent["page"] != "/admin/z"] == counted


def test_only_the_domains_that_are_named(site: Website, page: Page) -> None:
    site.page("/no", "data-domains='www.site.example'")
    site.page("/yes", "data-domains='www.site.example, site.example'")
    page.goto(f"{site.url}/no")
    page.goto(f"{site.url}/yes")
    assert site.views(1) == ["/yes"]


def test_do_not_track_is_respected_where_asked_for(site: Website, page: Page) -> None:
    page.add_init_script(
        "Object.defineProperty(Navigator.prototype, location.search.slice(1), {value: '1'})"
    )
    site.page("/asked", "data-dnt").page("/not")
    for path in ("/asked?doNotTrack", "/asked?globalPrivacyControl", "/not?doNotTrack", "/asked?x"):
        page.goto(site.url + path)
    assert site.views(2) == ["/not", "/asked"]


def test_manual_page_views(site: Website, page: Page) -> None:
    site.page("/", "data-manual")
    page.goto(site.url)
    page.evaluate("history.pushState({}, '', '/pushed')")
    page.evaluate("tracking('pageview', {url: '/step/1?utm_source=a&x=1', title: 'One'})")
    page.evaluate("tracking('pageview', {page: '/step/<n>'})")
    page.wait_for_timeout(1100)
    page.goto("about:blank")
    site.wait(2, "engagement")
    views = site.wait(2, "pageview")
    assert [(view["url"], view["page"], view["title"]) for view in views] == [
        (f"{site.url}/step/1?utm_source=a", "/step/1", "One"),
        (f"{site.url}/pushed", "/step/<n>", "Page /"),
    ]
    assert [sent["page"] for sent in site.all("engagement")] == ["/step/1", "/step/<n>"]


def test_a_visitor_who_opted_out_is_left_alone(site: Website, page: Page) -> None:
    site.page("/")
    page.goto(site.url)
    site.views(1)
    assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == [
        "", 0, 0
    ]  # fmt: skip
    page.evaluate("localStorage.setItem('tracking', 'off')")
    page.reload()
    page.evaluate("tracking('Event')")
    page.evaluate("localStorage.removeItem('tracking')")
    page.evaluate(PROOF)
    site.wait(1, "Proof")
    assert [sent["event"] for sent in site.sent if sent["event"] != "engagement"] == [
        "pageview",
        "Proof",
    ]


def test_files_and_localhost_count_only_where_asked(
    site: Website, page: Page, tmp_path: Path
) -> None:
    local = f"http://localhost:{site.port}"
    site.page("/a").page("/b", "data-local").page("/c", "data-local=off")
    for name, attributes in (("d", ""), ("e", "data-local")):
        site.page(f"/{name}", attributes)
        (tmp_path / f"{name}.html").write_text(site.pages[f"/{name}"])
        page.goto(f"file://{tmp_path}/{name}.html?utm_source=a")
    for path in ("/a", "/b", "/c"):
        page.goto(local + path)
    page.goto(f"http://127.0.0.1:{site.port}/a")
    page.evaluate(PROOF)
    page.goto(f"{site.url}/c")
    file, here, named = site.wait(3, "pageview")
    assert file["url"] == f"{tmp_path}/e.html?utm_source=a"
    assert (here["url"], named["url"]) == (f"{local}/b", f"{site.url}/c")
    assert site.all("Proof") == []


def test_what_the_documentation_says_of_options_is_complete() -> None:
    source = (Path(__file__).parents[1] / "collector/tracker.js").read_text()
    used = set(re.findall(r"options\.(\w+)", source)) | set(re.findall(r'asked\("(\w+)"\)', source))
    table = (Path(__file__).parents[2] / "docs/collecting.md").read_text()
    assert set(re.findall(r"^\| `data-(\w+)", table, re.MULTILINE)) == (used | {"404"}) - {
        "transform"
    }
