from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

SCHEMES = {"clickhouse": False, "clickhouses": True}  # whether by TLS
OF_DRIVER = {
    "alt_hosts",
    "ca_certs",
    "ciphers",
    "client_name",
    "compression",
    "connect_timeout",
    "send_receive_timeout",
    "server_hostname",
    "ssl_version",
    "sync_request_timeout",
    "verify",
}
EXAMPLE = "clickhouse://user:password@localhost:9000/tracking"


def clickhouse(url: str, *, cluster: str, is_replicated: bool) -> dict[str, Any]:
    """The entry of DATABASES for a ClickHouse server's native protocol.

    What follows `?` goes to clickhouse-driver: `alt_hosts=other:9000` names further nodes to
    ask while the first is away, `ca_certs=…` who signed its certificate. Anything else is a
    setting of ClickHouse, as `max_memory_usage=…`.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"EVENTS_DATABASE_URL cannot be read: {error}") from None
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ImproperlyConfigured(
            f"EVENTS_DATABASE_URL is the address of a ClickHouse server, as in {EXAMPLE}"
        )
    given = dict(parse_qsl(parts.query))
    options: dict[str, Any] = {name: given.pop(name) for name in OF_DRIVER & given.keys()}
    if SCHEMES[parts.scheme]:
        options["secure"] = True
    return {
        "ENGINE": "tracking.clickhouse",
        "HOST": parts.hostname,
        "PORT": port or (9440 if SCHEMES[parts.scheme] else 9000),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "NAME": parts.path.strip("/") or "default",
        "OPTIONS": {
            "connect_timeout": 5,
            "send_receive_timeout": 60,
            **options,
            "settings": given,
            "cluster": cluster,
            "replicated": is_replicated,
        },
        # Test databases are flushed by ourselves: ClickHouse rolls nothing back.
        "TEST": {"fake_transaction": True},
    }
