"""Filtered hits in the back office: by reason, and counted after all."""

import csv
import io
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tracking.models import Event, ExcludedHit, Reason, Site
from tracking.tests.factories import SiteFactory
from tracking.tests.hits import NOON, process_hits, record

FILTERED = "/admin/tracking/excludedhit/"

pytestmark = pytest.mark.usefixtures("in_the_afternoon")


@pytest.fixture
def hits(site: Site) -> list[ExcludedHit]:
    """Two prefetched pages and one of an excluded path, of two sites."""
    other = SiteFactory(domain="other.example.com", excluded_paths="/secret")
    process_hits(
        record(site, NOON, prefetch=True),
        record(site, NOON, prefetch=True, url="https://example.com/b"),
        record(other, NOON, url="https://other.example.com/secret"),
    )
    Site.objects.update(excluded_paths="")
    return list(ExcludedHit.objects.order_by("pk"))


def changelist(client: Client, query: str = "") -> Any:
    response = client.get(FILTERED + query)
    assert response.status_code == 200
    return response.context["cl"]


def listed(client: Client, query: str = "") -> list[str]:
    return [hit.page for hit in changelist(client, query).result_list]


def restore(client: Client, *hits: ExcludedHit) -> Any:
    form = {"action": "count_after_all", "_selected_action": [hit.pk for hit in hits]}
    return client.post(FILTERED, form, follow=True)


def test_hits_are_listed_and_counted_by_reason(
    analyst_client: Client, hits: list[ExcludedHit], site: Site
) -> None:
    assert listed(analyst_client) == ["/secret", "/b", "/"]
    assert listed(analyst_client, "?reason__exact=prefetch") == ["/b", "/"]
    assert listed(analyst_client, f"?site__id__exact={site.pk}&page__icontains=b") == ["/b"]
    assert listed(analyst_client, "?q=secr") == ["/secret"]
    assert listed(analyst_client, "?day_to=2026-06-14") == []
    assert changelist(analyst_client).reasons == [(Reason.PREFETCH, 2), (Reason.PATH, 1)]
    assert changelist(analyst_client, f"?site__id__exact={site.pk}").reasons == [
        (Reason.PREFETCH, 2)
    ]
    detail = analyst_client.get(f"{FILTERED}{hits[0].pk}/change/")
    assert detail.status_code == 200


def test_operators_count_hits_after_all(operator_client: Client, hits: list[ExcludedHit]) -> None:
    response = restore(operator_client, hits[0], hits[2])
    assert [str(message) for message in response.context["messages"]] == [
        "2 hits are counted after all."
    ]
    assert sorted(event.page for event in Event.objects.all()) == ["/", "/secret"]
    assert listed(operator_client) == ["/b"]
    entries = [(entry.object_repr, entry.get_change_message()) for entry in LogEntry.objects.all()]
    assert sorted(entries) == [
        ("example.com", "Counted 1 filtered hit after all."),
        ("other.example.com", "Counted 1 filtered hit after all."),
    ]


def test_what_cannot_be_counted_stays(operator_client: Client, site: Site) -> None:
    process_hits(record(site, NOON, url="javascript:alert(1)"))
    hit = ExcludedHit.objects.get()
    response = restore(operator_client, hit)
    assert [str(message) for message in response.context["messages"]] == [
        "0 hits are counted after all.",
        "1 cannot be counted: it names no page of a website.",
    ]
    assert ExcludedHit.objects.filter(pk=hit.pk).exists()


def test_filtered_hits_are_exported(analyst_client: Client, hits: list[ExcludedHit]) -> None:
    text = analyst_client.get(f"{FILTERED}export/csv/").getvalue().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["reason"], row["page"]) for row in rows] == [
        ("path", "/secret"),
        ("prefetch", "/b"),
        ("prefetch", "/"),
    ]


def test_who_may_count_hits_after_all(
    client: Client, analyst_client: Client, stranger_client: Client, owner_client: Client,
    hits: list[ExcludedHit], staff: User,
) -> None:  # fmt: skip
    assert "count_after_all" not in analyst_client.get(FILTERED).text
    for person in (client, analyst_client, stranger_client, owner_client):
        restore(person, *hits)
    assert ExcludedHit.objects.count() == 3


def test_nothing_filtered_is_good_news(analyst_client: Client, site: Site) -> None:
    assert "Every hit of these days was counted." in analyst_client.get(FILTERED).text


def test_more_hits_ask_no_more(
    staff_client: Client, site: Site, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        process_hits(record(site, NOON, prefetch=True))
        with django_assert_num_queries(8):
            staff_client.get(FILTERED)
