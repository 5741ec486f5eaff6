"""The back office: who may open what, what it shows, and that it stays fast."""

import html
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.tests.factories import UserFactory
from conftest import Overlooked
from tracking.admin import filters, reports
from tracking.models import Event, QueueFile, Salt, Site, Visit
from tracking.reporting.filters import Filter, Operator
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script>"
VISITS = "/admin/tracking/visit/"
EVENTS = "/admin/tracking/event/"


@pytest.fixture
def event(site: Site) -> Event:
    return EventFactory(visit=VisitFactory(site=site))


@pytest.fixture
def pages(event: Event, staff: User) -> list[str]:
    """One address of each kind that the back office has."""
    file = QueueFile.objects.create(folder="0b5c5d9e-6f4c-4c39-8a1e-1f1f1f1f1f1f", name="a.jsonl")
    salt = Salt.objects.create(day=NOON.date())
    rows: list[Any] = [event, event.visit, event.site, event.site.owner, file, salt]
    found = [reverse("admin:index"), reverse("admin:app_list", args=["tracking"])]
    for row in rows:
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        found.append(reverse(f"{name}_changelist"))
        found += [reverse(f"{name}_{view}", args=[row.pk]) for view in ("change", "history")]
    found += [reverse(f"admin:{model}_add") for model in ("tracking_site", "accounts_user")]
    found += [reverse(f"admin:{model}_changelist") for model in ("auth_group",)]
    found.append(reverse("admin:tracking_visit_delete", args=[event.visit.pk]))
    found.append(reverse("admin:tracking_site_delete", args=[event.site.pk]))
    found.append(reverse("admin:auth_user_password_change", args=[event.site.owner.pk]))
    return found


def staff_with(client: Client, *codenames: str) -> User:
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return user


def listed(client: Client, address: str) -> list[int]:
    response = client.get(address)
    assert response.status_code == 200
    return [row.pk for row in response.context["cl"].result_list]


# Who may open what


def test_anonymous_visitors_are_led_to_the_log_in_page(client: Client, pages: list[str]) -> None:
    for page in pages:
        response = client.get(page, follow=True)
        assert response.redirect_chain[-1] == (f"/account/login/?next={page}", 302)


def test_people_who_are_not_staff_are_told_so(owner_client: Client, pages: list[str]) -> None:
    for page in pages:
        response = owner_client.get(page, follow=True)
        assert response.status_code == 403
        assert "The back office is for the staff of this installation" in response.text
        assert "style-src-attr" not in response["Content-Security-Policy"]


def test_superusers_may_open_everything(staff_client: Client, pages: list[str]) -> None:
    assert {page: staff_client.get(page).status_code for page in pages} == dict.fromkeys(pages, 200)


def test_staff_without_permissions_see_the_index_and_nothing_else(
    client: Client, pages: list[str]
) -> None:
    staff_with(client)
    index, *others = pages
    response = client.get(index)
    assert "You may open the back office, but nothing in it yet." in response.text
    overview = response.context["overview"]
    parts = ("sites", "totals", "busiest", "new_users", "new_sites", "health")
    assert [getattr(overview, part) for part in parts] == [None] * len(parts)
    statuses = {page: client.get(page).status_code for page in others}
    assert {status for page, status in statuses.items() if page != "/admin/tracking/"} == {403}
    assert statuses["/admin/tracking/"] == 404


def test_staff_who_may_view_visits_see_visits_only(client: Client, event: Event) -> None:
    staff_with(client, "view_visit")
    visit = event.visit
    assert listed(client, VISITS) == [visit.pk]
    page = client.get(f"{VISITS}{visit.pk}/change/")
    assert page.status_code == 200
    assert "Delete" not in page.text
    assert client.get(f"{VISITS}{visit.pk}/delete/").status_code == 403
    assert client.post(f"{VISITS}{visit.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(EVENTS).status_code == 403
    titles = [group.get("title") for group in client.get("/admin/").context["sidebar_navigation"]]
    assert titles == [None, "Reports"]


def test_logging_in_leads_to_the_page_that_was_asked_for(client: Client, staff: User) -> None:
    client.force_login(staff)
    response = client.get("/admin/login/")
    assert (response.status_code, response["Location"]) == (302, "/admin/")


def test_the_own_password_is_changed_where_everybody_changes_it(staff_client: Client) -> None:
    assert staff_client.get("/admin/password_change/")["Location"] == reverse(
        "account_change_password"
    )


# Content security policy


def test_only_the_back_office_has_a_looser_policy(staff_client: Client, staff: User) -> None:
    def policy(address: str) -> dict[str, str]:
        parts = staff_client.get(address)["Content-Security-Policy"].split("; ")
        return dict(part.partition(" ")[::2] for part in parts)

    strict, looser = policy("/"), policy("/admin/")
    assert strict["script-src"] == "'self'"
    assert looser == strict | {
        "script-src": "'self' 'unsafe-eval'",
        "style-src-attr": "'unsafe-inline'",
    }


def test_no_page_has_an_inline_script_or_style_sheet(
    staff_client: Client, pages: list[str]
) -> None:
    for page in pages:
        text = staff_client.get(page).text
        assert re.findall(r"<style|<script(?![^>]* (?:src=|type=\"application/json\"))", text) == []


# The index


def test_an_empty_installation_is_welcoming(staff_client: Client) -> None:
    assert "Add your first site" in staff_client.get("/admin/").text
    assert "No visits yet" in staff_client.get(VISITS).text
    assert "No events yet" in staff_client.get(EVENTS).text


def test_the_command_palette_finds_sites_and_users(
    client: Client, staff_client: Client, site: Site
) -> None:
    cache.clear()

    def found(client: Client) -> list[str]:
        response = client.get("/admin/search/", {"s": "owner@", "extended": "1"})
        return [result.link for result in response.context["results"]]

    user_page = f"/admin/accounts/user/{site.owner.pk}/change/"
    site_page = f"/admin/tracking/site/{site.pk}/change/"
    assert found(staff_client) == [site_page, user_page]
    staff_with(client, "view_user")
    assert found(client) == [user_page]


@pytest.mark.parametrize("page", ["x", "0", "-1", "99"])
def test_the_command_palette_has_no_other_pages(staff_client: Client, page: str) -> None:
    assert staff_client.get(f"/admin/search/?s=a&page={page}").status_code == 404


# Visits and events


def test_a_visit_shows_its_events_in_order(staff_client: Client, site: Site) -> None:
    visit = VisitFactory(site=site, country="DE", city="Berlin", duration=3_725_000)
    events = [EventFactory(visit=visit, page=f"/{page}") for page in "abc"]
    EventFactory(visit=VisitFactory(site=site), page="/other")
    response = staff_client.get(f"{VISITS}{visit.pk}/change/")
    inline = response.context["inline_admin_formsets"][0]
    assert [form.instance for form in inline.formset.forms] == events
    assert "Germany" in response.text
    assert "1 h 2 min" in response.text


def test_a_visit_shows_how_its_pages_were_read_and_what_came_of_it(
    staff_client: Client, site: Site
) -> None:
    visit = VisitFactory(site=site, screen="1440x900", language="de-CH")
    EventFactory(visit=visit, title="Prices", engaged=75_000, scroll=80)
    EventFactory(visit=visit, name="Order", props={"plan": "big"}, revenue="9.5", currency="EUR")
    text = staff_client.get(f"{VISITS}{visit.pk}/change/").text
    for known in ("1440x900", "de-CH", "Prices", "1m\xa015s", "80%", "plan: big", "9.500 EUR"):
        assert known in text


def test_a_visit_stands_on_a_map_where_its_place_is_known(staff_client: Client, site: Site) -> None:
    known = VisitFactory(site=site, city="Singapore", latitude="1.35", longitude="103.8")
    text = staff_client.get(f"{VISITS}{known.pk}/change/").text
    assert '<circle cx="756.4" cy="255.5"' in text
    assert 'aria-label="Map of the world: Singapore"' in text
    unknown = VisitFactory(site=site)
    assert "<circle" not in staff_client.get(f"{VISITS}{unknown.pk}/change/").text


def test_a_visit_leads_to_those_like_it(
    staff_client: Client, owner_client: Client, staff: User, site: Site
) -> None:
    page = "/a,b?c"
    foreign = VisitFactory(site=site, entry_page=page)
    own = VisitFactory(site=SiteFactory(owner=staff), entry_page=page)

    def links(visit: Visit) -> list[str]:
        text = staff_client.get(f"{VISITS}{visit.pk}/change/").text
        found = re.findall(r'href="([^"]+)" class="text-link"', text)
        return [html.unescape(link) for link in found if "%2Fa" in link]

    [to_list] = links(foreign)
    assert listed(staff_client, to_list) == [foreign.pk]
    to_list, to_dashboard = links(own)
    assert listed(staff_client, to_list) == [own.pk]
    report = staff_client.get(to_dashboard).context["report"]
    assert report.filters == (Filter("entry_page", Operator.IS, (page,)),)


def test_visits_and_events_cannot_be_added_or_changed(staff_client: Client, event: Event) -> None:
    for address, pk in ((VISITS, event.visit.pk), (EVENTS, event.pk)):
        assert staff_client.get(f"{address}add/").status_code == 403
        assert staff_client.post(f"{address}{pk}/change/", {"page": "/x"}).status_code == 403


def test_a_visit_is_deleted_with_its_events(staff_client: Client, site: Site) -> None:
    visit, other = VisitFactory(site=site), EventFactory(visit__site=site).visit
    EventFactory.create_batch(3, visit=visit)
    confirmation = staff_client.get(f"{VISITS}{visit.pk}/delete/")
    assert dict(confirmation.context["model_count"]) == {"visits": 1, "events": 3}
    staff_client.post(f"{VISITS}{visit.pk}/delete/", {"post": "yes"})
    assert list(Visit.objects.all()) == [other]
    assert Event.objects.count() == 1
    assert staff_client.get(f"{EVENTS}{Event.objects.get().pk}/delete/").status_code == 403


def test_hostile_values_are_shown_as_text(staff_client: Client, site: Site) -> None:
    visit = VisitFactory(
        site=site,
        entry_page=f"/{HOSTILE}",
        source=HOSTILE,
        referrer=f"javascript:{HOSTILE}",
        browser=HOSTILE,
        os=HOSTILE,
        city=HOSTILE,
        country="<b",
        hostname=HOSTILE,
    )
    event = EventFactory(visit=visit, name=HOSTILE, page=HOSTILE)
    site.name = HOSTILE
    site.save()
    pages = [
        VISITS,
        f"{VISITS}{visit.pk}/change/",
        f"{VISITS}?q={HOSTILE}&browser={HOSTILE}",
        EVENTS,
        f"{EVENTS}{event.pk}/change/",
        "/admin/tracking/site/",
        f"/admin/tracking/site/{site.pk}/change/",
        "/admin/",
    ]
    for page in pages:
        text = staff_client.get(page).text
        assert "alert(&#x27;x&#x27;)" in text
        assert "<script>alert" not in text
        assert 'href="javascript:' not in text


def test_filters_narrow_the_list(staff_client: Client, site: Site) -> None:
    wanted = VisitFactory(
        site=site, browser="Firefox", country="DE", device="Mobile", source="Bing", channel="Search"
    )
    VisitFactory(browser="Chrome", country="FR", device="Desktop", source="x.com")
    for query in (
        "browser=Firefox",
        "country=DE",
        "device=Mobile",
        "channel=Search",
        "source__icontains=bin",
        f"site__id__exact={site.pk}",
        f"site__id__exact={site.pk}&browser=Firefox&country=",
    ):
        assert listed(staff_client, f"{VISITS}?{query}") == [wanted.pk]
    assert listed(staff_client, f"{VISITS}?browser=Firefox&country=FR") == []


@pytest.mark.not_on_clickhouse
def test_filters_offer_the_values_of_the_newest_rows(
    staff_client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "NEWEST", 2)
    for browser in ("Lynx", "Firefox", ""):
        VisitFactory(site=site, browser=browser, country="DE")

    def offered(query: str, name: str) -> list[tuple[str, str]]:
        changelist = staff_client.get(VISITS + query).context["cl"]
        (spec,) = (spec for spec in changelist.filter_specs if spec.field_path == name)
        (choice,) = spec.choices(changelist)
        return [tuple(option) for option in choice["form"].fields[name].choices]

    assert offered("", "browser") == [("", "All"), ("Firefox", "Firefox")]
    assert offered("?browser=Lynx", "browser") == [
        ("", "All"),
        ("Firefox", "Firefox"),
        ("Lynx", "Lynx"),
    ]
    assert offered("", "country") == [("", "All"), ("DE", "Germany")]


def test_search_finds_entry_page_id_and_address(staff_client: Client, site: Site) -> None:
    wanted = VisitFactory(site=site, entry_page="/pricing", ip="2001:db8::1")
    VisitFactory(site=site, entry_page="/about", ip="192.0.2.7")
    for query in ("pric", str(wanted.pk), "2001:db8::1", "2001:DB8:0::1"):
        assert listed(staff_client, f"{VISITS}?q={query}") == [wanted.pk]
    assert listed(staff_client, f"{VISITS}?q=192.0.2.8") == []
    assert listed(staff_client, f"{VISITS}?q={'9' * 19}") == []
    assert listed(staff_client, f"{VISITS}?q={'9' * 5000}") == []


@pytest.mark.parametrize(
    "query",
    [
        "day_from=x",
        "day_from=2026-02-31",
        "day_from=2026-03-02&day_to=2026-03-01",
        "day_from=0001-01-01",
        "day_to=9999-12-31",
        "pageviews=x",
        "pageviews=-1",
        f"duration={'9' * 23}",
        "p=0",
        "p=101",
        "started_at__year=2026",
        "started_at__regex=(",
        "nonsense=1",
        "site__id__exact=x",
        f"site__id__exact={'9' * 23}",
        f"site={'9' * 23}",
        "id__range=1",
        "hostname__range=abc",
        "hostname__startswith=example",
    ],
)
def test_a_query_string_that_makes_no_sense_leads_back_to_the_list(
    staff_client: Client, event: Event, query: str
) -> None:
    response = staff_client.get(f"{VISITS}?{query}", follow=True)
    assert response.status_code == 200
    assert response.redirect_chain == [(f"{VISITS}?e=1", 302)]


@pytest.mark.parametrize(
    ("address", "query"),
    [
        (EVENTS, "time__year=2026"),
        ("/admin/tracking/site/", f"owner={'9' * 23}"),
        ("/admin/tracking/site/", f"owner__id__exact={'9' * 23}"),
        ("/admin/tracking/site/", "owner__password__startswith=a"),
        ("/admin/accounts/user/", "email__regex=("),
        ("/admin/accounts/user/", "id__range=1"),
        ("/admin/auth/group/", "id__range=1"),
        ("/admin/tracking/queuefile/", "folder__startswith=0"),
    ],
)
def test_other_lists_take_no_nonsense_either(
    staff_client: Client, site: Site, address: str, query: str
) -> None:
    response = staff_client.get(f"{address}?{query}")
    assert (response.status_code, response.headers.get("Location")) == (302, f"{address}?e=1")


@pytest.mark.parametrize(
    "address",
    [
        f"{VISITS}?q=a%00b",
        f"{VISITS}?browser=a%00b",
        f"{VISITS}?source__icontains=a%00b",
        "/admin/search/?s=a%00b&extended=1",
        "/admin/autocomplete/?app_label=tracking&model_name=site&field_name=owner&term=a%00b",
    ],
)
def test_no_address_holds_a_nul_character(staff_client: Client, address: str) -> None:
    assert staff_client.get(address).status_code == 400


def test_a_fault_of_our_own_is_not_taken_for_one_of_the_address(
    staff_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(reports.ReportAdmin, "get_search_results", fail)
    for address in (VISITS, f"{VISITS}?e=1"):
        with pytest.raises(ValueError, match="a bug"):
            staff_client.get(address)


def test_the_newest_rows_come_first_whatever_order_is_asked_for(
    staff_client: Client, site: Site
) -> None:
    visits = VisitFactory.create_batch(3, site=site)
    newest_first = [visit.pk for visit in reversed(visits)]
    assert listed(staff_client, VISITS) == newest_first
    assert listed(staff_client, f"{VISITS}?o=1.2") == newest_first


def test_pages_are_turned_without_counting(
    staff_client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports.ReportAdmin, "list_per_page", 2)
    visits = [visit.pk for visit in reversed(VisitFactory.create_batch(4, site=site))]
    first = staff_client.get(VISITS)
    assert "Older" in first.text
    second = staff_client.get(f"{VISITS}?p=2")
    assert [row.pk for row in second.context["cl"].result_list] == visits[2:]
    assert "Older" not in second.text
    assert "Newer" in second.text


@pytest.mark.not_on_clickhouse
def test_queries_do_not_grow_with_the_rows(
    staff_client: Client, site: Site, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    expected = {
        "/admin/": 13,
        VISITS: 18,
        f"{VISITS}?browser=Firefox": 18,
        EVENTS: 14,
        "/admin/tracking/site/": 11,
        "/admin/accounts/user/": 6,
    }
    ContentType.objects.get_for_models(Visit, Event)  # asked for once by each process
    for rows in (1, 3):
        while Event.objects.count() < rows:
            visit = VisitFactory(site=SiteFactory(), browser="Firefox")
            event = EventFactory(visit=visit)
        detail = {
            f"{VISITS}{visit.pk}/change/": 7,
            f"{EVENTS}{event.pk}/change/": 4,
        }
        for address, count in (expected | detail).items():
            staff_client.get(address)  # texts of labels are remembered from now on
            cache.clear()
            with django_assert_num_queries(count):
                staff_client.get(address)


@pytest.mark.not_on_clickhouse
def test_the_detail_page_does_not_ask_more_for_more_events(
    staff_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    visit = VisitFactory()
    for _ in range(3):
        EventFactory(visit=visit)
        with django_assert_num_queries(7):
            staff_client.get(f"{VISITS}{visit.pk}/change/")


# Sites


def test_a_site_is_added_for_anybody_with_its_domain_cleaned(
    staff_client: Client, owner: User
) -> None:
    form = {"domain": "https://www.Bücher.example/x", "owner": owner.pk, "time_zone": "Asia/Tokyo"}
    response = staff_client.post("/admin/tracking/site/add/", form)
    assert response.status_code == 302
    site = Site.objects.get()
    assert (site.domain, site.owner, site.time_zone) == ("bücher.example", owner, "Asia/Tokyo")

    again = staff_client.post("/admin/tracking/site/add/", form)
    assert again.context["errors"] == [["You have added this site already."]]
    assert Site.objects.count() == 1
    wrong = staff_client.post("/admin/tracking/site/add/", form | {"domain": "no domain"})
    assert wrong.context["adminform"].errors == {
        "domain": ["“no domain” is not a domain. Give it as in example.com."]
    }


def test_a_site_added_meanwhile_is_not_added_again(
    staff_client: Client, site: Site, owner: User, overlooked: Overlooked
) -> None:
    overlooked(Site, "validate_constraints")
    form = {"domain": "example.com", "owner": owner.pk, "time_zone": "UTC"}
    response = staff_client.post("/admin/tracking/site/add/", form)
    assert response.context["errors"] == [["You have added this site already."]]
    assert Site.objects.count() == 1


@pytest.mark.parametrize("value", ["x", "9" * 23])
def test_an_address_fills_nothing_in(staff_client: Client, value: str) -> None:
    response = staff_client.get(f"/admin/tracking/site/add/?owner={value}&domain={value}")
    assert response.status_code == 200
    form = response.context["adminform"].form
    assert (form["owner"].value(), form["domain"].value()) == (None, None)


def test_a_dashboard_is_linked_only_for_those_who_may_see_it(
    staff_client: Client, staff: User, site: Site
) -> None:
    own = SiteFactory(owner=staff)
    text = staff_client.get("/admin/tracking/site/").text
    assert re.findall(r'href="(/sites/\d+/)"', text) == [own.get_absolute_url()]

    def has_link(shown: Site) -> bool:
        page = staff_client.get(f"/admin/tracking/site/{shown.pk}/change/")
        return shown.get_absolute_url() in page.text

    assert (has_link(own), has_link(site)) == (True, False)


def test_a_site_is_deleted_with_all_it_has(staff_client: Client, event: Event) -> None:
    kept = EventFactory()
    address = f"/admin/tracking/site/{event.site.pk}/delete/"
    confirmation = staff_client.get(address)
    assert "example.com, with all of its visits and events" in confirmation.text
    staff_client.post(address, {"post": "yes"})
    assert list(Site.objects.all()) == [kept.site]
    assert list(Visit.objects.all()) == [kept.visit]
    assert list(Event.objects.all()) == [kept]


# The machinery


def test_a_salt_never_shows_its_value(staff_client: Client) -> None:
    salt = Salt.objects.create(day=NOON.date(), value=b"secret salt of this very day!!!!")
    for address in ("/admin/tracking/salt/", f"/admin/tracking/salt/{salt.pk}/change/"):
        with CaptureQueriesContext(connection) as queries:
            response = staff_client.get(address)
        assert "March 15, 2026" in response.text
        assert "secret" not in response.text
        assert not [query for query in queries if '"tracking_salt"."value"' in query["sql"]]


@pytest.mark.parametrize(
    "lookup", ["value__regex=", "value__startswith=s", "value=x", "day=2026-03-15"]
)
def test_nobody_finds_a_salt_out_by_asking(staff_client: Client, lookup: str) -> None:
    Salt.objects.create(day=NOON.date(), value=b"secret salt of this very day!!!!")
    response = staff_client.get(f"/admin/tracking/salt/?{lookup}")
    assert (response.status_code, response.headers.get("Location")) == (
        302,
        "/admin/tracking/salt/?e=1",
    )


def test_queue_files_and_salts_are_only_looked_at(staff_client: Client) -> None:
    rows: list[QueueFile | Salt] = [
        QueueFile.objects.create(folder="0b5c5d9e-6f4c-4c39-8a1e-1f1f1f1f1f1f", name="a.jsonl"),
        Salt.objects.create(day=NOON.date()),
    ]
    for row in rows:
        address = f"/admin/tracking/{row._meta.model_name}/"
        assert staff_client.get(f"{address}add/").status_code == 403
        assert staff_client.post(f"{address}{row.pk}/change/", {}).status_code == 403
        assert staff_client.post(f"{address}{row.pk}/delete/", {"post": "yes"}).status_code == 403
