from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user
from django.core.management import call_command
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.views.debug import SafeExceptionReporterFilter
from pytest_django import Settings
from pytest_django.asserts import assertContains

from accounts.forms import SetupForm
from accounts.models import User
from accounts.setup import AlreadySetUp, setup_token
from accounts.tests.factories import UserFactory
from accounts.tests.locks import assert_locked_before
from accounts.views import SetupView

pytestmark = pytest.mark.django_db

OWNER = {"name": "Olive Owner", "email": "Olive@example.com", "password": "battery staple"}


def link() -> str:
    return reverse("setup", args=[setup_token()])


def printed() -> str:
    output = StringIO()
    call_command("setup_link", stdout=output, no_color=True)
    return output.getvalue()


def test_the_command_prints_the_link_while_there_is_no_owner(settings: Settings) -> None:
    settings.BASE_URL = "https://stats.example.com"
    UserFactory(is_staff=True)
    assert printed().splitlines()[-2].strip() == f"https://stats.example.com{link()}"


def test_the_command_prints_no_link_once_there_is_an_owner(staff: User) -> None:
    assert printed() == "This server has its owner already.\n"


def test_the_token_depends_on_the_secret_key(settings: Settings) -> None:
    token = setup_token()
    settings.SECRET_KEY = "another"
    assert setup_token() != token


def test_the_link_makes_the_owner_and_logs_in(client: Client) -> None:
    assert client.get(link()).status_code == 200
    response = client.post(link(), OWNER, follow=True)
    assert response.redirect_chain == [(reverse("index"), 302)]
    assertContains(response, "Welcome, Olive. This server is yours now.")
    olive = User.objects.get()
    assert (olive.name, olive.email) == ("Olive Owner", "olive@example.com")
    assert (olive.is_staff, olive.is_superuser) == (True, True)
    assert olive.check_password("battery staple")
    assert EmailAddress.objects.get(user=olive).verified
    assert get_user(client) == olive


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("name", "", "This field is required."),
        ("email", "olive", "Enter a valid email address."),
        ("email", "SAM@example.com", "There is an account with this e-mail address already."),
        (
            "password",
            "short",
            "This password is too short. It must contain at least 10 characters.",
        ),
        ("password", "Olive Owner", "The password is too similar to the name."),
    ],
)
def test_a_faulty_form_makes_nobody(client: Client, field: str, value: str, error: str) -> None:
    UserFactory(email="sam@example.com")
    response = client.post(link(), {**OWNER, field: value})
    assert response.status_code == 200
    assert response.context["form"].errors == {field: [error]}
    assert User.objects.count() == 1


def test_a_wrong_token_is_a_missing_page(client: Client) -> None:
    url = reverse("setup", args=["0" * 32])
    assert client.get(url).status_code == 404
    assert client.post(url, OWNER).status_code == 404
    assert User.objects.count() == 0


def test_the_link_works_once(client: Client) -> None:
    client.post(link(), OWNER)
    for response in (
        Client().get(link()),
        Client().post(link(), {**OWNER, "email": "second@example.com"}),
    ):
        assertContains(response, "This server has its owner", status_code=404)
        assertContains(response, reverse("account_login"), status_code=404)
    assert User.objects.count() == 1


def test_a_spent_link_opens_nothing_when_the_server_has_lost_its_owner(client: Client) -> None:
    spent = link()
    client.post(spent, OWNER)
    User.objects.update(is_superuser=False)
    assert Client().get(spent).status_code == 404
    assert Client().post(spent, {**OWNER, "email": "second@example.com"}).status_code == 404
    assert Client().get(link()).status_code == 200
    assert User.objects.count() == 1


def test_the_page_of_the_password_is_kept_nowhere_and_its_value_out_of_reports(
    client: Client, rf: RequestFactory
) -> None:
    cache_control = client.get(link())["Cache-Control"]
    assert set(cache_control.split(", ")) >= {"no-store", "private"}
    request = rf.post(link(), OWNER)
    with pytest.raises(AttributeError):  # a session is missing
        SetupView.as_view()(request, token=setup_token())
    reported = SafeExceptionReporterFilter().get_post_parameters(request)
    assert reported["password"] == SafeExceptionReporterFilter.cleansed_substitute
    assert reported["name"] == OWNER["name"]


def test_of_two_who_submit_at_once_one_becomes_the_owner() -> None:
    first, second = SetupForm(OWNER), SetupForm({**OWNER, "email": "second@example.com"})
    assert first.is_valid()
    assert second.is_valid()
    first.save()
    with pytest.raises(AlreadySetUp):
        second.save()
    assert User.objects.get().email == "olive@example.com"


def test_the_owner_is_made_while_no_other_request_can_make_one() -> None:
    form = SetupForm(OWNER)
    assert form.is_valid()
    with CaptureQueriesContext(connection) as queries:
        form.save()
    assert_locked_before(queries, 'INSERT INTO "accounts_user"')
