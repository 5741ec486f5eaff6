import re
from smtplib import SMTPServerDisconnected
from unittest.mock import patch

import pytest
from django.contrib.auth import get_user
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertRedirects

from accounts.models import User
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

NEW = {"password1": "battery staple", "password2": "battery staple"}


def mailed_link() -> str:
    [message] = mail.outbox
    [link] = [line for line in message.body.splitlines() if "/password/reset/key/" in line]
    return link.removeprefix("https://stats.example.com")


def test_a_forgotten_password_is_replaced_by_a_mailed_link(
    client: Client, owner: User, mail_configured: None
) -> None:
    response = client.post(reverse("account_reset_password"), {"email": "OWNER@example.com"})
    assertRedirects(response, reverse("account_reset_password_done"))
    assert mail.outbox[0].to == ["owner@example.com"]

    form = client.get(mailed_link())["Location"]
    assert client.get(form).status_code == 200
    response = client.post(form, NEW)
    assertRedirects(response, reverse("account_reset_password_from_key_done"))
    owner.refresh_from_db()
    assert owner.check_password("battery staple")
    assert get_user(client).is_anonymous


def test_the_mailed_link_works_once(client: Client, owner: User, mail_configured: None) -> None:
    client.post(reverse("account_reset_password"), {"email": owner.email})
    link = mailed_link()
    client.post(client.get(link)["Location"], NEW)
    assertContains(Client().get(link), "This link does not work any more")


def test_the_link_leads_to_base_url_whatever_the_request_claims(
    client: Client, owner: User, mail_configured: None
) -> None:
    client.post(
        reverse("account_reset_password"), {"email": owner.email}, headers={"host": "localhost"}
    )
    [message] = mail.outbox
    assert set(re.findall(r"\w+://[^/\s]*", str(message.body))) == {"https://stats.example.com"}
    assert "localhost" not in f"{message.subject} {message.body}"


def test_a_stranger_does_not_learn_who_has_an_account(
    client: Client, mail_configured: None
) -> None:
    response = client.post(reverse("account_reset_password"), {"email": "nobody@example.com"})
    assertRedirects(response, reverse("account_reset_password_done"))
    [message] = mail.outbox
    assert message.subject == "No account with this e-mail address on Tracking"


def test_without_mail_the_page_says_where_the_link_is(client: Client, owner: User) -> None:
    response = client.post(reverse("account_reset_password"), {"email": owner.email}, follow=True)
    assertContains(response, "<h1>Look into the terminal</h1>", html=True)


def test_changing_the_password_keeps_one_logged_in_here_and_out_elsewhere(
    owner_client: Client, owner: User
) -> None:
    elsewhere = Client()
    elsewhere.force_login(owner)
    response = owner_client.post(
        reverse("account_change_password"), {"oldpassword": "correct horse", **NEW}
    )
    assertRedirects(response, reverse("profile"))
    owner.refresh_from_db()
    assert owner.check_password("battery staple")
    assert get_user(owner_client) == owner
    assert get_user(elsewhere).is_anonymous


@pytest.mark.parametrize(
    ("mistake", "field"),
    [({"oldpassword": "wrong horse"}, "oldpassword"), ({"password2": "other"}, "password2")],
)
def test_a_slip_leaves_the_password_as_it_is(
    owner_client: Client, owner: User, mistake: dict[str, str], field: str
) -> None:
    response = owner_client.post(
        reverse("account_change_password"), {"oldpassword": "correct horse", **NEW, **mistake}
    )
    assert list(response.context["form"].errors) == [field]
    owner.refresh_from_db()
    assert owner.check_password("correct horse")


def test_the_owner_of_an_address_is_told_that_the_password_was_changed(
    owner_client: Client, mail_configured: None
) -> None:
    owner_client.post(reverse("account_change_password"), {"oldpassword": "correct horse", **NEW})
    assert [(m.to, m.subject) for m in mail.outbox] == [
        (["owner@example.com"], "Your password on Tracking was changed")
    ]


def test_an_account_without_a_password_gets_one(client: Client) -> None:
    user = UserFactory(password=None)
    client.force_login(user)
    assertRedirects(client.get(reverse("account_change_password")), reverse("account_set_password"))
    assertRedirects(client.post(reverse("account_set_password"), NEW), reverse("profile"))
    user.refresh_from_db()
    assert user.check_password("battery staple")


@pytest.mark.parametrize("name", ["account_change_password", "account_set_password"])
def test_strangers_are_sent_to_the_log_in(client: Client, name: str) -> None:
    url = reverse(name)
    assertRedirects(client.get(url), f"{reverse('account_login')}?next={url}")


@pytest.mark.parametrize("error", [ConnectionRefusedError, SMTPServerDisconnected, TimeoutError])
def test_a_mail_server_that_is_away_is_told(
    client: Client, owner: User, mail_configured: None, error: type[Exception]
) -> None:
    with patch("django.core.mail.EmailMessage.send", side_effect=error):
        response = client.post(
            reverse("account_reset_password"), {"email": owner.email}, follow=True
        )
    assertContains(response, "The mail could not be sent. Try again later")
    assert mail.outbox == []
