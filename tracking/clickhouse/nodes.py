"""The nodes of a cluster, each of which is asked by itself.

ON CLUSTER would do that for us, but needs a Keeper, which not every cluster has.
"""

from typing import Any

from clickhouse_driver import Client
from clickhouse_driver.errors import Error as DriverError
from django.db import OperationalError


class Nodes:
    """Keeps a connection to each node; of one thread, as its database connection is."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._clients: dict[tuple[str, int, str], Client] = {}

    def execute(self, sql: str) -> None:
        for host, port in self.addresses():
            try:
                self._client(host, port).execute(sql)
            except DriverError as error:
                raise OperationalError(f"{host}:{port}: {error}") from error

    def addresses(self) -> list[tuple[str, int]]:
        cluster = self.connection.cluster
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT host_name, port FROM system.clusters WHERE cluster = %s", [cluster]
            )
            found: list[tuple[str, int]] = cursor.fetchall()
        if not found:
            raise OperationalError(f"The ClickHouse server knows no cluster “{cluster}”.")
        return found

    def _client(self, host: str, port: int) -> Client:
        wanted = self.connection.get_connection_params()
        key = host, port, wanted["database"]
        if key not in self._clients:
            for name in ("host", "port", "alt_hosts", "connections_min", "connections_max"):
                wanted.pop(name, None)
            self._clients[key] = Client(host, port, **wanted)
        return self._clients[key]
