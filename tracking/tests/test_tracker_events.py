"""What the tracking script reports beside page views, in a real browser."""

import pytest
from playwright.sync_api import Page

from tracking.tests.tracked_pages import NEEDS_CHROMIUM, PROOF, new_browser, new_page, new_site  # noqa: F401 (fixtures)
from tracking.tests.website import Website

pytestmark = NEEDS_CHROMIUM


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
