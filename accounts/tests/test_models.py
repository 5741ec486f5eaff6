import pytest
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from accounts.models import User
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_a_person_is_called_by_name_else_by_address() -> None:
    named = User(name="Olive Owner", email="olive@example.com")
    nameless = User(email="sam@example.com")
    assert [str(named), named.get_short_name()] == ["Olive Owner", "Olive"]
    assert [str(nameless), nameless.get_short_name()] == ["sam@example.com", "sam"]


def test_addresses_are_stored_in_lower_case() -> None:
    assert User.objects.create_user("Olive@Example.COM", "correct horse").email == (
        "olive@example.com"
    )


def test_a_form_takes_an_address_in_any_case_once() -> None:
    UserFactory(email="olive@example.com")
    second = User(email="OLIVE@example.com", password="!")
    with pytest.raises(ValidationError) as refusal:
        second.full_clean()
    assert list(refusal.value.message_dict) == ["email"]


def test_the_database_takes_an_address_in_any_case_once() -> None:
    UserFactory(email="olive@example.com")
    with pytest.raises(IntegrityError):
        UserFactory(email="OLIVE@example.com")


def test_an_account_needs_an_address() -> None:
    with pytest.raises(ValueError, match="needs an e-mail address"):
        User.objects.create_user("")


def test_createsuperuser_makes_a_person_who_needs_no_mail_to_log_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", "Olive@example.com")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse")
    call_command("createsuperuser", interactive=False, verbosity=0)
    olive = User.objects.get()
    assert (olive.email, olive.is_staff, olive.is_superuser) == ("olive@example.com", True, True)
    assert olive.check_password("correct horse")
    address = EmailAddress.objects.get(user=olive)
    assert (address.email, address.verified, address.primary) == ("olive@example.com", True, True)


def test_createsuperuser_refuses_a_known_address(monkeypatch: pytest.MonkeyPatch) -> None:
    UserFactory(email="olive@example.com")
    monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", "OLIVE@example.com")
    with pytest.raises(CommandError, match="already taken"):
        call_command("createsuperuser", interactive=False, verbosity=0)
