"""The collector knows which sites there are: without a query, and while the database is away."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.db import OperationalError, connection
from django.test import RequestFactory

from tracking.collector.sites import SiteDirectory, directory
from tracking.models import Site
from tracking.tests.doors import through_wsgi
from tracking.tests.factories import SiteFactory


@contextmanager
def database_away() -> Iterator[None]:
    with patch.object(connection, "ensure_connection", side_effect=OperationalError):
        connection.close()
        yield


def test_known_site_opens_no_database(
    site: Site, long_lived: SiteDirectory, django_assert_num_queries: Any
) -> None:
    long_lived.find(str(site.public_id))
    with django_assert_num_queries(0):
        for path in (f"/t/{site.public_id}.gif?url=/", f"/sites/{site.pk}/visit?url=/"):
            assert through_wsgi(RequestFactory().get(path)).status in {200, 204}


@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_away_known_sites_are_accepted(
    site: Site, long_lived: SiteDirectory
) -> None:
    long_lived.refresh()
    known, unknown = (
        RequestFactory().get(f"/t/{i}.gif?url=/") for i in (site.public_id, UUID(int=1))
    )
    with database_away():
        assert through_wsgi(known).status == 200
        assert through_wsgi(unknown).status == 503


@pytest.mark.django_db(transaction=True)
def test_a_process_that_starts_while_the_database_is_away_knows_the_sites(
    site: Site, long_lived: SiteDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = RequestFactory().get(f"/t/{site.public_id}.gif?url=/")
    with database_away():
        assert through_wsgi(request).status == 503
    long_lived.refresh()
    monkeypatch.setattr(directory, "_numbers", None)
    with database_away():
        assert through_wsgi(request).status == 200


def test_requests_for_unknown_sites_do_not_queue_up_behind_a_database_that_hangs(
    site: Site, long_lived: SiteDirectory
) -> None:
    long_lived.refresh()
    with long_lived._asking:
        assert through_wsgi(RequestFactory().get("/t/unknown.gif?url=/")).status == 503
        known = RequestFactory().get(f"/t/{site.public_id}.gif?url=/")
        assert through_wsgi(known).status == 200


def test_a_new_site_is_noticed_and_one_that_is_gone_is_asked_for_once_a_second(
    long_lived: SiteDirectory, django_assert_num_queries: Any, owner: Any
) -> None:
    long_lived.refresh()
    with django_assert_num_queries(1):
        assert [long_lived.find(str(UUID(int=1))) for _ in range(10)] == [None] * 10
    site = SiteFactory(owner=owner)
    with django_assert_num_queries(1):
        assert long_lived.find(str(site.public_id)) == site.pk


@pytest.mark.django_db
def test_a_domain_is_that_of_whoever_has_had_it_for_longest(long_lived: SiteDirectory) -> None:
    """An older site that takes another's domain takes none of its hits."""
    SiteFactory(domain="old.example.com")
    site = SiteFactory(domain="example.com")
    older = Site.objects.get(domain="old.example.com")
    older.domain = site.domain
    older.save()
    assert long_lived.refresh()["example.com"] == site.pk
    long_lived.reset()
    assert SiteDirectory().find("example.com") == site.pk
    site.delete()
    assert long_lived.refresh()["example.com"] == older.pk
    older.name = "Renamed"
    since = older.domain_since
    older.save()
    Site.objects.only("name").get(pk=older.pk).save()
    assert Site.objects.get(pk=older.pk).domain_since == since
