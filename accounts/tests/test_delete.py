import pytest
from django.contrib.auth import get_user
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertContains, assertRedirects

from accounts.models import User
from accounts.tests.factories import UserFactory
from accounts.tests.locks import assert_locked_before
from tracking.models import Event, Site, Visit
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory

pytestmark = pytest.mark.django_db

URL = "/account/delete/"


def test_strangers_are_sent_to_the_log_in(client: Client) -> None:
    assert reverse("account_delete") == URL
    assertRedirects(client.get(URL), f"{reverse('account_login')}?next={URL}")


def test_the_page_says_what_is_lost(owner_client: Client, owner: User) -> None:
    SiteFactory.create_batch(2, owner=owner)
    assertContains(owner_client.get(URL), "your 2 sites")


def test_an_account_goes_with_its_sites_and_their_data_only(
    owner_client: Client, owner: User, site: Site, stranger: User
) -> None:
    EventFactory(visit=VisitFactory(site=site))
    kept = EventFactory(visit=VisitFactory(site=SiteFactory(owner=stranger)))

    response = owner_client.post(URL, {"password": "correct horse"}, follow=True)

    assert response.redirect_chain == [(reverse("index"), 302)]
    assertContains(response, "Your account and everything in it has been deleted.")
    assert get_user(owner_client).is_anonymous
    assert list(User.objects.all()) == [stranger]
    assert list(Site.objects.all()) == [kept.site]
    assert list(Visit.objects.all()) == [kept.visit]
    assert list(Event.objects.all()) == [kept]


def test_a_wrong_password_deletes_nothing(owner_client: Client, owner: User) -> None:
    response = owner_client.post(URL, {"password": "wrong horse"})
    assert response.status_code == 200
    assert response.context["form"].errors == {
        "password": ["This is not your password. Type it again."]
    }
    assert get_user(owner_client) == owner


def test_guessing_the_password_comes_to_an_end(owner_client: Client, owner: User) -> None:
    for _ in range(5):
        owner_client.post(URL, {"password": "wrong horse"})
    owner_client.post(URL, {"password": "correct horse"})
    assert get_user(owner_client) == owner


def test_the_last_superuser_stays(staff_client: Client, staff: User) -> None:
    UserFactory(is_superuser=True, is_active=False)
    for response in (staff_client.get(URL), staff_client.post(URL, {"password": "correct horse"})):
        assert response.status_code == 200
        assertContains(response, "You are the only one who may manage this server.")
    assert get_user(staff_client) == staff


def test_a_superuser_may_go_when_another_stays(staff_client: Client, staff: User) -> None:
    other = UserFactory(is_superuser=True, is_staff=True)
    staff_client.post(URL, {"password": "correct horse"})
    assert list(User.objects.all()) == [other]


def test_who_is_the_last_is_decided_while_no_other_request_can_change_it(
    staff_client: Client,
) -> None:
    UserFactory(is_superuser=True, is_staff=True)
    with CaptureQueriesContext(connection) as queries:
        staff_client.post(URL, {"password": "correct horse"})
    assert_locked_before(queries, 'DELETE FROM "accounts_user" ')


def test_a_second_press_of_the_button_finds_the_account_deleted(
    owner_client: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "accounts.views.lock_superusers", lambda: User.objects.filter(pk=owner.pk).delete()
    )
    response = owner_client.post(URL, {"password": "correct horse"})
    assert (response.status_code, response["Location"]) == (302, reverse("index"))
    assert not User.objects.exists()


def test_without_a_password_one_is_to_be_chosen_first(client: Client) -> None:
    client.force_login(UserFactory(password=None))
    assertContains(client.get(URL), reverse("account_set_password"))
