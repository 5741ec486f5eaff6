"""The list of what staff has changed."""

import re

from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tracking.models import Site

LOG = "/admin/admin/logentry/"


def note(staff: User, site: Site, flag: int, message: str = "") -> LogEntry:
    LogEntry.objects.log_actions(staff.pk, [site], flag, message)
    return LogEntry.objects.latest("pk")


def test_what_staff_changes_is_listed_with_a_link(
    staff_client: Client, staff: User, site: Site
) -> None:
    entry = note(staff, site, CHANGE, "Renamed.")
    text = staff_client.get(LOG).text
    assert f'href="/admin/tracking/site/{site.pk}/change/"' in text
    assert "Renamed." in text
    detail = staff_client.get(f"{LOG}{entry.pk}/change/")
    assert "Renamed." in detail.text
    assert ">Changed<" in re.sub(r"\s+", "", text)


def test_what_is_gone_has_no_link(staff_client: Client, staff: User, site: Site) -> None:
    note(staff, site, DELETION)
    text = staff_client.get(LOG).text
    assert "example.com" in text
    assert f"/site/{site.pk}/change/" not in text


def test_nobody_rewrites_the_log(staff_client: Client, staff: User, site: Site) -> None:
    entry = note(staff, site, CHANGE)
    assert staff_client.get(f"{LOG}add/").status_code == 403
    for page in ("change", "delete"):
        response = staff_client.post(f"{LOG}{entry.pk}/{page}/", {"post": "yes"})
        assert response.status_code == 403
    assert LogEntry.objects.filter(pk=entry.pk).exists()


def test_more_entries_ask_no_more(
    staff_client: Client, staff: User, site: Site, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        note(staff, site, CHANGE)
        with django_assert_num_queries(5):
            staff_client.get(LOG)
