"""The back office: who may open what, what it shows, and that it stays fast."""

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
from tracking.models import Event, QueueFile, Salt, Site, Visit
from tracking.tests.back_office import EVENTS, VISITS, listed
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)


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


# How often it asks the database


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


# The machinery


def test_a_salt_never_shows_its_value(staff_client: Client) -> None:
    salt = Salt.objects.create(day=NOON.date(), value=b"secret salt of this very day!!!!")
    for address in ("/admin/tracking/salt/", f"/admin/tracking/salt/{salt.pk}/change/"):
        with CaptureQueriesContext(connection) as queries:
            response = staff_client.get(address)
        assert "15 Mar 2026" in response.text
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
