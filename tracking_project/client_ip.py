"""Whose request is it? Decided here, once, for collector, logs and rate limits."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings


def client_ip(meta: Mapping[str, Any]) -> str:
    """The address of the client behind `meta` (a WSGI environ or `request.META`).

    X-Forwarded-For can be written by anybody; only the entries that our own proxies appended,
    TRUSTED_PROXIES of them from the right, say something. A request with fewer entries did
    not come through the proxies: the connection's own address counts then.
    """
    hops: int = settings.TRUSTED_PROXIES
    if hops:
        entries = str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")
        if len(entries) >= hops and (address := entries[-hops].strip()):
            return address
    return str(meta.get("REMOTE_ADDR", ""))
