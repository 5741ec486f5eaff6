"""The installation page: what to paste, the first visit, and what became of the last requests."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tracking.collector import refusals
from tracking.models import Reason, RecentHit, Site
from tracking.tests.doors import Door, through_wsgi
from tracking.tests.factories import SiteFactory, VisitFactory
from tracking.tests.hits import FIREFOX, NOON, process, process_hits, record
from tracking.views.install import NAMES

SECOND = timedelta(seconds=1)


def page(client: Client, site: Site, query: str = "") -> BeautifulSoup:
    response = client.get(f"/sites/{site.pk}/install/{query}")
    assert response.status_code == 200
    return BeautifulSoup(response.content, "html.parser")


def rows(client: Client, site: Site) -> list[list[str]]:
    response = client.get(f"/sites/{site.pk}/install/requests/")
    html = BeautifulSoup(response.content, "html.parser")
    return [
        [part.get_text(" ", strip=True) for part in row.find_all("span", recursive=False)]
        for row in html.select(".requests li")
    ]


@pytest.mark.parametrize("way", NAMES)
def test_every_way_has_a_guide_with_something_to_copy(
    site: Site, owner_client: Client, settings: Settings, way: str
) -> None:
    settings.BASE_URL = "https://stats.example.org"
    html = page(owner_client, site, f"?for={way}")
    assert html.select_one(".install-ways [aria-current]").get_text() == str(NAMES[way])
    codes = [code.get_text() for code in html.select(".install-guide code")]
    assert any("https://stats.example.org" in code for code in codes)


def test_an_unknown_way_is_ours(site: Site, owner_client: Client) -> None:
    html = page(owner_client, site, "?for=../../etc/passwd")
    assert html.select_one(".install-ways [aria-current]").get_text() == "Our snippet"


@pytest.mark.parametrize(
    ("way", "sends"),
    [
        ("plausible", ("/api/event", {"n": "pageview", "u": "/", "d": "example.com"})),
        ("umami", ("/api/send", {"type": "event", "payload": {"website": "{id}", "url": "/"}})),
        ("goatcounter", ("/example.com/count?p=%2F", None)),
        ("matomo", ("/matomo.php?idsite={pk}&rec=1&url=%2F", None)),
        ("shynet", ("/{id}/script.js", {"location": "/"})),
    ],
)
def test_the_snippets_of_other_trackers_name_the_site_as_its_receiver_knows_it(
    site: Site, owner_client: Client, way: str, sends: tuple[str, Any]
) -> None:
    def filled(text: str) -> str:
        return text.replace("{id}", str(site.public_id)).replace("{pk}", str(site.pk))

    code = page(owner_client, site, f"?for={way}").select_one("#snippet-tracker").get_text()
    name = {"plausible": "example.com", "goatcounter": "example.com", "matomo": str(site.pk)}
    assert name.get(way, str(site.public_id)) in code
    path, body = filled(sends[0]), filled(json.dumps(sends[1])) if sends[1] else ""
    answer = Door(through_wsgi)("POST", path, body.encode(), **{"User-Agent": FIREFOX})
    assert answer.status in {200, 202, 204}
    assert process().stored == 1


def test_a_domain_that_counts_for_another_site_is_told(
    site: Site, owner_client: Client, stranger: User, stranger_client: Client
) -> None:
    later = SiteFactory(owner=stranger, domain="example.com")
    for way in ("plausible", "goatcounter"):
        warning = ".install-guide .notice-warning"
        assert page(owner_client, site, f"?for={way}").select(warning) == []
        (notice,) = page(stranger_client, later, f"?for={way}").select(warning)
        assert "Somebody else has added example.com" in notice.get_text()


def test_the_snippet_page_shows_script_and_pixels(
    site: Site, owner_client: Client, settings: Settings
) -> None:
    settings.BASE_URL = "https://stats.example.org"

    context = owner_client.get(f"/sites/{site.pk}/install/").context

    pixel = (
        f'<img src="https://stats.example.org/t/{site.public_id}.gif" alt="" hidden '
        'referrerpolicy="no-referrer-when-downgrade">'
    )
    assert context["script"] == (
        f'<script defer src="https://stats.example.org/t/{site.public_id}.js"></script>\n'
        f"<noscript>{pixel}</noscript>"
    )
    assert context["pixel"] == pixel
    assert context["newsletter_pixel"] == (
        f'<img src="https://stats.example.org/t/{site.public_id}.gif?'
        "url=https%3A%2F%2Fexample.com%2Fnewsletter&amp;event=Newsletter+opened"
        '" alt="" width="1" height="1">'
    )


def test_a_fresh_installation_names_itself_as_the_reader_does(
    site: Site, owner_client: Client, settings: Settings
) -> None:
    settings.BASE_URL = "http://localhost:8000"

    response = owner_client.get(f"/sites/{site.pk}/install/", HTTP_HOST="127.0.0.1:8123")

    assert f'src="http://127.0.0.1:8123/t/{site.public_id}.js"' in response.context["script"]


# The first visit


def test_the_status_is_silent_until_the_first_visit(site: Site, owner_client: Client) -> None:
    VisitFactory()  # of another site

    response = owner_client.get(f"/sites/{site.pk}/install/status/")

    assert (response.status_code, response.content) == (204, b"")


@time_machine.travel(datetime(2026, 3, 5, 12, tzinfo=UTC))
def test_the_status_tells_of_the_first_visit_and_asks_no_more(
    site: Site, owner_client: Client
) -> None:
    VisitFactory(site=site, hostname="example.com", entry_page="/later")
    first = VisitFactory(
        site=site,
        started_at=datetime(2026, 3, 5, 11, 2, 3, tzinfo=UTC),
        hostname="example.com",
        entry_page="/<b>",
        city="Los Angeles",
        postal_code="90001",
    )

    response = owner_client.get(f"/sites/{site.pk}/install/status/")

    html = response.content.decode()
    assert response.context["visit"] == first
    assert "First visit from Los Angeles, 90001: " in html
    assert ">today at 11:02:03</time>, on <code>example.com/&lt;b&gt;</code>." in html
    assert f'href="/sites/{site.pk}/"' in html
    assert "hx-" not in html


def test_the_page_asks_for_the_first_visit_only_while_it_waits(
    site: Site, owner_client: Client
) -> None:
    url = f"/sites/{site.pk}/install/"
    poll = f'hx-get="{url}status/" hx-trigger="every 2s"'

    waiting = owner_client.get(url).content.decode()
    VisitFactory(site=site)
    arrived = owner_client.get(url).content.decode()

    assert poll in waiting
    assert "status/" not in arrived


# What has become of the last requests


@pytest.mark.usefixtures("in_the_afternoon")
def test_counted_and_filtered_hits(site: Site, owner_client: Client, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1
    process_hits(
        record(site, NOON, ip="8.8.8.8", url="https://example.com/a"),
        record(site, NOON + SECOND, url="https://example.com/b", event="Sign-up"),
        record(site, NOON + 2 * SECOND, user_agent="curl/8.5.0"),
        record(site, NOON + 3 * SECOND, url="javascript:alert(1)"),
    )
    html = page(owner_client, site)
    assert "through 1 proxy." in html.select_one("section:has(> #requests)").get_text()
    assert rows(owner_client, site) == [
        [
            "Filtered",
            "javascript:alert(1)",
            "Invalid. It named no page of a website.",
            f"1.2.3.… {FIREFOX}",
        ],
        [
            "Filtered",
            "/",
            f"Bot. {Reason.BOT.explanation} curl",
            "1.2.3.… curl/8.5.0",
        ],
        ["Counted", "Sign-up · /b", f"1.2.3.… {FIREFOX}"],
        ["Counted", "/a", f"8.8.8.… {FIREFOX}"],
    ]


@pytest.mark.usefixtures("in_the_afternoon")
def test_of_a_visitor_who_objects_nothing_but_that_is_noted(
    site: Site, owner_client: Client
) -> None:
    one = record(site, url="https://example.com/secret")
    one.objection = "gpc"
    process_hits(one)
    ((label, what, why),) = rows(owner_client, site)
    assert (label, what) == ("Filtered", "–")
    assert why.startswith("Do Not Track.")
    hit = RecentHit.objects.get()
    assert (hit.page, hit.ip, hit.user_agent) == ("", "", "")


@pytest.mark.usefixtures("in_the_afternoon")
def test_a_site_has_a_few_places_that_are_used_in_turn(
    site: Site, owner: User, owner_client: Client
) -> None:
    other = SiteFactory(owner=owner)
    process_hits(record(other, NOON))
    for part in range(3):
        hits = [(part, number) for number in range(50)]
        process_hits(
            *(
                record(site, NOON + (60 * part + number) * SECOND, url=f"/{part}-{number}")
                for part, number in hits
            )
        )
    assert RecentHit.objects.filter(site=site).count() == RecentHit.PLACES
    assert [row[1] for row in rows(owner_client, site)] == [
        f"/2-{number}" for number in range(49, 29, -1)
    ]
    assert len(rows(owner_client, other)) == 1


def test_a_hit_of_another_tracker_says_so(site: Site, owner_client: Client) -> None:
    headers = {"User-Agent": FIREFOX}
    Door(through_wsgi)("GET", "/example.com/count?p=%2Fa", b"", **headers)
    process()
    assert rows(owner_client, site)[0][:2] == ["Counted", "/a (GoatCounter)"]


@pytest.fixture
def plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "allowance", refusals.Allowance())


@pytest.mark.usefixtures("plenty")
def test_refused_requests(site: Site, owner_client: Client, stranger_client: Client) -> None:
    door = Door(through_wsgi)
    headers = {"User-Agent": FIREFOX, "Referer": "https://example.com/a"}
    with time_machine.travel(NOON, tick=False) as clock:
        door("POST", f"/t/{site.public_id}", b"{}", **headers)
        clock.shift(1)
        door("GET", f"/sites/{site.pk}/visit")
        clock.shift(1)
        door("GET", f"/matomo.php?idsite={site.pk}")
        clock.shift(1)
        door("POST", "/api/send", b"[]", Origin="https://www.example.com")
        clock.shift(1)
        door("POST", "/api/event", b"[]", Origin="https://nobody.example")
        door("GET", "/t/0b9b0a2c-0000-4000-8000-000000000000.gif?url=/")
        found = rows(owner_client, site)
    umami, matomo, visit, own = found
    assert own == [
        "Refused: 400",
        f"POST /t/{site.public_id} (https://example.com/a)",
        "The body is not as expected: Object missing required field `url`.",
        f"127.0.0.1 {FIREFOX}",
        "Referer: https://example.com/a",
    ]
    assert visit[:3] == [
        "Refused: 400",
        f"GET /sites/{site.pk}/visit",
        "Say which page it was: give `url`, or send a Referer header.",
    ]
    assert matomo[2] == "The parameter rec=1 is missing."
    assert umami[1] == "POST /api/send (https://www.example.com)"
    assert stranger_client.get(f"/sites/{site.pk}/install/requests/").status_code == 404


@pytest.mark.usefixtures("plenty")
def test_a_domain_that_is_not_known_is_told_to_the_site_of_the_page(
    site: Site, owner_client: Client
) -> None:
    body = json.dumps({"n": "pageview", "u": "https://example.com/", "d": "exmaple.com"}).encode()
    headers = {"User-Agent": FIREFOX, "Origin": "https://example.com"}
    assert Door(through_wsgi)("POST", "/api/event", body, **headers).status == 202
    ((label, what, why, *_),) = rows(owner_client, site)
    assert (label, why) == ("Refused: 202", "No site has the domain exmaple.com.")
    assert what == "POST /api/event (https://example.com)"


@pytest.mark.usefixtures("plenty")
def test_headers_that_decide_are_shown_without_anybodys_address(
    site: Site, owner_client: Client, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = 1
    headers = {
        "Origin": "https://example.com",
        "X-Forwarded-For": "198.51.100.7, 8.8.4.4:5678, unknown",
        "DNT": "1",
        "Sec-GPC": "1",
        "Sec-Purpose": "prefetch",
        "Cookie": f"session=secret; uncounted_{site.pk}=1",
    }
    Door(through_wsgi)("POST", f"/t/{site.public_id}", b"{}", **headers)
    ((*_, shown),) = rows(owner_client, site)
    assert shown == (
        "Origin: https://example.com DNT: 1 Sec-GPC: 1 Sec-Purpose: prefetch "
        f"X-Forwarded-For: 198.51.100.7, 8.8.4.…, ? Cookie: uncounted_{site.pk}=1"
    )
    assert "8.8.4.4" not in (settings.DATA_DIR / "refused.jsonl").read_text()
    assert "secret" not in (settings.DATA_DIR / "refused.jsonl").read_text()


@pytest.mark.usefixtures("plenty")
def test_a_flood_of_refusals_is_noted_in_part(site: Site) -> None:
    with time_machine.travel(NOON, tick=False):
        for _ in range(50):
            Door(through_wsgi)("POST", f"/t/{site.public_id}", b"{}")
        assert len(refusals.of_site(site.pk, 100)) == refusals.A_SECOND


def test_the_file_of_refusals_turns_over(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "A_SECOND", 10_000)
    monkeypatch.setattr(refusals, "MAX_BYTES", 10_000)
    for _ in range(300):
        Door(through_wsgi)("POST", f"/t/{site.public_id}", b"{}")
    files = sorted(path.name for path in settings.DATA_DIR.glob("refused*"))
    assert files == ["refused.jsonl", "refused.old.jsonl"]
    assert sum(path.stat().st_size for path in settings.DATA_DIR.glob("refused*")) < 21_000
    assert len(refusals.of_site(site.pk, 10)) == 10


@pytest.mark.usefixtures("plenty")
def test_what_cannot_be_noted_disturbs_nobody(
    site: Site, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    (settings.DATA_DIR / "refused.jsonl").mkdir()
    assert Door(through_wsgi)("POST", f"/t/{site.public_id}", b"{}").status == 400
    assert "could not be noted" in caplog.text
    assert refusals.of_site(site.pk, 10) == []


def test_lines_of_another_version_are_passed_over(site: Site, settings: Settings) -> None:
    (settings.DATA_DIR / "refused.jsonl").write_bytes(b'[]\n\xff\n{"a": 1}\n')
    assert refusals.of_site(site.pk, 10) == []


def test_nothing_has_come_in(site: Site, owner_client: Client) -> None:
    assert "Nothing has come in yet." in page(owner_client, site).get_text()
