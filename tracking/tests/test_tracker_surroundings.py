"""How the tracking script gets on with what surrounds it, in a real browser."""

import re
from pathlib import Path

from playwright.sync_api import Page

from tracking.tests.tracked_pages import NEEDS_CHROMIUM, PROOF, new_browser, new_page, new_site  # noqa: F401 (fixtures)
from tracking.tests.website import Website

pytestmark = NEEDS_CHROMIUM


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
