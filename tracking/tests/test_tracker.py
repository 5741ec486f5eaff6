"""What the tracking script does in a real browser."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tracking.tests.service import wait_for
from tracking.tests.website import AGENT, CHROMIUM, NAMES, QUIET, Website, website

pytestmark = [
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright runs an event loop in this thread, which Django takes for a mistake.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*QUIET, NAMES],
            ignore_default_args=["--disable-back-forward-cache"],
        )
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def site() -> Iterator[Website]:
    with website() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
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


def test_engagement_is_what_has_grown_since(site: Website, page: Page) -> None:
    site.page("/", body="<div style='height: 2392px'>Long</div>")  # 2400 with the margins
    page.goto(site.url)
    page.wait_for_timeout(1200)
    page.evaluate("scrollTo(0, 600)")
    page.wait_for_timeout(200)
    page.evaluate("scrollTo(0, 0); hide(true)")
    (first,) = site.wait(1, "engagement")
    assert first["scroll"] == 50
    assert 1300 <= first["engaged"] < 4000
    assert (first["url"], first["page"]) == (f"{site.url}/", "/")
    page.wait_for_timeout(1500)  # hidden
    page.evaluate("hide(false); blurred(true)")
    page.wait_for_timeout(1500)  # not in focus
    page.evaluate("hide(true); hide(false); hide(true)")
    page.evaluate(PROOF)
    site.wait(1, "Proof")
    assert site.all("engagement") == [first]
    page.evaluate("hide(false); blurred(false)")
    page.wait_for_timeout(1100)
    page.evaluate("hide(true)")
    _, second = site.wait(2, "engagement")
    assert second["scroll"] == 50
    assert 1100 <= second["engaged"] < 2500
    page.evaluate("hide(false); scrollTo(0, 1800)")
    page.wait_for_timeout(200)
    page.goto("about:blank")
    third = site.wait(3, "engagement")[2]
    assert third["scroll"] == 100
    assert 0 < third["engaged"] < 1100


def test_engagement_belongs_to_the_page_that_is_left(site: Website, page: Page) -> None:
    site.page("/", body="<div id=box style='height: 2392px'>Long</div>")
    page.goto(site.url)
    page.evaluate("""
        scrollTo(0, 600);
        self.other = () => {
            history.pushState({}, "", "/short");
            box.style.height = "100px";
        };
    """)
    page.wait_for_timeout(200)
    page.evaluate("other()")
    site.views(2)
    page.goto("about:blank")
    sent = site.wait(2, "engagement")
    assert [(one["page"], one["scroll"]) for one in sent] == [("/", 50), ("/short", 100)]


def test_outbound_links(site: Website, page: Page) -> None:
    site.page(
        "/",
        body="""
            <a id=out href="http://other.example/a?token=1#part"><b>Other</b></a>
            <a id=own href="/b">Own</a>
            <a id=mail href="mailto:a@b.example">Mail</a>
            <svg hidden><symbol id=symbol><rect width=50 height=50 /></symbol></svg>
            <a href="http://other.example/a"><svg id=icon width=50 height=50>
              <use href="#symbol" /></svg></a>
            <script>addEventListener("click", (event) => event.preventDefault())</script>
        """,
    )
    page.goto(site.url)
    for link in ("#own", "#mail", "#out b", "#icon"):  # of an icon a part is clicked
        page.click(link)
    page.click("#out", button="middle")
    page.click("#out", button="right")
    page.evaluate(PROOF)
    site.wait(1, "Proof")
    out = {"url": "http://other.example/a"}
    assert [sent["props"] for sent in site.all("Outbound Link: Click")] == [out, out, out]
    assert {sent["event"] for sent in site.sent} == {"pageview", "Outbound Link: Click", "Proof"}


def test_an_outbound_link_is_sent_though_the_page_is_left(site: Website, page: Page) -> None:
    site.page("/", body=f"<a href='http://other.example:{site.port}/x'>Other</a>").page("/x")
    page.goto(site.url)
    page.click("a")
    page.wait_for_url("**/x")
    assert len(site.wait(1, "Outbound Link: Click")) == 1


def test_own_domains_are_not_outbound(site: Website, page: Page) -> None:
    link = "<a href='http://shop.site.example/'>Shop</a>"
    stay = "<script>addEventListener('click', (event) => event.preventDefault())</script>"
    site.page("/", "data-domains='site.example, *.site.example'", link + stay)
    site.page("/off", "data-outbound=off", link + stay)
    for path in ("/", "/off"):
        page.goto(site.url + path)
        page.click("a")
        page.evaluate(PROOF)
    site.wait(2, "Proof")
    assert site.all("Outbound Link: Click") == []


def test_downloads(site: Website, page: Page) -> None:
    names = ["/a.pdf?x=1", "/b.DOCX", "/c.tar.gz", "/d.html", "/gz", "/e.psd"]
    links = "".join(f"<a href='{name}'>{name}</a> " for name in names)
    links += "<a href='/report' download>report</a> <a href='http://other.example/f.zip'>f</a>"
    stay = "<script>addEventListener('click', (event) => event.preventDefault())</script>"
    site.page("/", body=links + stay)
    site.page("/own", "data-downloads='psd, ai'", links + stay)
    site.page("/off", "data-downloads=off data-outbound=off", links + stay)
    found = []
    for number, path in enumerate(["/", "/own", "/off"], 1):
        page.goto(site.url + path)
        for link in page.locator("a").all():
            link.click()
        page.evaluate(PROOF)
        site.wait(number, "Proof")
        found.append([sent["props"]["url"] for sent in site.all("File Download")])
        site.sent = [sent for sent in site.sent if sent["event"] == "Proof"]
    here = site.url
    assert found == [
        [f"{here}/a.pdf", f"{here}/b.DOCX", f"{here}/c.tar.gz", f"{here}/report",
         "http://other.example/f.zip"],
        [f"{here}/e.psd", f"{here}/report"],
        [f"{here}/report"],
    ]  # fmt: skip


def test_forms(site: Website, page: Page) -> None:
    forms = """
        <form id=order><input required name=id><button>Order</button></form>
        <form><button>Other</button></form>
        <script>addEventListener("submit", (event) => event.preventDefault())</script>
    """
    site.page("/", body=forms).page("/off", "data-forms=off", forms)
    page.goto(site.url)
    page.click("text=Order")  # is not valid, so that nothing is submitted
    page.fill("input", "7")
    page.click("text=Order")
    page.click("text=Other")
    site.wait(2, "Form: Submission")
    page.goto(f"{site.url}/off")
    page.click("text=Other")
    page.evaluate(PROOF)
    site.wait(1, "Proof")
    assert len(site.all("Form: Submission")) == 2
    assert [sent["page"] for sent in site.all("Form: Submission")] == ["/", "/"]


@pytest.mark.parametrize(("attributes", "head"), [("data-404", ""), ("", "<meta data-404>")])
def test_missing_pages(site: Website, page: Page, attributes: str, head: str) -> None:
    site.page("/gone", attributes, head=head).page("/")
    page.goto(site.url)
    page.goto(f"{site.url}/gone")
    (sent,) = site.wait(1, "404")
    assert (sent["page"], sent["interactive"]) == ("/gone", False)
    assert site.views(2) == ["/", "/gone"]


def test_performance_on_request(site: Website, page: Page) -> None:
    body = """
        <p>Words</p><div id=box></div><p>More words, to be moved.</p>
        <button onclick="for (let end = Date.now() + 120; Date.now() < end;);">Slow</button>
        <script>setTimeout(() => box.style.height = "200px", 700)</script>
    """
    site.page("/", "data-performance", body).page("/not", body=body)
    page.goto(site.url)
    page.wait_for_timeout(1000)
    page.click("button")
    page.wait_for_timeout(300)
    page.evaluate("history.pushState({}, '', '/second')")
    (sent,) = site.wait(1, "Performance")
    assert (sent["page"], sent["url"]) == ("/", f"{site.url}/")
    assert sent["interactive"] is False
    props = sent["props"]
    assert set(props) == {"load", "ttfb", "lcp", "inp", "cls"}
    assert 0 <= props["ttfb"] <= props["load"] < 10_000
    assert 0 < props["lcp"] < 10_000
    assert 104 <= props["inp"] < 1000
    assert 0.01 < props["cls"] < 1
    site.views(2)
    page.goto(f"{site.url}/not")
    page.wait_for_timeout(200)
    page.goto("about:blank")
    site.wait(3, "engagement")
    assert len(site.all("Performance")) == 1


def test_tagged_elements(site: Website, page: Page) -> None:
    site.page(
        "/",
        "data-forms=off",
        """
            <button data-track="Buy" data-track-plan="pro" data-track-Plan-Size="10"
                    data-track-revenue="19.90" data-track-currency="EUR"><i>Buy</i></button>
            <form data-track="Search" data-track-kind="site"><input id=q></form>
            <script>addEventListener("submit", (event) => event.preventDefault())</script>
        """,
    )
    page.goto(site.url)
    page.click("button i")
    page.click("#q")
    page.press("#q", "Enter")
    (search,) = site.wait(1, "Search")
    (buy,) = site.wait(1, "Buy")
    assert buy["props"] == {"plan": "pro", "plan-size": "10"}
    assert (buy["revenue"], buy["currency"]) == ("19.90", "EUR")
    assert search["props"] == {"kind": "site"}
    assert "revenue" not in search


QUEUE = """<script>
    self.tracking = self.tracking || function () {
        (tracking.q = tracking.q || []).push(arguments);
    };
    tracking("Early", {props: {number: 1}});
</script>"""


def test_calls_before_the_script_is_there_wait_for_it(site: Website, page: Page) -> None:
    site.page("/", head=QUEUE)
    page.goto(site.url)
    site.wait(1, "Early")
    page.evaluate("tracking('Late', {props: {number: 2}, interactive: false})")
    site.wait(1, "Late")
    assert [sent["event"] for sent in site.sent] == ["pageview", "Early", "Late"]
    early, late = site.all("Early", "Late")
    assert (early["props"], late["props"]) == ({"number": 1}, {"number": 2})
    assert (early["url"], late["interactive"]) == (f"{site.url}/", False)


@pytest.mark.parametrize("attributes", ["", "data-exclude='*'"])
def test_the_callback_is_called_whatever_happens(
    site: Website, page: Page, attributes: str
) -> None:
    site.page("/", attributes)
    page.goto(site.url)
    done = """new Promise((callback) => {
        tracking("Sign-up", {revenue: 5, currency: "EUR", callback});
    })"""
    page.evaluate(done)
    page.evaluate("localStorage.tracking = 'off'")
    page.evaluate(done)
    assert len(site.all("Sign-up")) <= 1
    if not attributes:
        (sent,) = site.wait(1, "Sign-up")
        assert (sent["revenue"], sent["currency"]) == (5, "EUR")
        assert "callback" not in sent


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


def test_a_strict_policy_of_the_page_is_enough(site: Website, page: Page) -> None:
    host = f"http://stats.example:{site.port}"
    site.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src {host}; connect-src {host}"
    )
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    site.page("/", "data-performance", "<button data-track=Event>x</button>")
    page.goto(site.url)
    page.click("button")
    page.wait_for_timeout(300)
    page.goto("about:blank")
    site.wait(1, "engagement")
    site.wait(1, "Event")
    assert site.views(1) == ["/"]
    assert [text for text in refused if "favicon" not in text] == []


def test_a_policy_that_forbids_the_collector_breaks_nothing(site: Website, page: Page) -> None:
    site.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src http://stats.example:{site.port}"
    )
    site.page("/")
    page.goto(site.url)
    page.evaluate("history.pushState({}, '', '/a')")
    page.wait_for_timeout(400)
    assert site.sent == []


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


def test_a_server_that_is_down_is_not_noticed(site: Website, page: Page) -> None:
    site.page("/", body="<button data-track=Event>x</button>")
    errors: list[str] = []
    page.add_init_script(
        "addEventListener('unhandledrejection', () => { self.rejected = true }, true)"
    )
    page.goto(site.url)
    site.views(1)
    site.is_down = True
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.click("button")
    page.evaluate("history.pushState({}, '', '/a')")
    page.evaluate("tracking()")
    page.evaluate("tracking('x', null)")
    page.evaluate("() => { navigator.sendBeacon = () => false }")
    page.evaluate("tracking('y')")
    page.evaluate("() => { navigator.sendBeacon = () => { throw new Error('broken') } }")
    page.evaluate("tracking('z')")
    page.evaluate("const circle = {}; circle.self = circle; tracking('c', {props: circle})")
    page.wait_for_timeout(500)
    assert page.evaluate("self.rejected") is None
    assert errors == []


def test_a_beacon_that_is_refused_goes_another_way(site: Website, page: Page) -> None:
    site.page("/")
    page.add_init_script("navigator.sendBeacon = () => false")
    page.goto(site.url)
    assert site.views(1) == ["/"]


def test_the_script_twice_counts_once(site: Website, page: Page) -> None:
    site.page("/", head=site.script())
    page.goto(site.url)
    page.evaluate("""
        const again = document.createElement("script");
        again.src = document.scripts[0].src;
        document.head.append(again);
        new Promise((loaded) => again.onload = loaded);
    """)
    page.evaluate("history.pushState({}, '', '/a')")
    page.evaluate(PROOF)
    site.wait(1, "Proof")
    assert site.views(2) == ["/", "/a"]


def test_a_script_that_a_tag_manager_adds(site: Website, page: Page) -> None:
    guide = (Path(__file__).parents[2] / "docs/guides.md").read_text()
    (snippet,) = re.findall(r"( {4}<script>\n {6}\(function .*?</script>)", guide, re.DOTALL)
    snippet = re.sub(r'"https://[^"]+"', f'"{site.script_url}"', snippet)
    for path in ("/admin/x", "/"):
        site.pages[path] = f"<!doctype html><title>Tags</title>{snippet}"
        page.goto(site.url + path)
    assert site.views(1) == ["/"]


def test_an_element_of_the_functions_name_is_in_nobodys_way(site: Website, page: Page) -> None:
    site.page("/", body="<form id=tracking><input name=o><input name=q><input name=api></form>")
    page.goto(site.url)
    page.evaluate("tracking('Event')")
    site.wait(1, "Event")
    assert site.views(1) == ["/"]


def test_a_dialect_sets_options_and_rewrites_hits(site: Website, page: Page) -> None:
    dialect = f"""<script>
        self.tracking = {{
            o: {{
                api: "http://stats.example:{site.port}/t/api/event",
                hash: true,
                outbound: false,
                downloads: "",
                forms: 0,
                transform: (hit) => hit.event != "No" && {{event: hit.event, p: hit.page}},
            }},
            q: [["Queued"]],
        }};
    </script>"""
    site.page(
        "/",
        head=dialect,
        body="""
        <a href="http://other.example/">Other</a>
        <form onsubmit="event.preventDefault()"><button>Send</button></form>
    """,
    )
    page.goto(f"{site.url}/#a")
    page.click("a", button="middle")
    page.click("button")
    page.evaluate("tracking('No')")
    page.evaluate(PROOF)
    site.wait(1, "Proof")
    assert site.sent == [
        {"event": "pageview", "p": "/#a"},
        {"event": "Queued", "p": "/#a"},
        {"event": "Proof", "p": "/proof"},
    ]


def test_what_the_documentation_says_of_options_is_complete() -> None:
    source = (Path(__file__).parents[1] / "collector/tracker.js").read_text()
    used = set(re.findall(r"options\.(\w+)", source)) | set(re.findall(r'asked\("(\w+)"\)', source))
    table = (Path(__file__).parents[2] / "docs/collecting.md").read_text()
    assert set(re.findall(r"^\| `data-(\w+)", table, re.MULTILINE)) == (used | {"404"}) - {
        "transform"
    }
