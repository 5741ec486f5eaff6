import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from django.views.debug import SafeExceptionReporterFilter
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.forms import ProfileForm
from accounts.middleware import TimeZoneMiddleware
from accounts.models import User
from accounts.tests.factories import UserFactory
from accounts.views import ProfileView
from conftest import Meanwhile

pytestmark = pytest.mark.django_db

PROFILE = {
    "name": "Olive Owner",
    "email": "owner@example.com",
    "time_zone": "UTC",
    "current_password": "correct horse",
}


def addresses(user: User) -> list[tuple[str, bool, bool]]:
    rows = EmailAddress.objects.filter(user=user).order_by("pk")
    return list(rows.values_list("email", "primary", "verified"))


def test_strangers_are_sent_to_the_log_in(client: Client) -> None:
    url = reverse("profile")
    assertRedirects(client.get(url), f"{reverse('account_login')}?next={url}")


def test_name_and_time_zone_are_saved(owner_client: Client, owner: User) -> None:
    changes = {"name": "Olivia", "time_zone": "Europe/Berlin"}
    response = owner_client.post(reverse("profile"), {**PROFILE, **changes}, follow=True)
    assertContains(response, "Your profile has been saved.")
    owner.refresh_from_db()
    assert (owner.name, owner.email, owner.time_zone) == (
        "Olivia",
        "owner@example.com",
        "Europe/Berlin",
    )


def test_everybody_has_a_profile_of_their_own(
    stranger_client: Client, owner: User, stranger: User
) -> None:
    assert stranger_client.get(reverse("profile")).context["form"].instance == stranger


def test_without_mail_a_new_address_counts_at_once(owner_client: Client, owner: User) -> None:
    owner_client.post(reverse("profile"), {**PROFILE, "email": "New@example.com"})
    owner.refresh_from_db()
    assert owner.email == "new@example.com"
    assert addresses(owner) == [("new@example.com", True, False)]
    assert mail.outbox == []
    client = Client()
    login = {"login": "new@example.com", "password": "correct horse"}
    assert client.post(reverse("account_login"), login).status_code == 302


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        (
            "email",
            "STRANGER@example.com",
            "There is an account with this e-mail address already.",
        ),
        ("email", "", "This field is required."),
        (
            "time_zone",
            "Mars/Olympus",
            "Select a valid choice. Mars/Olympus is not one of the available choices.",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_not_shown_as_if_it_were(
    owner_client: Client, owner: User, stranger: User, field: str, value: str, error: str
) -> None:
    response = owner_client.post(reverse("profile"), {**PROFILE, "name": "Other", field: value})
    assert response.status_code == 200
    assert response.context["form"].errors == {field: [error]}
    assert response.context["user"].name == "Olive Owner"
    owner.refresh_from_db()
    assert (owner.name, owner.email, owner.time_zone) == (
        "Olive Owner",
        "owner@example.com",
        "UTC",
    )


@pytest.mark.parametrize(
    ("password", "error"),
    [
        ("", "Type your password to change your e-mail address."),
        ("wrong horse", "This is not your current password. Type it again."),
    ],
)
def test_a_new_address_needs_the_password(
    owner_client: Client, owner: User, password: str, error: str
) -> None:
    EmailAddress.objects.create(user=owner, email=owner.email, primary=True)
    form = {**PROFILE, "email": "new@example.com", "current_password": password}
    response = owner_client.post(reverse("profile"), form)
    assert response.context["form"].errors == {"current_password": [error]}
    assertNotContains(response, "Waiting for you")
    owner.refresh_from_db()
    assert owner.email == "owner@example.com"


def test_guessing_the_password_comes_to_an_end(owner_client: Client, owner: User) -> None:
    form = {**PROFILE, "email": "new@example.com"}
    for _ in range(5):
        owner_client.post(reverse("profile"), {**form, "current_password": "wrong horse"})
    response = owner_client.post(reverse("profile"), form)
    assert response.context["form"].errors == {
        "current_password": ["Too many failed attempts. Wait five minutes, then try again."]
    }


def test_the_password_stays_out_of_reports_of_errors(
    rf: RequestFactory, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProfileView, "post", lambda *args: HttpResponse())
    request = rf.post(reverse("profile"), PROFILE)
    request.user = owner
    ProfileView.as_view()(request)
    reported = SafeExceptionReporterFilter().get_post_parameters(request)
    assert reported["current_password"] == SafeExceptionReporterFilter.cleansed_substitute


def test_other_changes_need_no_password(owner_client: Client, owner: User) -> None:
    form = {**PROFILE, "name": "Olivia", "email": "OWNER@example.com", "current_password": ""}
    assert owner_client.post(reverse("profile"), form).status_code == 302
    owner.refresh_from_db()
    assert (owner.name, owner.email) == ("Olivia", "owner@example.com")


def test_without_a_password_one_is_to_be_set_first() -> None:
    client = Client()
    client.force_login(UserFactory(password=None))
    response = client.post(reverse("profile"), {**PROFILE, "email": "new@example.com"})
    assert response.context["form"].errors == {
        "current_password": ["Set a password first, then change your e-mail address."]
    }


def test_an_address_taken_meanwhile_is_refused(
    owner_client: Client, owner: User, meanwhile: Meanwhile
) -> None:
    meanwhile(ProfileForm, lambda: UserFactory(email="new@example.com"))
    response = owner_client.post(reverse("profile"), {**PROFILE, "email": "new@example.com"})
    assert response.context["form"].errors == {
        "email": ["There is an account with this e-mail address already."]
    }
    owner.refresh_from_db()
    assert owner.email == "owner@example.com"


def shown_after_asking_for(client: Client, email: str) -> str:
    response = client.post(reverse("profile"), {**PROFILE, "email": email}, follow=True)
    assert response.redirect_chain == [(reverse("profile"), 302)]
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.text)
    return text.replace(email, "…")


def test_with_mail_nobody_learns_who_has_an_account(
    owner_client: Client, owner: User, stranger: User, mail_configured: None
) -> None:
    free = shown_after_asking_for(owner_client, "nobody@example.com")
    taken = shown_after_asking_for(owner_client, stranger.email)
    assert taken == free
    assert [(m.to, m.subject) for m in mail.outbox] == [
        (["nobody@example.com"], "Confirm your e-mail address for Tracking"),
        (["stranger@example.com"], "You have an account on Tracking already"),
    ]
    cache.clear()  # three minutes later
    owner_client.post(reverse("account_email"), {"action_send": "", "email": stranger.email})
    assert [m.subject for m in mail.outbox[2:]] == ["You have an account on Tracking already"]


def test_mails_to_ever_new_addresses_come_to_an_end(
    owner_client: Client, owner: User, mail_configured: None
) -> None:
    statuses = [
        owner_client.post(
            reverse("profile"), {**PROFILE, "email": f"new{number}@example.com"}
        ).status_code
        for number in range(11)
    ]
    assert statuses == [302] * 10 + [429]
    assert len(mail.outbox) == 10
    assert owner_client.post(reverse("profile"), PROFILE).status_code == 302


def test_an_address_taken_meanwhile_cannot_be_confirmed(
    owner_client: Client, owner: User, mail_configured: None
) -> None:
    owner_client.post(reverse("profile"), {**PROFILE, "email": "new@example.com"})
    page = confirmation_page()
    UserFactory(email="NEW@example.com")
    owner_client.post(page)
    owner.refresh_from_db()
    assert owner.email == "owner@example.com"
    assert ("new@example.com", False, False) in addresses(owner)


def confirmation_page() -> str:
    [link] = [line for line in mail.outbox[-1].body.splitlines() if "/confirm-email/" in line]
    return link.removeprefix("https://stats.example.com")


@pytest.mark.parametrize("known_to_allauth", [True, False])
def test_with_mail_a_new_address_counts_once_it_is_confirmed(
    owner_client: Client, owner: User, mail_configured: None, known_to_allauth: bool
) -> None:
    if known_to_allauth:
        EmailAddress.objects.create(user=owner, email=owner.email, primary=True)
    response = owner_client.post(
        reverse("profile"), {**PROFILE, "name": "Olivia", "email": "New@example.com"}, follow=True
    )
    assertContains(response, "the link that we sent to new@example.com")
    owner.refresh_from_db()
    assert (owner.name, owner.email) == ("Olivia", "owner@example.com")
    assert mail.outbox[-1].to == ["new@example.com"]

    owner_client.post(confirmation_page())
    owner.refresh_from_db()
    assert owner.email == "new@example.com"
    assert addresses(owner) == [("new@example.com", True, True)]
    assertNotContains(owner_client.get(reverse("profile")), "Keep the old address")


def test_the_old_address_is_told_of_the_change(
    owner_client: Client, owner: User, mail_configured: None
) -> None:
    EmailAddress.objects.create(user=owner, email=owner.email, primary=True, verified=True)
    owner_client.post(reverse("profile"), {**PROFILE, "email": "new@example.com"})
    owner_client.post(confirmation_page())
    assert [(m.to, m.subject) for m in mail.outbox[1:]] == [
        (["owner@example.com"], "Your e-mail address on Tracking was changed")
    ]


def test_a_change_can_be_given_up(owner_client: Client, owner: User, mail_configured: None) -> None:
    EmailAddress.objects.create(user=owner, email=owner.email, primary=True, verified=True)
    owner_client.post(reverse("profile"), {**PROFILE, "email": "new@example.com"})
    page = confirmation_page()
    response = owner_client.post(
        reverse("account_email"), {"action_remove": "", "email": "new@example.com"}, follow=True
    )
    assert response.redirect_chain == [(reverse("profile"), 302)]
    assertContains(response, "Your e-mail address stays as it was.")
    assert addresses(owner) == [("owner@example.com", True, True)]
    assertContains(owner_client.get(page), "This link does not work any more")


def test_a_refused_form_leaves_the_notice_as_it_was(
    owner_client: Client, owner: User, mail_configured: None
) -> None:
    owner_client.post(reverse("profile"), {**PROFILE, "email": "new@example.com"})
    form = {**PROFILE, "email": "newer@example.com", "current_password": "wrong horse"}
    response = owner_client.post(reverse("profile"), form)
    text = " ".join(response.text.split())
    assert "we sent to new@example.com. Until then you log in with owner@example.com." in text


def test_thinking_twice_leaves_one_pending_address(
    owner_client: Client, owner: User, mail_configured: None
) -> None:
    EmailAddress.objects.create(user=owner, email=owner.email, primary=True, verified=True)
    for email in ("first@example.com", "second@example.com", "second@example.com"):
        owner_client.post(reverse("profile"), {**PROFILE, "email": email})
    assert addresses(owner) == [
        ("owner@example.com", True, True),
        ("second@example.com", False, False),
    ]


def test_the_pages_of_allauth_about_addresses_lead_to_the_profile(
    owner_client: Client, owner: User, mail_configured: None
) -> None:
    url = reverse("account_email")
    assertRedirects(owner_client.get(url), reverse("profile"))
    assertRedirects(
        owner_client.post(url, {"action_add": "", "email": "new@example.com"}), reverse("profile")
    )
    assert mail.outbox == []


def test_query_count(
    owner_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(4):  # session, user, the profile's own user, pending address
        owner_client.get(reverse("profile"))


def zone_of(request: HttpRequest) -> str:
    def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse(timezone.get_current_timezone_name())

    return TimeZoneMiddleware(answer)(request).content.decode()


def test_times_are_shown_in_the_zone_of_the_person(owner: User) -> None:
    owner.time_zone = "America/New_York"
    request = RequestFactory().get("/")
    request.user = owner
    assert zone_of(request) == "UTC"
    request.COOKIES["sessionid"] = "anything"
    assert zone_of(request) == "America/New_York"
    assert timezone.get_current_timezone_name() == "UTC"
