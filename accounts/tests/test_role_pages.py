"""What each role may do with a row of each model: change, delete, look at its history."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE as CHANGED
from django.contrib.admin.models import LogEntry
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tracking.models import QueueFile, Salt, Site
from tracking.tests.factories import EventFactory
from tracking.tests.hits import NOON, process_hits, record

STAFF = ("staff_client", "operator_client", "analyst_client")
PEOPLE = ("owner_client", "stranger_client", "client")
# Reports are deleted by filter, or not at all; an operator deletes single visits.
DELETE = {
    "staff_client": {"accounts.User", "auth.Group", "tracking.Site", "tracking.Visit"},
    "operator_client": {"tracking.Visit"},
    "analyst_client": set(),
}
CHANGE = {"accounts.User", "auth.Group", "tracking.Site"}


@pytest.fixture
def rows(site: Site, staff: User, owner: User) -> list[Model]:
    """One of each model that the back office shows."""
    EventFactory()
    Salt.objects.get_or_create(day=date(2026, 3, 10))
    QueueFile.objects.create(folder=uuid4(), name="1-1-a.log", position=1)
    process_hits(record(site, NOON, prefetch=True))
    LogEntry.objects.log_actions(staff.pk, [owner], CHANGED, "changed", single_object=True)
    return [
        model._default_manager.order_by("pk")[0]
        for model in sorted(admin.site._registry, key=lambda model: model._meta.label)
    ]


def address(row: Model, page: str) -> str:
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=[row.pk])


def person(request: pytest.FixtureRequest, role: str) -> Any:
    return Client() if role == "client" else request.getfixturevalue(role)


@pytest.mark.parametrize("role", STAFF)
def test_staff_look_at_everything_and_delete_what_their_role_may(
    rows: list[Model], role: str, request: pytest.FixtureRequest
) -> None:
    client = person(request, role)
    for row in rows:
        label = row._meta.label
        for page in ("change", "history"):
            assert (label, client.get(address(row, page)).status_code) == (label, 200)
        expected = 200 if label in DELETE[role] else 403
        assert (label, client.get(address(row, "delete")).status_code) == (label, expected)
        if expected == 403:
            assert client.post(address(row, "delete"), {"post": "yes"}).status_code == 403
            assert type(row)._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("role", STAFF)
def test_what_a_role_may_not_change_takes_no_form(
    rows: list[Model], role: str, request: pytest.FixtureRequest
) -> None:
    client = person(request, role)
    for row in rows:
        may = role == "staff_client" and row._meta.label in CHANGE
        status = client.post(address(row, "change"), {}).status_code
        # An empty form is shown again, with what is wrong with it.
        assert (row._meta.label, status) == (row._meta.label, 200 if may else 403)


@pytest.mark.parametrize("role", PEOPLE)
def test_other_people_are_led_away(
    rows: list[Model], role: str, request: pytest.FixtureRequest
) -> None:
    client = person(request, role)
    for row in rows:
        for page in ("change", "delete", "history"):
            for method in (client.get, client.post):
                answer = method(address(row, page))
                assert (answer.status_code, "/login/" in answer["Location"]) == (302, True)
            assert type(row)._default_manager.filter(pk=row.pk).exists()
