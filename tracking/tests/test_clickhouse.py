"""What can be said of ClickHouse without a server."""

from typing import Any

import pytest
from clickhouse_driver.dbapi.errors import OperationalError as DriverError
from clickhouse_driver.errors import NetworkError, ServerException
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from tracking.clickhouse.base import DatabaseWrapper
from tracking.clickhouse.configuration import clickhouse
from tracking.models import Event, Site, Visit
from tracking.models.fields import any_of
from tracking.routers import EventsRouter, events_database, is_clickhouse_away


def configured(url: str, **about: Any) -> dict[str, Any]:
    return clickhouse(url, **{"cluster": "", "is_replicated": False, **about})


def test_an_address_says_all() -> None:
    found = configured("clickhouses://me:p%40ss@ch.example.com/stats?verify=0&max_threads=4")
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("ch.example.com", 9440, "stats")
    assert (found["USER"], found["PASSWORD"]) == ("me", "p@ss")
    options = found["OPTIONS"]
    assert (options["secure"], options["verify"]) == (True, "0")
    assert options["settings"] == {"max_threads": "4"}


def test_little_is_needed() -> None:
    found = configured("clickhouse://localhost")
    assert (found["PORT"], found["NAME"], found["USER"]) == (9000, "default", "")
    assert "secure" not in found["OPTIONS"]


@pytest.mark.parametrize(
    "url", ["postgres://localhost/x", "localhost:9000", "clickhouse:///x", "clickhouse://h:port/x"]
)
def test_what_is_no_address_is_said_to_be_none(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EVENTS_DATABASE_URL"):
        configured(url)


def table(model: type[Any], **about: Any) -> str:
    wrapper = DatabaseWrapper(configured("clickhouse://localhost", **about), "events")
    return str(wrapper.schema_editor().table_of(model, f"{model._meta.db_table}_local"))


def test_tables_are_ordered_by_site_and_day_and_replace_what_is_written_again() -> None:
    visits, events = table(Visit), table(Event)
    for sql in (visits, events):
        assert "ENGINE = ReplacingMergeTree(version) PARTITION BY toYYYYMM(day)" in sql
    assert visits.endswith("ORDER BY (site_id, day, id)")
    assert events.endswith("ORDER BY (site_id, day, visit_id, id)")
    assert '"country_id" Int32 CODEC(ZSTD(1))' in visits
    assert '"props" Map(LowCardinality(String), String) CODEC(ZSTD(1))' in events
    assert "\"time\" DateTime64(3, 'UTC') CODEC(Delta, LZ4)" in events


def test_replicas_share_a_path_in_keeper_by_shard() -> None:
    assert (
        "ReplicatedReplacingMergeTree("
        "'/clickhouse/tables/{shard}/{database}/tracking_visit_local', '{replica}', version)"
    ) in table(Visit, cluster="events", is_replicated=True)


def test_connections_of_all_threads_know_the_cluster() -> None:
    settings = configured("clickhouse://localhost", cluster="events", is_replicated=True)
    for _ in range(2):
        wrapper = DatabaseWrapper(settings, "events")
        assert (wrapper.cluster, wrapper.is_replicated) == ("events", True)
        assert "cluster" not in wrapper.get_connection_params()


def test_only_visits_and_events_are_elsewhere() -> None:
    router = EventsRouter()
    assert router.db_for_read(Visit) == router.db_for_write(Event) == events_database()
    assert router.db_for_read(Site) == "default"
    assert router.allow_migrate(events_database(), "tracking", "visit")
    assert router.allow_migrate("default", "tracking", "site")
    assert not router.allow_migrate("elsewhere", "accounts", "user")


@pytest.mark.parametrize(
    ("cause", "is_away"),
    [
        (DriverError(NetworkError("refused")), True),
        (DriverError(ServerException("too slow", 159)), True),
        (DriverError(ServerException("syntax", 62)), False),
        (NetworkError("a node of the cluster"), True),
        (ValueError(), False),
        (None, False),
    ],
)
def test_a_server_that_is_away_is_told_from_a_fault_of_ours(
    cause: Exception | None, is_away: bool
) -> None:
    error = OperationalError("x")
    error.__cause__ = cause
    assert is_clickhouse_away(error) is is_away


def test_no_numbers_are_nobodys() -> None:
    assert any_of("id", ("x",), [3, 5]) == ("id IN (3, 5)", ("x",))
    assert any_of("id", ("x",), []) == ("0 = 1", ())
