"""How the worker finds the visits that hits may continue, and keeps others from deleting them."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from tracking.models import Site, Visit
from tracking.models.visitors import of_visitors
from tracking.tests.factories import SiteFactory, VisitFactory

TODAY = date(2026, 3, 10)
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="It is about a lock or a plan of PostgreSQL."
)


def add_visits(site: Site, day: date, visitors: range) -> None:
    moment = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12)
    for visitor in visitors:
        VisitFactory(site=site, day=day, started_at=moment, visitor_id=visitor)


@pytest.mark.django_db
def test_visits_are_found_by_day_and_visitor(site: Site) -> None:
    yesterday = TODAY - timedelta(days=1)
    add_visits(site, TODAY, range(5))
    add_visits(site, TODAY, range(1))  # another visit of the first
    add_visits(site, yesterday, range(3, 8))
    found = of_visitors(Visit.objects.all(), TODAY, {0, 3, 6, -1})
    assert sorted(found.values_list("day", "visitor_id")) == [(TODAY, 0), (TODAY, 0), (TODAY, 3)]
    assert not of_visitors(Visit.objects.all(), TODAY, set())


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes_of(child)


@on_postgresql
@pytest.mark.django_db
@pytest.mark.not_on_clickhouse
def test_a_day_that_postgresql_does_not_know_yet_is_not_read_as_a_whole(site: Site) -> None:
    """Else each batch would cost more than the one before, until statistics are made anew."""
    add_visits(site, TODAY - timedelta(days=1), range(300))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tracking_visit")
        cursor.execute("SET LOCAL enable_seqscan = off")  # as of a table that is too big for it
    add_visits(site, TODAY, range(300))
    found = of_visitors(Visit.objects.all(), TODAY, range(0, 100, 10))
    [explained] = json.loads(found.explain(analyze=True, format="json"))
    nodes = list(nodes_of(explained["Plan"]))
    assert sum(node.get("Rows Removed by Filter", 0) for node in nodes) == 0
    assert nodes[0]["Actual Rows"] == 10


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_who_holds_a_site_waits_only_for_who_locks_it() -> None:
    site, other = SiteFactory(), SiteFactory()

    def from_elsewhere(action: str) -> list[object]:
        """What comes of it in another transaction, while this one goes on."""
        outcome: list[object] = []

        def act() -> None:
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '100ms'")
                    if action == "hold":
                        outcome.append(Site.objects.hold([site.pk, other.pk]))
                    elif action == "lock":
                        outcome.append(Site.objects.lock(site.pk))
                    else:
                        outcome.append(site.delete())
            except OperationalError:
                outcome.append("waits")
            finally:
                connection.close()

        thread = Thread(target=act)
        thread.start()
        thread.join()
        return outcome

    with transaction.atomic():
        assert Site.objects.hold([site.pk, other.pk, other.pk + 1]) == {site.pk, other.pk}
        assert from_elsewhere("hold") == [{site.pk, other.pk}]
        assert from_elsewhere("lock") == ["waits"]
        assert from_elsewhere("delete") == ["waits"]
    with transaction.atomic():
        Site.objects.lock(site.pk)
        assert from_elsewhere("hold") == ["waits"]
    assert from_elsewhere("lock") == [None]


@on_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.not_on_clickhouse
def test_a_visit_that_is_stored_while_its_site_is_deleted_goes_with_it() -> None:
    site = SiteFactory()

    def delete() -> None:
        site.delete()
        connection.close()

    deleting = Thread(target=delete)
    with transaction.atomic():
        Site.objects.hold([site.pk])
        deleting.start()
        deleting.join(0.5)
        assert deleting.is_alive()
        add_visits(site, TODAY, range(3))
    deleting.join()
    assert not Visit.objects.exists()
