"""The back office for tests: where it lists visits and events, and what a list shows."""

from typing import Any

from django.test import Client

VISITS = "/admin/tracking/visit/"
EVENTS = "/admin/tracking/event/"


def changelist(client: Client, address: str) -> Any:
    response = client.get(address)
    assert response.status_code == 200
    return response.context["cl"]


def listed(client: Client, address: str) -> list[int]:
    return [row.pk for row in changelist(client, address).result_list]
