"""The database backend for visits and events on ClickHouse.

django-clickhouse-backend, with the tables as this application wants them: on one node or spread
over the shards of a cluster, and read as other databases are.
"""
