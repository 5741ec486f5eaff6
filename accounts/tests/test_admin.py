"""People in the back office: made, changed and protected."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.admin import LAST_SUPERUSER
from accounts.models import User
from accounts.tests.factories import UserFactory
from accounts.tests.locks import assert_locked_before
from conftest import Overlooked
from tracking.tests.factories import SiteFactory

USERS = "/admin/accounts/user/"
PASSWORD = "a rather long phrase"


def fields_of(user: User, **changes: object) -> dict[str, object]:
    return {
        "email": user.email,
        "name": user.name,
        "time_zone": user.time_zone,
        "is_active": "on",
        "emailaddress_set-TOTAL_FORMS": 0,
        "emailaddress_set-INITIAL_FORMS": 0,
    } | changes


@pytest.fixture
def helpdesk_client(db: None) -> Client:
    """Staff who may do everything with users and groups, short of being a superuser."""
    user = UserFactory(is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__model__in=["user", "group", "emailaddress"])
    )
    client = Client()
    client.force_login(user)
    return client


def test_a_user_is_added_with_e_mail_name_and_password(staff_client: Client) -> None:
    form = {"email": "New@Example.com", "name": "Nina New", "time_zone": "Europe/Berlin"}
    response = staff_client.post(
        f"{USERS}add/", form | {"password1": PASSWORD, "password2": PASSWORD}
    )
    user = User.objects.get(email="new@example.com")
    assert response["Location"] == f"{USERS}{user.pk}/change/"
    assert (user.name, user.time_zone, user.is_staff) == ("Nina New", "Europe/Berlin", False)
    assert user.check_password(PASSWORD)


def test_an_address_taken_meanwhile_is_refused(
    staff_client: Client, overlooked: Overlooked
) -> None:
    UserFactory(email="new@example.com")
    overlooked(User, "validate_unique")
    form = {"email": "new@example.com", "time_zone": "UTC"}
    response = staff_client.post(
        f"{USERS}add/", form | {"password1": PASSWORD, "password2": PASSWORD}
    )
    assert set(response.context["adminform"].errors) == {"email"}
    assert User.objects.filter(email="new@example.com").count() == 1


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"email": "OWNER@example.com"}, {"email"}),
        ({"email": ""}, {"email"}),
        ({"password2": "another long phrase"}, {"password2"}),
        ({"password1": "12345", "password2": "12345"}, {"password2"}),
        ({"time_zone": "Europe/Nowhere"}, {"time_zone"}),
    ],
)
def test_mistakes_in_a_new_user_are_named(
    staff_client: Client, owner: User, changes: dict[str, str], errors: set[str]
) -> None:
    form = {"email": "new@example.com", "time_zone": "UTC"}
    form |= {"password1": PASSWORD, "password2": PASSWORD} | changes
    response = staff_client.post(f"{USERS}add/", form)
    assert set(response.context["adminform"].errors) == errors
    assert not User.objects.filter(email="new@example.com").exists()


def test_after_a_change_of_address_the_old_one_opens_the_account_no_longer(
    staff_client: Client, owner: User
) -> None:
    EmailAddress.objects.create(user=owner, email=owner.email, primary=True, verified=True)
    form = fields_of(owner, email="Moved@Example.com")
    response = staff_client.post(
        f"{USERS}{owner.pk}/change/",
        form
        | {
            "emailaddress_set-TOTAL_FORMS": 1,
            "emailaddress_set-INITIAL_FORMS": 1,
            "emailaddress_set-0-id": EmailAddress.objects.get(user=owner).pk,
            "emailaddress_set-0-user": owner.pk,
        },
    )
    assert response.status_code == 302
    owner.refresh_from_db()
    assert owner.email == "moved@example.com"
    addresses = EmailAddress.objects.filter(user=owner).values_list("email", "verified")
    assert list(addresses) == [("moved@example.com", False)]


def test_staff_set_another_persons_password(staff_client: Client, owner: User) -> None:
    page = staff_client.get(f"{USERS}{owner.pk}/change/")
    assert 'href="../password/"' in page.text
    response = staff_client.post(
        f"{USERS}{owner.pk}/password/", {"password1": PASSWORD, "password2": PASSWORD}
    )
    assert response.status_code == 302
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_users_are_searched_filtered_and_shown_with_their_sites(
    staff_client: Client, owner: User, stranger: User, staff: User
) -> None:
    SiteFactory.create_batch(2, owner=owner)

    def listed(query: str) -> list[tuple[str, int | None]]:
        rows = staff_client.get(f"{USERS}?{query}").context["cl"].result_list
        return [(user.email, user.site_count) for user in rows]

    assert listed("q=olive") == [("owner@example.com", 2)]
    assert listed("is_staff__exact=1") == [("staff@example.com", None)]
    assert listed("q=nobody") == []


def test_a_hostile_name_is_shown_as_text(staff_client: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(name="<script>alert(1)</script>")
    for address in (USERS, f"{USERS}{owner.pk}/change/", f"{USERS}{owner.pk}/delete/"):
        text = staff_client.get(address).text
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>alert" not in text


def test_a_user_is_deleted_with_their_sites(
    staff_client: Client, owner: User, stranger: User
) -> None:
    SiteFactory(owner=owner, domain="gone.example.com")
    address = f"{USERS}{owner.pk}/delete/"
    assert "gone.example.com" in staff_client.get(address).text
    staff_client.post(address, {"post": "yes"})
    assert set(User.objects.values_list("email", flat=True)) == {
        "staff@example.com",
        "stranger@example.com",
    }


@pytest.mark.parametrize("cleared", ["is_active", "is_staff", "is_superuser"])
def test_the_last_superuser_stays_one(staff_client: Client, staff: User, cleared: str) -> None:
    UserFactory(is_superuser=True, is_staff=True, is_active=False)
    form = fields_of(staff, is_staff="on", is_superuser="on")
    del form[cleared]
    response = staff_client.post(f"{USERS}{staff.pk}/change/", form)
    assert response.context["adminform"].errors == {"__all__": [LAST_SUPERUSER]}
    assert "Delete" not in response.text
    staff.refresh_from_db()
    assert staff.is_last_superuser()


def test_the_last_superuser_cannot_be_deleted(staff_client: Client, staff: User) -> None:
    assert "Delete" not in staff_client.get(f"{USERS}{staff.pk}/change/").text
    assert staff_client.post(f"{USERS}{staff.pk}/delete/", {"post": "yes"}).status_code == 403
    assert staff_client.get(f"{USERS}{staff.pk}/change/").status_code == 200


def test_of_two_superusers_one_may_step_back(staff_client: Client, staff: User) -> None:
    other = UserFactory(is_superuser=True, is_staff=True)
    with CaptureQueriesContext(connection) as queries:
        staff_client.post(f"{USERS}{staff.pk}/change/", fields_of(staff))
    assert_locked_before(queries, 'UPDATE "accounts_user" ')
    staff.refresh_from_db()
    assert (staff.is_superuser, other.is_last_superuser()) == (False, True)


def test_of_two_superusers_one_may_delete_the_other(staff_client: Client, staff: User) -> None:
    other = UserFactory(is_superuser=True, is_staff=True)
    with CaptureQueriesContext(connection) as queries:
        staff_client.post(f"{USERS}{other.pk}/delete/", {"post": "yes"})
    assert_locked_before(queries, 'DELETE FROM "accounts_user" ')
    assert User.objects.get() == staff


def test_only_superusers_give_permissions(helpdesk_client: Client, owner: User) -> None:
    group = Group.objects.create(name="Everything")
    form = fields_of(owner, name="Renamed", is_staff="on", is_superuser="on", groups=[group.pk])
    assert helpdesk_client.post(f"{USERS}{owner.pk}/change/", form).status_code == 302
    owner.refresh_from_db()
    assert (owner.name, owner.is_staff, owner.is_superuser) == ("Renamed", False, False)
    assert not owner.groups.exists()


def test_only_superusers_manage_staff_and_groups(helpdesk_client: Client, staff: User) -> None:
    group = Group.objects.create(name="Everything")
    passwords = {"password1": PASSWORD, "password2": PASSWORD}
    for address, form in (
        (f"{USERS}{staff.pk}/change/", fields_of(staff, email="mine@example.com")),
        (f"{USERS}{staff.pk}/password/", passwords),
        (f"{USERS}{staff.pk}/delete/", {"post": "yes"}),
        ("/admin/auth/group/add/", {"name": "Mine"}),
        (f"/admin/auth/group/{group.pk}/change/", {"name": "Mine"}),
        (f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"}),
    ):
        assert helpdesk_client.post(address, form).status_code == 403
    assert helpdesk_client.get(f"{USERS}{staff.pk}/change/").status_code == 200
    staff.refresh_from_db()
    assert staff.email == "staff@example.com"
    assert set(Group.objects.values_list("name", flat=True)) == {
        "Analysts",
        "Everything",
        "Operators",
    }


# Actions


def act(client: Client, action: str, *users: User) -> Any:
    form = {"action": action, "_selected_action": [user.pk for user in users]}
    return client.post(USERS, form, follow=True)


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_operators_deactivate_and_activate_people(
    operator_client: Client, operator: User, owner: User, staff: User
) -> None:
    answer = act(operator_client, "deactivate", owner, staff, operator)
    assert said(answer) == [
        "2 accounts are left as they are: they are yours, not active, or of staff, which "
        "superusers manage.",
        "1 account is deactivated and cannot log in any more.",
    ]
    active = User.objects.filter(is_active=True)
    assert set(active) == {operator, staff}
    assert LogEntry.objects.get().get_change_message() == "Deactivated."
    act(operator_client, "activate", owner)
    assert set(active.all()) == {operator, staff, owner}


def test_who_is_deactivated_is_logged_out(
    operator_client: Client, owner_client: Client, owner: User
) -> None:
    assert owner_client.get("/account/profile/").status_code == 200
    act(operator_client, "deactivate", owner)
    assert owner_client.get("/account/profile/").status_code == 302


def test_nobody_deactivates_the_last_superuser(staff_client: Client, staff: User) -> None:
    act(staff_client, "deactivate", staff)
    staff.refresh_from_db()
    assert staff.is_active


@pytest.mark.usefixtures("mail_configured")
def test_operators_mail_links_for_a_new_password(
    operator_client: Client, owner: User, stranger: User, mailoutbox: list[EmailMessage]
) -> None:
    User.objects.filter(pk=stranger.pk).update(is_active=False)
    answer = act(operator_client, "send_password_links", owner, stranger)
    assert said(answer)[1:] == ["1 person is mailed a link for a new password."]
    [mail] = mailoutbox
    assert mail.to == ["owner@example.com"]
    assert "https://stats.example.com/account/password/reset/key/" in mail.body


def test_without_mail_the_operator_is_told_where_the_link_is(
    operator_client: Client, owner: User
) -> None:
    assert said(act(operator_client, "send_password_links", owner)) == [
        "No mail is set up (EMAIL_URL): the links are in the server’s output.",
        "1 person is mailed a link for a new password.",
    ]


def test_who_may_not_act_is_offered_nothing(
    analyst_client: Client, owner_client: Client, client: Client, owner: User
) -> None:
    assert "send_password_links" not in analyst_client.get(USERS).text
    for action in ("deactivate", "activate", "send_password_links", "delete_selected"):
        for person in (analyst_client, owner_client, client):
            act(person, action, owner)
    owner.refresh_from_db()
    assert owner.is_active
    assert not LogEntry.objects.exists()


def test_superusers_are_not_offered_to_delete_in_bulk(staff_client: Client, owner: User) -> None:
    assert "delete_selected" not in staff_client.get(USERS).text
    act(staff_client, "delete_selected", owner)
    assert User.objects.filter(pk=owner.pk).exists()


# Logging in as somebody else


def test_superusers_log_in_as_somebody_and_come_back(
    staff_client: Client, staff: User, owner: User
) -> None:
    assert 'aria-label="Log in as Olive Owner"' in staff_client.get(USERS).text
    response = staff_client.post(
        "/account/impersonate/acquire/", {"user_pk": owner.pk}, follow=True
    )
    assert response.context["user"] == owner
    assert "You are logged in as <strong>Olive Owner</strong>" in response.text
    owner.refresh_from_db()
    assert owner.last_login is None

    back = staff_client.post("/account/impersonate/release/", {"next": USERS}, follow=True)
    assert (back.context["user"], back.redirect_chain) == (staff, [(USERS, 302)])
    assert "You are logged in as" not in back.text
    entries = LogEntry.objects.order_by("pk")
    assert [(entry.user, entry.object_id, entry.get_change_message()) for entry in entries] == [
        (staff, str(owner.pk), "Logged in as this user."),
        (staff, str(owner.pk), "Ended being logged in as this user."),
    ]


def test_the_banner_stands_above_the_back_office_too(staff_client: Client, analyst: User) -> None:
    staff_client.post("/account/impersonate/acquire/", {"user_pk": analyst.pk})
    text = staff_client.get("/admin/").text
    assert "You are logged in as <strong>Ann Analyst</strong>" in text
    assert "impersonation.css" in text


def test_nobody_else_logs_in_as_somebody(
    client: Client,
    operator_client: Client,
    analyst_client: Client,
    stranger_client: Client,
    owner: User,
) -> None:
    assert "impersonate" not in operator_client.get(USERS).text
    for person, status in (
        (client, 302),
        (operator_client, 403),
        (analyst_client, 403),
        (stranger_client, 403),
    ):
        response = person.post("/account/impersonate/acquire/", {"user_pk": owner.pk})
        assert response.status_code == status
        assert person.session.get("_auth_user_id") != str(owner.pk)
    assert not LogEntry.objects.exists()


def test_nobody_logs_in_as_a_deactivated_user(staff_client: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert "Log in as Olive" not in staff_client.get(USERS).text
    response = staff_client.post("/account/impersonate/acquire/", {"user_pk": owner.pk})
    assert response.status_code == 403
