"""The roles of the back office: what each may open, on every page that there is."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.roles import ACTIONS, ANALYSTS, OPERATORS, keep_roles

LISTS = sorted(
    reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for model in admin.site._registry
)


def permissions_of(name: str) -> set[str]:
    return set(Group.objects.get(name=name).permissions.values_list("codename", flat=True))


def statuses(client: Client, addresses: list[str]) -> dict[str, int]:
    return {address: client.get(address).status_code for address in addresses}


@pytest.mark.django_db
def test_analysts_see_everything_and_operators_act_too() -> None:
    views = set(
        Permission.objects.filter(codename__startswith="view_").values_list("codename", flat=True)
    )
    assert permissions_of(ANALYSTS) == views
    assert permissions_of(OPERATORS) == views | set(ACTIONS)


@pytest.mark.django_db
def test_a_migration_restores_the_roles_and_leaves_other_groups_alone() -> None:
    add_user = Permission.objects.get(codename="add_user")
    own = Group.objects.create(name="Own")
    own.permissions.add(add_user)
    Group.objects.get(name=ANALYSTS).permissions.set([add_user])
    Group.objects.get(name=OPERATORS).delete()
    call_command("migrate", database="default", verbosity=0)
    assert "add_user" not in permissions_of(ANALYSTS)
    assert permissions_of(OPERATORS) == permissions_of(ANALYSTS) | set(ACTIONS)
    assert permissions_of("Own") == {"add_user"}


def test_before_there_are_groups_nothing_is_done() -> None:
    class NoModels:
        def get_model(self, app: str, name: str) -> Any:
            raise LookupError

    keep_roles(None, "default", apps=NoModels())  # type: ignore[arg-type]


def test_both_roles_open_every_list_and_add_nothing(
    analyst_client: Client, operator_client: Client
) -> None:
    for client in (analyst_client, operator_client):
        assert statuses(client, LISTS) == dict.fromkeys(LISTS, 200)
        forms = [f"{address}add/" for address in LISTS]
        assert statuses(client, forms) == dict.fromkeys(forms, 403)


def test_people_without_a_role_open_no_list(
    client: Client, owner_client: Client, stranger_client: Client
) -> None:
    for person in (owner_client, stranger_client):
        answers = {a: person.get(a, follow=True).status_code for a in LISTS}
        assert answers == dict.fromkeys(LISTS, 403)
    for address in LISTS:
        assert client.get(address, follow=True).redirect_chain[-1] == (
            f"/account/login/?next={address}",
            302,
        )


def test_roles_change_neither_people_nor_groups(
    analyst_client: Client, operator_client: Client, owner: User
) -> None:
    group = Group.objects.get(name=OPERATORS)
    for client in (analyst_client, operator_client):
        for address in (
            f"/admin/accounts/user/{owner.pk}/change/",
            f"/admin/accounts/user/{owner.pk}/password/",
            f"/admin/accounts/user/{owner.pk}/delete/",
            f"/admin/auth/group/{group.pk}/change/",
            f"/admin/auth/group/{group.pk}/delete/",
        ):
            assert client.post(address, {"post": "yes"}).status_code == 403
