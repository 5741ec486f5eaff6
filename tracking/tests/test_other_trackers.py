"""Pages that carry another tracker's snippet, in a real browser, against a real server: first with
our script in that tracker's dialect, then with the trackers' own files, unmodified."""

import functools
import http.server
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tracking import spool
from tracking.collector.hit import Hit
from tracking.collector.receivers import read_hit
from tracking.tests.service import Service, service, wait_for
from tracking.tests.website import AGENT, CHROMIUM, NAMES, QUIET

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(
        not CHROMIUM, reason="There is no Chromium here (on Debian: apt install chromium)."
    ),
]


class Files(http.server.SimpleHTTPRequestHandler):
    """A folder of pages; modules may leave out the ending of those that they import."""

    def translate_path(self, path: str) -> str:
        found = super().translate_path(path)
        return found if Path(found).exists() else f"{found}.js"

    def log_message(self, *arguments: object) -> None:
        pass


class World:
    """A server of ours with one site, a website, and a browser's page."""

    def __init__(self, server: Service, folder: Path, port: int, page: Page) -> None:
        self.server, self.folder, self.page = server, folder, page
        self.origin = f"http://site.example:{port}"
        ((self.site_id, self.public_id),) = server.rows("SELECT id, public_id FROM tracking_site")
        # SQLite keeps a UUID without its dashes.
        plain = str(self.public_id).replace("-", "")
        self.public_id = "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))

    def visit(self, snippet: str, body: str = "") -> Page:
        filled = snippet.replace("STATS", self.server.url).replace("UUID", self.public_id)
        html = f"<!doctype html><title>Prices</title>{filled.replace('ID', str(self.site_id))}"
        (self.folder / "prices.html").write_text(f"{html}<body>{body}</body>")
        self.page.goto(f"{self.origin}/prices.html?utm_source=x&secret=1#top")
        return self.page

    def hits(self, number: int, name: str = "") -> list[Hit]:
        """What has reached the queue, as soon as it is so many hits."""

        def found() -> list[Hit]:
            hits = [
                read_hit(spool.decode(line))
                for path in spool.files(self.server.folder / "spool")
                for _, line in spool.read(path, 0, 1 << 20).lines
            ]
            return [hit for hit in hits if (hit.name == name if name else not hit.is_engagement)]

        wait_for(lambda: len(found()) >= number, 10)
        return found()

    def leave(self) -> None:
        self.page.goto("about:blank")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright runs an event loop in this thread, which Django takes for a mistake.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, NAMES])
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("server")) as running:
        running.manage("createsuperuser", "--noinput", "--email", "olive@example.com")
        running.manage("add_site", "site.example", "--owner", "olive@example.com")
        running.start_web()
        yield running


@pytest.fixture
def world(server: Service, browser: Browser, tmp_path: Path) -> Iterator[World]:
    for path in spool.files(server.folder / "spool"):
        os.truncate(path, 0)
    handler = functools.partial(Files, directory=tmp_path)
    context = browser.new_context(user_agent=AGENT, viewport={"width": 1000, "height": 600})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as website:
        threading.Thread(target=website.serve_forever, daemon=True).start()
        yield World(server, tmp_path, website.server_port, page)
        website.shutdown()
    context.close()
    assert faults == []


def facts(hit: Hit, *names: str) -> dict[str, Any]:
    return {name: getattr(hit, name) for name in names}


def path_of(hit: Hit) -> str:
    return hit.url.partition(".example")[2].partition("/")[2]


def check_the_pageview(hit: Hit) -> None:
    assert (hit.name, path_of(hit)) == ("pageview", "prices.html?utm_source=x")
    assert facts(hit, "title", "user_agent") == {"title": "Prices", "user_agent": AGENT}


# Our script in their dialects


def test_plausible_as_it_was(world: World) -> None:
    page = world.visit(
        '<script defer data-domain="site.example" event-author="Ann"'
        ' src="STATS/js/script.outbound-links.pageview-props.revenue.tagged-events.js"></script>'
        "<script>window.plausible = window.plausible || function() {"
        " (window.plausible.q = window.plausible.q || []).push(arguments) };"
        " plausible('Queued')</script>",
        '<p class="plausible-event-name=Sign+up plausible-event-plan--pro"><b>Sign up</b></p>'
        '<a href="https://other.example/x" target="none">Out</a>',
    )
    check_the_pageview(world.hits(1, "pageview")[0])
    assert world.hits(1, "pageview")[0].props == {"author": "Ann"}
    assert world.hits(1, "Queued")[0].props is None
    page.evaluate(
        "plausible('Order', {props: {plan: 'pro', seats: 3},"
        " revenue: {currency: 'EUR', amount: 19.9}, interactive: false})"
    )
    order = world.hits(1, "Order")[0]
    assert facts(order, "props", "revenue", "currency", "interactive") == {
        "props": {"plan": "pro", "seats": "3"},
        "revenue": Decimal("19.9"),
        "currency": "EUR",
        "interactive": False,
    }
    page.click("b")
    assert world.hits(1, "Sign up")[0].props == {"plan": "pro"}
    page.evaluate("document.querySelector('a').click()")
    assert world.hits(1, "Outbound Link: Click")[0].props == {"url": "https://other.example/x"}
    page.evaluate("history.pushState({}, '', '/about')")
    assert path_of(world.hits(2, "pageview")[1]) == "about"
    world.leave()
    assert world.hits(1, "engagement")[0].scroll == 100


def test_plausible_as_it_is_now(world: World) -> None:
    page = world.visit(
        '<script async src="STATS/js/pa-abc_DEF123.js"></script>'
        "<script>window.plausible = window.plausible || function() {"
        " (plausible.q = plausible.q || []).push(arguments) },"
        " plausible.init = plausible.init || function(i) { plausible.o = i || {} };"
        " plausible.init({hashBasedRouting: true, customProperties: {theme: 'dark'},"
        " transformRequest: (r) => ({...r, p: {...r.p, more: 1}})})</script>",
    )
    (hit,) = world.hits(1, "pageview")
    assert (hit.page, hit.props) == ("/prices.html#top", {"theme": "dark", "more": "1"})
    page.evaluate("location.hash = '#bottom'")
    assert world.hits(2, "pageview")[1].page == "/prices.html#bottom"


def test_plausible_that_is_told_late(world: World) -> None:
    page = world.visit('<script src="STATS/js/pa-abc.js"></script>')
    page.evaluate("plausible.init({customProperties: {theme: 'dark'}})")
    (hit,) = world.hits(1, "pageview")
    assert hit.props == {"theme": "dark"}
    page.evaluate("history.pushState({}, '', '/about')")
    assert path_of(world.hits(2, "pageview")[1]) == "about"


def test_plausible_leaves_out_what_it_is_told(world: World) -> None:
    page = world.visit(
        '<script data-exclude="/blog/*, /intern/**" src="STATS/js/script.exclusions.js"></script>'
    )
    for path in ("/blog/a", "/blog/a/b", "/intern/a/b"):
        page.evaluate("path => history.pushState({}, '', path)", path)
        page.wait_for_timeout(400)
    page.evaluate("history.pushState({}, '', '/end')")
    assert [path_of(hit) for hit in world.hits(3, "pageview")] == [
        "prices.html?utm_source=x",
        "blog/a/b",
        "end",
    ]


def test_umami(world: World) -> None:
    page = world.visit(
        '<script defer src="STATS/script.js" data-website-id="UUID" data-tag="b"></script>',
        '<button data-umami-event="Sign up" data-umami-event-plan="pro">Sign up</button>',
    )
    (hit,) = world.hits(1, "pageview")
    check_the_pageview(hit)
    assert hit.props == {"tag": "b"}
    page.evaluate("umami.track('Order', {revenue: 19.9, currency: 'EUR', items: {count: 2}})")
    order = world.hits(1, "Order")[0]
    assert facts(order, "revenue", "currency", "props") == {
        "revenue": Decimal("19.9"),
        "currency": "EUR",
        "props": {"revenue": "19.9", "currency": "EUR", "items.count": "2", "tag": "b"},
    }
    page.click("button")
    assert world.hits(1, "Sign up")[0].props == {"plan": "pro", "tag": "b"}
    page.evaluate("umami.track(props => ({...props, url: '/virtual', title: 'Virtual'}))")
    assert facts(world.hits(2, "pageview")[1], "title", "url") == {
        "title": "Virtual",
        "url": "https://site.example/virtual",
    }
    page.evaluate("umami.identify('user-5', {plan: 'pro'})")
    page.evaluate("history.pushState({}, '', '/about')")
    assert path_of(world.hits(3, "pageview")[2]) == "about"
    world.leave()
    assert world.hits(1, "engagement")[0].scroll == 100


def test_goatcounter(world: World) -> None:
    page = world.visit(
        '<script data-goatcounter="STATS/site.example/count" async src="STATS/count.js"></script>',
        '<a href="#x" data-goatcounter-click="ext-link" data-goatcounter-title="Out">Out</a>',
    )
    (hit,) = world.hits(1, "pageview")
    check_the_pageview(hit)
    assert hit.screen == page.evaluate("screen.width + 'x' + screen.height")
    page.click("a")
    assert world.hits(1, "ext-link")[0].title == "Out"
    page.evaluate("goatcounter.count({path: path => '/moved' + path, title: 'Moved'})")
    assert facts(world.hits(2, "pageview")[1], "url", "title")["title"] == "Moved"
    assert path_of(world.hits(2, "pageview")[1]).startswith("moved/prices.html")
    page.evaluate("history.pushState({}, '', '/about')")  # is for the page to count
    page.evaluate("goatcounter.count({path: 'End', event: true})")
    world.hits(1, "End")
    assert len(world.hits(2, "pageview")) == 2
    assert "/site.example/count?p=" in page.evaluate("goatcounter.url({path: '/x'})")


def test_matomo(world: World) -> None:
    page = world.visit(
        "<script>var _paq = window._paq = window._paq || [];"
        " _paq.push(['trackPageView']); _paq.push(['enableLinkTracking']);"
        " (function() { var u = 'STATS/'; _paq.push(['setTrackerUrl', u + 'matomo.php']);"
        " _paq.push(['setSiteId', 'ID']); var d = document, g = d.createElement('script'),"
        " s = d.getElementsByTagName('script')[0]; g.async = true; g.src = u + 'matomo.js';"
        " s.parentNode.insertBefore(g, s); })();</script>",
        '<a href="https://other.example/x" target="none">Out</a>',
    )
    (hit,) = world.hits(1, "pageview")
    check_the_pageview(hit)
    page.evaluate("_paq.push(['trackEvent', 'Videos', 'Play', 'Intro', 5])")
    assert world.hits(1, "Videos: Play")[0].props == {
        "category": "Videos",
        "action": "Play",
        "name": "Intro",
        "value": "5",
    }
    page.evaluate("_paq.push(['trackGoal', 3], ['trackSiteSearch', 'shoes', false, 7])")
    world.hits(1, "Goal 3")
    assert world.hits(1, "Site Search")[0].props == {"query": "shoes", "results": "7"}
    page.evaluate("document.querySelector('a').click()")
    assert world.hits(1, "Outbound Link: Click")[0].props == {"url": "https://other.example/x"}
    page.evaluate(
        "_paq.push(['setCustomUrl', '/about'], ['setDocumentTitle', 'About'], ['trackPageView'])"
    )
    about = world.hits(2, "pageview")[1]
    assert (path_of(about), about.title) == ("about", "About")
    page.evaluate("_paq.push(['requireConsent'], ['trackEvent', 'Consent', 'later'])")
    page.evaluate("_paq.push(['trackGoal', 4], ['setConsentGiven'])")
    world.hits(1, "Goal 4")
    world.hits(1, "Consent: later")
    page.evaluate("_paq.push(['optUserOut'], ['trackGoal', 5], ['forgetUserOptOut'])")
    page.evaluate("_paq.push(['trackGoal', 6])")
    world.hits(1, "Goal 6")
    assert "Goal 5" not in {hit.name for hit in world.hits(1)}
    world.leave()
    assert world.hits(1, "engagement")[0].scroll == 100


def test_shynet(world: World) -> None:
    world.visit(
        '<noscript><img src="STATS/ingress/UUID/pixel.gif"></noscript>'
        '<script defer src="STATS/ingress/UUID/script.js"></script>'
    )
    (hit,) = world.hits(1, "pageview")
    check_the_pageview(hit)


# Their own files


def npm(folder: Path, package: str) -> Path:
    """The files of a package as the registry has them."""
    assert shutil.which("npm"), "npm is needed (on Debian: apt install npm)."
    packed = subprocess.run(
        ["npm", "pack", "--silent", package],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    with tarfile.open(folder / packed.stdout.strip().splitlines()[-1]) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def test_plausibles_tracker(world: World) -> None:
    npm(world.folder, "@plausible-analytics/tracker@0.4.6")
    page = world.visit(
        "<script>window.__plausible = true</script>"  # its own tests are counted too
        '<script type="module">import {init, track} from "/package/plausible.js";'
        ' init({domain: "site.example", endpoint: "STATS/api/event", outboundLinks: true});'
        " window.track = track</script>",
        '<p style="height: 3000px">Long</p><a href="https://other.example/x" target="none">Out</a>',
    )
    (hit,) = world.hits(1, "pageview")
    assert (hit.name, path_of(hit)) == ("pageview", "prices.html?utm_source=x&secret=1#top")
    answer = page.evaluate(
        "() => new Promise(done => track('Order', {props: {plan: 'pro'}, interactive: false,"
        " revenue: {currency: 'EUR', amount: 19.9}, callback: done}))"
    )
    assert answer == {"status": 202}
    order = world.hits(1, "Order")[0]
    assert facts(order, "props", "revenue", "currency", "interactive") == {
        "props": {"plan": "pro"},
        "revenue": Decimal("19.9"),
        "currency": "EUR",
        "interactive": False,
    }
    page.evaluate("document.querySelector('a').click()")
    assert world.hits(1, "Outbound Link: Click")[0].props == {"url": "https://other.example/x"}
    page.evaluate("scrollTo(0, 1500)")
    page.wait_for_timeout(3200)
    page.evaluate("history.pushState({}, '', '/about')")
    assert path_of(world.hits(2, "pageview")[1]) == "about"
    (engagement,) = world.hits(1, "engagement")
    assert path_of(engagement).startswith("prices.html")
    assert engagement.engaged >= 3000
    assert 60 < engagement.scroll < 80


def test_plausibles_older_tracker(world: World) -> None:
    npm(world.folder, "plausible-tracker@0.3.9")
    page = world.visit(
        '<script type="module">import Plausible from "/package/build/module/index.js";'
        ' const p = Plausible({domain: "site.example", apiHost: "STATS"});'
        " p.enableAutoPageviews(); window.p = p</script>"
    )
    (hit,) = world.hits(1, "pageview")
    assert (hit.name, path_of(hit)) == ("pageview", "prices.html?utm_source=x&secret=1#top")
    with page.expect_response("**/api/event") as answer:
        page.evaluate("p.trackEvent('Sign up', {props: {plan: 'pro'}})")
    assert answer.value.status == 202
    assert world.hits(1, "Sign up")[0].props == {"plan": "pro"}
    page.evaluate("history.pushState({}, '', '/about')")
    assert path_of(world.hits(2, "pageview")[1]) == "about"


def test_umamis_client_for_node(world: World) -> None:
    package = npm(world.folder, "@umami/node@0.4.0")
    program = f"""
        const umami = require({str(package / "dist/index.js")!r}).default;
        umami.init({{websiteId: {world.public_id!r}, hostUrl: {world.server.url!r}}});
        (async () => {{
            const answers = [
                await umami.track({{url: "/home", title: "Home"}}),
                await umami.track("Sign up", {{plan: "pro"}}),
                await umami.identify({{user: 5}}),
            ];
            for (const answer of answers)
                console.log(answer.status, Object.keys(await answer.json()).sort().join());
        }})();
    """
    node = shutil.which("node")
    assert node, "node is needed (on Debian: apt install nodejs)."
    done = subprocess.run(
        [node, "-e", program], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines() == ["200 cache,sessionId,visitId"] * 3
    home, event = world.hits(2)
    assert (home.url, home.title, home.name) == ("/home", "Home", "pageview")
    assert (event.name, event.props) == ("Sign up", {"plan": "pro"})
    assert home.user_agent.startswith("Mozilla/5.0 Umami/")
