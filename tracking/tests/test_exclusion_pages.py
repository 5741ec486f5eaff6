"""The pages about what is not counted: rules, filtered hits, crawlers, one's own visits."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from tracking import spool
from tracking.models import Event, ExcludedDay, ExcludedHit, Reason, Site
from tracking.tests.factories import SiteFactory
from tracking.tests.hits import NOON, process, process_hits, record
from tracking.tests.test_exclusions import GOOGLEBOT, GPTBOT
from tracking.tests.test_sites import messages_of

pytestmark = pytest.mark.usefixtures("in_the_afternoon")

PAGES = ["settings/exclusions", "filtered", "crawlers"]
RULES = {
    "honours_do_not_track": "on",
    "excludes_spam": "on",
    "hits_a_minute": "600",
    "excluded_ips": "",
    "excluded_paths": "",
    "excluded_countries": "",
    "excluded_referrers": "",
    "allowed_hosts": "",
}


# Who may see what


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_finds_nothing(
    site: Site, stranger_client: Client, page: str, method: str
) -> None:
    process_hits(record(site, prefetch=True))
    data = RULES | {"action": "purge", "everything": "1", "excluded_paths": "/a"}
    response = getattr(stranger_client, method)(f"/sites/{site.pk}/{page}/", data)
    assert response.status_code == 404
    assert site.domain not in response.content.decode()
    assert ExcludedHit.objects.count() == 1
    assert Site.objects.get().excluded_paths == ""


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_anonymous_person_is_sent_to_log_in(
    site: Site, client: Client, page: str, method: str
) -> None:
    process_hits(record(site, prefetch=True))
    data = {"action": "purge", "everything": "1"} if method == "post" else {}
    response = getattr(client, method)(f"/sites/{site.pk}/{page}/", data)
    assert (response.status_code, response["Location"]) == (
        302,
        f"/account/login/?next=/sites/{site.pk}/{page}/",
    )
    assert ExcludedHit.objects.count() == 1


@pytest.mark.parametrize("page", PAGES)
def test_the_owner_sees_the_page_with_hits_and_without(
    site: Site, owner_client: Client, page: str
) -> None:
    assert owner_client.get(f"/sites/{site.pk}/{page}/").status_code == 200
    process_hits(
        record(site, user_agent=GPTBOT),
        record(site, user_agent=""),
        record(site, url="javascript:alert(1)"),
        record(site, objection="gpc"),
    )
    response = owner_client.get(f"/sites/{site.pk}/{page}/")
    assert (response.status_code, response.context["site"]) == (200, site)


# Rules


def test_the_owner_changes_the_rules(site: Site, owner_client: Client) -> None:
    response = owner_client.post(
        f"/sites/{site.pk}/settings/exclusions/",
        {
            "excludes_datacentres": "on",
            "hits_a_minute": "",
            "excluded_ips": "10.0.0.1/32 # me\n\n2001:DB8::/32",
            "excluded_paths": "/a/**",
            "excluded_countries": "Germany",
            "excluded_referrers": "https://www.spam.example/x",
            "allowed_hosts": "*.Example.com",
        },
    )
    assert messages_of(response) == ["The exclusions are saved. They count for hits from now on."]
    site.refresh_from_db()
    assert (site.honours_do_not_track, site.excludes_spam) == (False, False)
    assert (site.excludes_datacentres, site.hits_a_minute) == (True, None)
    assert site.excluded_ips == "10.0.0.1  # me\n2001:db8::/32"
    assert (site.excluded_paths, site.excluded_countries) == ("/a/**", "DE")
    assert (site.excluded_referrers, site.allowed_hosts) == ("spam.example", "*.example.com")


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        (
            "excluded_ips",
            "10.0.0.1\n10.0.0.0/99",
            "Line 2: “10.0.0.0/99” is neither an IP address, as in 203.0.113.7, nor a network, "
            "as in 203.0.113.0/24 or 2001:db8::/32.",
        ),
        ("excluded_ips", "::/0", "Line 1: “::/0” means everybody."),
        (
            "excluded_paths",
            "example.com/a",
            "Line 1: “example.com/a” is no path: it begins with a slash, as in /imprint or "
            "/blog/**, and has neither https:// nor a host name.",
        ),
        (
            "excluded_countries",
            "DE\nAtlantis",
            "Line 2: “Atlantis” is no country. Give its two letters or its name, as in DE or "
            "Germany.",
        ),
        (
            "excluded_referrers",
            "spam",
            "Line 1: “spam” is not a domain. Give it as in example.com.",
        ),
        (
            "allowed_hosts",
            "*.example",
            "Line 1: “example” is not a domain. Give it as in example.com.",
        ),
        ("hits_a_minute", "0", "Ensure this value is greater than or equal to 1."),
        ("hits_a_minute", "many", "Enter a whole number."),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_a_word(
    site: Site, owner_client: Client, field: str, typed: str, message: str
) -> None:
    response = owner_client.post(
        f"/sites/{site.pk}/settings/exclusions/", RULES | {"excluded_paths": "/b", field: typed}
    )
    assert response.status_code == 200
    assert response.context["form"].errors == {field: [message]}
    assert escape(typed) in response.content.decode()
    assert Site.objects.get().excluded_paths == ""


def test_the_page_says_whether_data_centres_are_known(
    site: Site, owner_client: Client, settings: Settings
) -> None:
    page = f"/sites/{site.pk}/settings/exclusions/"
    assert "This server has no list of data centres yet" in owner_client.get(page).content.decode()


def test_the_page_says_ones_own_address(site: Site, owner_client: Client) -> None:
    response = owner_client.get(
        f"/sites/{site.pk}/settings/exclusions/", REMOTE_ADDR="::ffff:203.0.113.9"
    )
    assert "<code>203.0.113.9</code>" in response.content.decode()


# Filtered


def test_the_numbers_are_of_the_days_that_were_chosen(site: Site, owner_client: Client) -> None:
    process_hits(
        record(site),
        record(site, prefetch=True),
        record(site, NOON - timedelta(days=3), user_agent=GOOGLEBOT),
        record(site, NOON - timedelta(days=3), user_agent=GOOGLEBOT),
        record(site, NOON - timedelta(days=20), objection="dnt"),
    )

    def numbers(period: str) -> tuple[list[tuple[Reason, int]], int]:
        context = owner_client.get(f"/sites/{site.pk}/filtered/?period={period}").context
        rows = [(count.reason, count.hits) for count in context["counts"]]
        return rows, round(context["share"] * 100)

    assert numbers("today") == ([(Reason.PREFETCH, 1)], 50)
    assert numbers("7d") == ([(Reason.BOT, 2), (Reason.PREFETCH, 1)], 75)
    assert numbers("30d") == (
        [(Reason.BOT, 2), (Reason.DO_NOT_TRACK, 1), (Reason.PREFETCH, 1)],
        80,
    )


def test_a_period_that_there_is_not_is_said_to_be_none(site: Site, owner_client: Client) -> None:
    response = owner_client.get(f"/sites/{site.pk}/filtered/?period=century&reason=mood")
    assert response.status_code == 200
    assert "There is no period “century”." in response.content.decode()
    assert "There is no reason “mood”." in response.content.decode()


def test_hits_are_shown_by_reason_and_rule(site: Site, owner_client: Client) -> None:
    Site.objects.update(excluded_paths="/a\n/b")
    process_hits(
        record(site, url="/a"),
        record(site, NOON + timedelta(seconds=1), url="/b"),
        record(site, NOON + timedelta(seconds=2), prefetch=True, url="/c"),
    )

    def shown(query: str) -> list[str]:
        hits = owner_client.get(f"/sites/{site.pk}/filtered/?{query}").context["hits"]
        return [hit.page for hit in hits]

    assert shown("") == ["/c", "/b", "/a"]
    assert shown("reason=path") == ["/b", "/a"]
    assert shown("reason=path&rule=/a") == ["/a"]
    assert shown("reason=bot") == []


def test_ticked_hits_are_counted_after_all(site: Site, owner_client: Client) -> None:
    process_hits(*(record(site, prefetch=True, url=f"/{n}") for n in range(3)))
    ids = site.excluded_hits.filter(page__in=["/0", "/2"]).values_list("pk", flat=True)
    response = owner_client.post(
        f"/sites/{site.pk}/filtered/?period=today", {"action": "restore", "hit": list(ids)}
    )
    assert response["Location"] == f"/sites/{site.pk}/filtered/?period=today"
    assert messages_of(response) == ["2 hits are counted after all."]
    assert {event.page for event in Event.objects.all()} == {"/0", "/2"}
    assert ExcludedDay.objects.get().hits == 1


def test_all_hits_of_a_rule_are_purged_and_stay_counted(site: Site, owner_client: Client) -> None:
    Site.objects.update(excluded_paths="/a\n/b")
    process_hits(record(site, url="/a"), record(site, url="/a"), record(site, url="/b"))
    response = owner_client.post(
        f"/sites/{site.pk}/filtered/",
        {"action": "purge", "everything": "1", "reason": "path", "rule": "/a"},
    )
    assert messages_of(response) == ["2 hits are purged; they stay among the numbers."]
    assert list(ExcludedHit.objects.values_list("page", flat=True)) == ["/b"]
    assert ExcludedDay.objects.get().hits == 3
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"action": "restore"}, "Tick the hits that you mean."),
        ({"action": "restore", "hit": "99999999999999999999"}, "Tick the hits that you mean."),
        ({"action": "restore", "hit": "x"}, "Tick the hits that you mean."),
        ({"action": "bless", "everything": "1"}, "Nothing was changed."),
        ({"action": "purge", "everything": "1", "reason": "mood"}, "Nothing was changed."),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    site: Site, owner_client: Client, data: dict[str, str], message: str
) -> None:
    process_hits(record(site, prefetch=True))
    response = owner_client.post(f"/sites/{site.pk}/filtered/", data)
    assert messages_of(response) == [message]
    assert ExcludedHit.objects.count() == 1


def test_hits_of_ones_other_site_are_not_touched(site: Site, owner_client: Client) -> None:
    other = SiteFactory(owner=site.owner)
    process_hits(record(other, prefetch=True))
    hit = ExcludedHit.objects.get()
    for action in ("purge", "restore"):
        owner_client.post(f"/sites/{site.pk}/filtered/", {"action": action, "hit": hit.pk})
        owner_client.post(f"/sites/{site.pk}/filtered/", {"action": action, "everything": "1"})
    assert ExcludedHit.objects.get() == hit


@pytest.mark.not_on_clickhouse
@pytest.mark.parametrize("count", [1, 60])
def test_the_page_asks_the_database_as_often_for_many_hits(
    site: Site,
    owner_client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    count: int,
) -> None:
    process_hits(*(record(site, prefetch=True) for _ in range(count)))
    # Session, user, site, how many are kept, the hits, counts, events.
    with django_assert_num_queries(9):
        owner_client.get(f"/sites/{site.pk}/filtered/")


# Crawlers


def test_crawlers_are_listed_with_their_pages(site: Site, owner_client: Client) -> None:
    process_hits(
        record(site, user_agent=GPTBOT, url="/a"),
        record(site, user_agent=GPTBOT, url="/b"),
        record(site, user_agent=GPTBOT, url="/b"),
        record(site, user_agent=GOOGLEBOT, url="/a"),
    )

    def rows(query: str) -> list[tuple[str, int, int, bool]]:
        found = owner_client.get(f"/sites/{site.pk}/crawlers/?{query}").context["rows"]
        return [(row.name, row.hits, row.pages, row.is_ai) for row in found]

    assert rows("") == [("GPTBot", 3, 2, True), ("Googlebot", 1, 1, False)]
    assert rows("kind=ai") == [("GPTBot", 3, 2, True)]
    assert rows("kind=bots") == [("Googlebot", 1, 1, False)]
    assert rows("kind=nonsense") == rows("")
    assert rows("crawler=GPTBot") == [("/b", 2, 0, False), ("/a", 1, 0, False)]
    assert rows("crawler=Nobody") == []


# One's own visits


def test_anybody_with_the_link_can_choose_not_to_be_counted(site: Site, client: Client) -> None:
    page = f"/opt-out/{site.public_id}/"
    assert "with this browser are counted" in client.get(page).content.decode()

    response = client.post(page, {"count": "no"})
    cookie = response.cookies[f"uncounted_{site.pk}"]
    assert (response.status_code, response["Location"]) == (302, page)
    assert (cookie.value, cookie["samesite"], cookie["httponly"]) == ("1", "Lax", True)
    assert "with this browser are not counted" in client.get(page).content.decode()

    client.get(f"/t/{site.public_id}.gif?url=https://example.com/")
    spool.spool().close()
    assert process().excluded == {Reason.OPTED_OUT: 1}

    client.post(page, {"count": "yes"})
    assert "with this browser are counted" in client.get(page).content.decode()


def test_over_https_the_cookie_goes_with_pages_of_other_domains(
    site: Site, client: Client, settings: Settings
) -> None:
    settings.HTTPS = True
    response = client.post(f"/opt-out/{site.public_id}/", {"count": "no"})
    cookie = response.cookies[f"uncounted_{site.pk}"]
    assert (cookie["samesite"], cookie["secure"]) == ("None", True)


def test_the_link_shows_no_figures_and_no_site_that_is_not_there(
    site: Site, client: Client, owner: User
) -> None:
    assert client.get("/opt-out/00000000-0000-0000-0000-000000000000/").status_code == 404
    html = client.get(f"/opt-out/{site.public_id}/").content.decode()
    assert (site.domain in html, owner.email in html) == (True, False)
