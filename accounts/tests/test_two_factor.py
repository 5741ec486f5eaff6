"""Log in with a code of an authenticator app besides the password."""

import re
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.contrib.auth import get_user
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertRedirects

from accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.time_machine("2026-03-10T12:00Z", tick=False)]

PASSWORD = "correct horse battery"
LOGIN, CODE, INDEX = reverse("account_login"), reverse("mfa_authenticate"), reverse("mfa_index")
MANAGING = [
    "mfa_index",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_download_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_reauthenticate",
]


def code_for(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


def log_in(client: Client) -> Any:
    return client.post(LOGIN, {"login": "owner@example.com", "password": PASSWORD})


def confirm(client: Client) -> None:
    """The password once more, as these pages ask for it."""
    assert client.post(reverse("account_reauthenticate"), {"password": PASSWORD}).status_code == 302


@pytest.fixture
def protected(client: Client, owner: User) -> str:
    """The key of the owner's app, and recovery codes; the owner is logged in with `client`."""
    owner.set_password(PASSWORD)
    owner.save()
    log_in(client)
    confirm(client)
    page = client.get(reverse("mfa_activate_totp"))
    [secret] = re.findall(r"<code>(\w+)</code>", page.text)
    assertContains(page, "data:image/svg+xml")
    response = client.post(reverse("mfa_activate_totp"), {"code": code_for(secret)})
    assertRedirects(response, reverse("mfa_view_recovery_codes"))
    return str(secret)


def test_a_log_in_asks_for_the_code(protected: str) -> None:
    client = Client()
    assertRedirects(log_in(client), CODE)
    assert get_user(client).is_anonymous
    assert client.get("/account/profile/").status_code == 302
    assertContains(client.post(CODE, {"code": "000000"}), "This code is not right")
    with time_machine.travel("2026-03-10T12:01Z"):  # a code opens the door once
        assertRedirects(client.post(CODE, {"code": code_for(protected)}), reverse("index"))
    assert get_user(client).is_authenticated


def test_a_recovery_code_replaces_it_once(client: Client, protected: str) -> None:
    page = client.get(reverse("mfa_view_recovery_codes"))
    codes = re.findall(r"<code>(\d{8})</code>", page.text)
    assert len(set(codes)) == 10
    downloaded = client.get(reverse("mfa_download_recovery_codes")).text
    assert all(code in downloaded for code in codes)
    for expected in (302, 200):
        other = Client()
        log_in(other)
        assert other.post(CODE, {"code": codes[0]}).status_code == expected
    assertContains(client.get(INDEX), "9 codes left")


def test_new_recovery_codes_replace_the_old_ones(client: Client, protected: str) -> None:
    view = reverse("mfa_view_recovery_codes")
    before = re.findall(r"<code>(\d{8})</code>", client.get(view).text)
    assertContains(client.get(reverse("mfa_generate_recovery_codes")), "stop working")
    assertRedirects(client.post(reverse("mfa_generate_recovery_codes")), view)
    after = re.findall(r"<code>(\d{8})</code>", client.get(view).text)
    assert len(after) == 10
    assert not set(before) & set(after)


def test_it_can_be_turned_off(client: Client, protected: str) -> None:
    assertContains(client.get(INDEX), "It is on")
    assertContains(client.get(reverse("mfa_deactivate_totp")), "your password alone")
    assertRedirects(client.post(reverse("mfa_deactivate_totp")), INDEX)
    assert not Authenticator.objects.exists()
    assertRedirects(log_in(Client()), reverse("index"))


def test_a_wrong_code_turns_nothing_on(client: Client, owner: User) -> None:
    owner.set_password(PASSWORD)
    owner.save()
    log_in(client)
    asked = client.get(reverse("mfa_activate_totp"))
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    confirm(client)
    client.get(reverse("mfa_activate_totp"))
    response = client.post(reverse("mfa_activate_totp"), {"code": "000000"})
    assertContains(response, "This code is not right")
    assert not Authenticator.objects.exists()


def test_keys_are_not_readable_in_the_database(protected: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator")
        stored = str(cursor.fetchall())
    assert "secret" in stored
    assert protected not in stored


@pytest.mark.parametrize("name", MANAGING)
def test_strangers_log_in_first(client: Client, name: str) -> None:
    response = client.get(reverse(name))
    assert response.status_code == 302
    assert response["Location"].startswith(LOGIN)


def test_nobody_reaches_the_code_without_the_password(client: Client, protected: str) -> None:
    assertRedirects(Client().get(CODE), LOGIN)


def test_a_stranger_sees_nothing_of_anothers(protected: str, stranger_client: Client) -> None:
    assertContains(stranger_client.get(INDEX), "With it a log in asks")
    assert stranger_client.get(reverse("mfa_view_recovery_codes")).status_code == 404


class TestBackOffice:
    address = reverse("admin:accounts_user_changelist")

    def test_the_list_tells_who_has_it(
        self, protected: str, owner: User, staff_client: Client
    ) -> None:
        def shown(query: str) -> list[str]:
            response = staff_client.get(f"{self.address}?{query}")
            return [user.email for user in response.context["cl"].result_list]

        assert shown("two_factors=yes") == [owner.email]
        assert owner.email not in shown("two_factors=no")
        assert owner.email in shown("")

    def test_staff_turn_it_off_for_who_has_lost_the_phone(
        self, protected: str, owner: User, operator_client: Client
    ) -> None:
        response = operator_client.post(
            self.address, {"action": "forget_second_factor", "_selected_action": [owner.pk]}
        )
        assert response.status_code == 302
        assert not Authenticator.objects.exists()
        assertContains(operator_client.get(self.address), "logs in by password alone now")
        assertRedirects(log_in(Client()), reverse("index"))

    @pytest.mark.parametrize("who", ["analyst_client", "stranger_client", "client"])
    def test_others_do_not(
        self, protected: str, owner: User, who: str, request: pytest.FixtureRequest
    ) -> None:
        other = Client() if who == "client" else request.getfixturevalue(who)
        other.post(self.address, {"action": "forget_second_factor", "_selected_action": [owner.pk]})
        assert Authenticator.objects.filter(user=owner).exists()
