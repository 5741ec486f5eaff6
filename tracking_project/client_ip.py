"""Whose request is it? Decided here, once, for collector, logs and rate limits."""

from collections.abc import Mapping
from functools import cache, lru_cache
from ipaddress import IPv6Address, ip_address
from socket import AF_INET, inet_pton
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver


def client_ip(meta: Mapping[str, Any]) -> str:
    """The address of the client behind `meta` (a WSGI environ or `request.META`).

    X-Forwarded-For can be written by anybody; only the entries that our own proxies appended,
    TRUSTED_PROXIES of them from the right, say something. A request with fewer entries did
    not come through the proxies: the connection's own address counts then.
    """
    if hops := trusted_proxies():
        entries = meta.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(entries) >= hops and (address := entries[-hops].strip()):
            return without_port(address) if ":" in address else address
    return meta.get("REMOTE_ADDR", "")  # type: ignore[no-any-return]


@cache
def trusted_proxies() -> int:
    """Every hit asks, and Django's settings take a quarter of a microsecond each time."""
    return settings.TRUSTED_PROXIES  # type: ignore[no-any-return]


@receiver(setting_changed)
def forget(**_: object) -> None:
    trusted_proxies.cache_clear()


def masked(address: str) -> str:
    """An address without the part that tells one household from another; whole if it is one of
    a private network, as a proxy has."""
    plain = plain_address(address)
    if not plain:
        return ""
    parsed = ip_address(plain)
    if parsed.is_private:
        return plain
    if isinstance(parsed, IPv6Address):
        return ":".join(parsed.exploded.split(":")[:3]) + "::…"
    return plain.rpartition(".")[0] + ".…"


def without_port(address: str) -> str:
    """Some proxies append one: `1.2.3.4:5678`, `[2001:db8::1]:5678`."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def is_ipv4(text: str) -> bool:
    """In its usual spelling; a tenth of the time that `ipaddress` takes."""
    try:
        inet_pton(AF_INET, text)
    except (OSError, ValueError):
        return False
    return True


@lru_cache(maxsize=20_000)
def plain_address(text: str) -> str:
    """An IP address in its usual spelling: IPv4 also where it came as IPv6, no scope; "" for
    what is no address."""
    if is_ipv4(text):
        return text
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)
