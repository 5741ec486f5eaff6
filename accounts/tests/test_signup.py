import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from pytest_django.asserts import assertContains, assertRedirects, assertTemplateUsed

from accounts.forms import SignupForm
from accounts.models import User
from accounts.tests.factories import UserFactory
from conftest import Meanwhile

pytestmark = pytest.mark.django_db

SIGNUP = {"name": "Nora New", "email": "Nora@example.com", "password1": "battery staple"}


@pytest.fixture(autouse=True)
def server_with_an_owner(staff: User) -> None:
    pass


def test_who_registers_is_logged_in_and_lands_on_the_index(client: Client) -> None:
    response = client.post(reverse("account_signup"), SIGNUP)
    assert (response.status_code, response["Location"]) == (302, reverse("index"))
    nora = User.objects.get(email="nora@example.com")
    assert get_user(client) == nora
    assert (nora.name, nora.is_staff, nora.is_superuser) == ("Nora New", False, False)
    assert nora.check_password("battery staple")
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("name", "", "This field is required."),
        ("email", "not an address", "Enter a valid email address."),
        (
            "email",
            "OWNER@example.com",
            "There is an account with this e-mail address already. Log in, or set a new password.",
        ),
        (
            "password1",
            "short",
            "This password is too short. It must contain at least 10 characters.",
        ),
        ("password1", "1234509876", "This password is entirely numeric."),
        ("password1", "nora@example", "The password is too similar to the e-mail address."),
    ],
)
def test_a_faulty_form_is_refused_with_a_reason(
    client: Client, owner: User, field: str, value: str, error: str
) -> None:
    people = User.objects.count()
    response = client.post(reverse("account_signup"), {**SIGNUP, field: value})
    assert response.status_code == 200
    assert error in response.context["form"].errors[field]
    assert User.objects.count() == people
    assert get_user(client).is_anonymous


def test_without_mail_an_address_taken_meanwhile_is_refused(
    client: Client, meanwhile: Meanwhile
) -> None:
    meanwhile(SignupForm, lambda: UserFactory(email="nora@example.com", name="The first"))
    response = client.post(reverse("account_signup"), SIGNUP)
    assert response.context["form"].errors == {
        "email": [
            "There is an account with this e-mail address already. Log in, or set a new password."
        ]
    }
    assert User.objects.get(email="nora@example.com").name == "The first"


def test_with_mail_an_address_taken_meanwhile_is_told_nobody(
    client: Client, meanwhile: Meanwhile, mail_configured: None
) -> None:
    meanwhile(SignupForm, lambda: UserFactory(email="nora@example.com"))
    response = client.post(reverse("account_signup"), SIGNUP)
    assertRedirects(response, reverse("account_email_verification_sent"))
    assert [message.subject for message in mail.outbox] == [
        "You have an account on Tracking already"
    ]


def test_registration_can_be_closed(client: Client, settings: Settings) -> None:
    settings.REGISTRATION_OPEN = False
    for response in (
        client.get(reverse("account_signup")),
        client.post(reverse("account_signup"), SIGNUP),
    ):
        assertContains(response, "<h1>Registration is closed</h1>", html=True)
    assert not User.objects.filter(email="nora@example.com").exists()


def test_nobody_registers_before_the_server_has_an_owner(client: Client) -> None:
    User.objects.all().delete()
    for response in (
        client.get(reverse("account_signup")),
        client.post(reverse("account_signup"), SIGNUP),
    ):
        assertContains(response, "<h1>This server has no owner yet</h1>", html=True)
    assert User.objects.count() == 0


def test_with_mail_the_address_is_confirmed_first(client: Client, mail_configured: None) -> None:
    response = client.post(reverse("account_signup"), SIGNUP)
    assertRedirects(response, reverse("account_email_verification_sent"))
    assert get_user(client).is_anonymous

    [message] = mail.outbox
    assert (message.to, message.subject) == (
        ["nora@example.com"],
        "Confirm your e-mail address for Tracking",
    )
    [link] = [line for line in message.body.splitlines() if line.startswith("https://")]
    page = link.removeprefix("https://stats.example.com")
    assertTemplateUsed(client.get(page), "account/email_confirm.html")
    assert not EmailAddress.objects.get(email="nora@example.com").verified

    assert client.post(page)["Location"] == reverse("index")
    assert get_user(client) == User.objects.get(email="nora@example.com")
    assert EmailAddress.objects.get(email="nora@example.com").verified
    assertContains(client.get(page), "This link does not work any more")


def test_with_mail_nobody_learns_who_has_an_account(
    client: Client, owner: User, mail_configured: None
) -> None:
    response = client.post(reverse("account_signup"), {**SIGNUP, "email": owner.email})
    assertRedirects(response, reverse("account_email_verification_sent"))
    [message] = mail.outbox
    assert message.subject == "You have an account on Tracking already"
    assert "https://stats.example.com/account/password/reset/" in message.body.splitlines()
    assert get_user(client).is_anonymous


def test_an_address_in_use_by_then_cannot_be_confirmed(
    client: Client, mail_configured: None
) -> None:
    client.post(reverse("account_signup"), SIGNUP)
    nora = User.objects.get(email="nora@example.com")
    User.objects.filter(pk=nora.pk).update(email="elsewhere@example.com")
    UserFactory(email="nora@example.com")  # made in a shell: unknown to allauth
    [link] = [line for line in mail.outbox[0].body.splitlines() if line.startswith("https://")]
    client.post(link.removeprefix("https://stats.example.com"))
    assert not EmailAddress.objects.get(user=nora).verified
    nora.refresh_from_db()
    assert nora.email == "elsewhere@example.com"
