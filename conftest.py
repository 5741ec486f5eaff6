"""Fixtures of all apps: the standing cast, and settings that keep tests fast and apart."""

import gc
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db.models import Model
from django.forms import BaseForm
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.roles import ANALYSTS, OPERATORS
from accounts.tests.factories import UserFactory
from tracking.models import Site
from tracking.models.labels import remembered
from tracking.routers import events_are_in_clickhouse
from tracking.tests.clickhouse_rows import forget_events
from tracking.tests.factories import SiteFactory
from tracking.tests.hits import NOON
from tracking_project.logs import LOUD_WHEN_BROKEN

# A fifth of the time went into looking for cycles among the objects of the application.
gc.set_threshold(100_000, 50, 50)


@pytest.fixture(autouse=True)
def quick_and_apart(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.DATA_DIR = settings.STATIC_ROOT = tmp_path
    settings.SPOOL_DIR = tmp_path / "spool"
    settings.GEOIP_PATH = tmp_path / "city.mmdb"
    settings.GEOIP_URL = ""
    settings.DATACENTRES_PATH = tmp_path / "datacentres.txt"
    settings.ASN_PATH = tmp_path / "asn.mmdb"
    remembered.forget()  # the numbers of labels that the last test's rollback has undone
    for name in LOUD_WHEN_BROKEN:  # every test hears everything
        monkeypatch.setattr(logging.getLogger(name), "filters", [])
    # Look for new sites at once, in the request: threads see nothing of a test's transaction.
    settings.COLLECTOR_SITES_SECONDS = 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever uses the database uses that of visits and events, too."""
    elsewhere = "not_on_clickhouse" if events_are_in_clickhouse() else "only_on_clickhouse"
    items[:] = [item for item in items if not item.get_closest_marker(elsewhere)]
    for item in items if events_are_in_clickhouse() else ():
        marker = item.get_closest_marker("django_db")
        used = {"db", "transactional_db"} & {*getattr(item, "fixturenames", ())}
        if marker or used:
            given = marker.kwargs if marker else {}
            about = {"transaction": "transactional_db" in used, **given, "databases": "__all__"}
            item.add_marker(pytest.mark.django_db(**about), append=False)


@pytest.fixture(autouse=True)
def without_old_events(request: pytest.FixtureRequest) -> Iterator[None]:
    """ClickHouse does not roll back what a test has stored."""
    yield
    if events_are_in_clickhouse() and request.node.get_closest_marker("django_db"):
        forget_events()


@pytest.fixture
def owner(db: None) -> User:
    return UserFactory(email="owner@example.com", name="Olive Owner")


@pytest.fixture
def stranger(db: None) -> User:
    return UserFactory(email="stranger@example.com", name="Sam Stranger")


@pytest.fixture
def staff(db: None) -> User:
    return UserFactory(email="staff@example.com", is_staff=True, is_superuser=True)


@pytest.fixture
def analyst(db: None) -> User:
    user = UserFactory(email="analyst@example.com", name="Ann Analyst", is_staff=True)
    user.groups.add(Group.objects.get(name=ANALYSTS))
    return user


@pytest.fixture
def operator(db: None) -> User:
    user = UserFactory(email="operator@example.com", name="Otto Operator", is_staff=True)
    user.groups.add(Group.objects.get(name=OPERATORS))
    return user


@pytest.fixture
def site(owner: User) -> Site:
    return SiteFactory(owner=owner, domain="example.com")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def owner_client(owner: User) -> Client:
    return signed_in(owner)


@pytest.fixture
def stranger_client(stranger: User) -> Client:
    return signed_in(stranger)


@pytest.fixture
def staff_client(staff: User) -> Client:
    return signed_in(staff)


@pytest.fixture
def analyst_client(analyst: User) -> Client:
    return signed_in(analyst)


@pytest.fixture
def operator_client(operator: User) -> Client:
    return signed_in(operator)


Meanwhile = Callable[[type[BaseForm], Callable[[], object]], None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Lets something happen after a form has been found valid, and before it is saved."""

    def patch(form_class: type[BaseForm], happen: Callable[[], object]) -> None:
        is_valid, happened = form_class.is_valid, False

        def slow_is_valid(form: BaseForm) -> bool:
            nonlocal happened
            valid = is_valid(form)
            if valid and not happened:
                happened = True
                happen()
            return valid

        monkeypatch.setattr(form_class, "is_valid", slow_is_valid)

    return patch


Overlooked = Callable[[type[Model], str], None]


@pytest.fixture
def overlooked(monkeypatch: pytest.MonkeyPatch) -> Overlooked:
    """Lets a check of a model find nothing the first time, as if the rows had come after it."""

    def patch(model: type[Model], check: str) -> None:
        original, first = getattr(model, check), iter([True])

        def blind(*args: Any, **kwargs: Any) -> None:
            if not next(first, False):
                original(*args, **kwargs)

        monkeypatch.setattr(model, check, blind)

    return patch


@pytest.fixture
def in_the_afternoon() -> Iterator[None]:
    """Hits of NOON are of today."""
    with time_machine.travel(NOON + timedelta(hours=3)):
        yield
