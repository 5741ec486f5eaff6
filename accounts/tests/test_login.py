import pytest
from django.contrib.auth import get_user
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

LOGIN = {"login": "owner@example.com", "password": "correct horse"}
MISMATCH = "E-mail address and password do not match. Check both, or set a new password."


def test_logging_in_leads_to_the_index(client: Client, owner: User) -> None:
    response = client.post(reverse("account_login"), LOGIN)
    assert (response.status_code, response["Location"]) == (302, reverse("index"))
    assert get_user(client) == owner


def test_the_address_may_be_typed_in_any_case(client: Client, owner: User) -> None:
    client.post(reverse("account_login"), {**LOGIN, "login": "Owner@EXAMPLE.com"})
    assert get_user(client) == owner


@pytest.mark.parametrize("mistake", [{"password": "wrong horse"}, {"login": "nobody@example.com"}])
def test_a_mistyped_password_is_told_and_leaves_one_anonymous(
    client: Client, owner: User, mistake: dict[str, str]
) -> None:
    response = client.post(reverse("account_login"), {**LOGIN, **mistake})
    assert response.status_code == 200
    assert response.context["form"].non_field_errors() == [MISMATCH]
    assert MISMATCH in response.text
    assert get_user(client).is_anonymous


def test_an_account_that_was_switched_off_stays_out(client: Client) -> None:
    UserFactory(email="owner@example.com", is_active=False)
    response = client.post(reverse("account_login"), LOGIN, follow=True)
    assert response.redirect_chain == [(reverse("account_inactive"), 302)]
    assert get_user(client).is_anonymous


def test_next_leads_to_a_page_of_this_host(client: Client, owner: User) -> None:
    response = client.post(reverse("account_login"), {**LOGIN, "next": reverse("profile")})
    assert response["Location"] == reverse("profile")


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example.net/",
        "//evil.example.net/",
        "http://localhost/",  # in ALLOWED_HOSTS, yet not where this person is
        "/\\evil.example.net",
        "javascript:alert(1)",
    ],
)
def test_next_never_leads_to_another_host(client: Client, owner: User, elsewhere: str) -> None:
    response = client.post(reverse("account_login"), {**LOGIN, "next": elsewhere})
    assert response["Location"] == reverse("index")


def test_the_sixth_failure_within_five_minutes_is_not_even_tried(
    client: Client, owner: User
) -> None:
    for _ in range(5):
        client.post(reverse("account_login"), {**LOGIN, "password": "wrong horse"})
    response = client.post(reverse("account_login"), LOGIN)
    assert response.context["form"].non_field_errors() == [
        "Too many failed attempts. Wait five minutes, then try again."
    ]
    assert get_user(client).is_anonymous


def test_failures_are_counted_for_the_address_that_the_proxy_saw(
    client: Client, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = 1
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}

    def status_of_login(forwarded_for: str) -> int:
        url = reverse("account_login")
        return client.post(url, LOGIN, headers={"X-Forwarded-For": forwarded_for}).status_code

    assert status_of_login("9.9.9.9, 1.2.3.4") == 200
    assert status_of_login("8.8.8.8, 1.2.3.4") == 429
    assert status_of_login("9.9.9.9, 1.2.3.5") == 200


def test_logging_out_asks_first(owner_client: Client, owner: User) -> None:
    assert owner_client.get(reverse("account_logout")).status_code == 200
    assert get_user(owner_client) == owner


def test_logging_out_leads_to_the_index_as_an_anonymous_visitor(owner_client: Client) -> None:
    response = owner_client.post(reverse("account_logout"))
    assert (response.status_code, response["Location"]) == (302, reverse("index"))
    assert get_user(owner_client).is_anonymous
