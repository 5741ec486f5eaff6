"""IP addresses and networks: as people write them, and which of many an address lies in."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address, ip_network

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

REMEMBERED = 20_000  # addresses


def clean_network(text: str) -> str:
    """`203.0.113.7`, `203.0.113.0/24`, `2001:db8::/32`; a single address without its /32."""
    try:
        if "%" in text:
            raise ValueError(text)
        network = ip_network(text, strict=False)
    except ValueError:
        message = _(
            "“%(text)s” is neither an IP address, as in 203.0.113.7, nor a network, as in "
            "203.0.113.0/24 or 2001:db8::/32."
        )
        raise ValidationError(message, code="network", params={"text": text[:100]}) from None
    if not network.prefixlen:
        raise ValidationError(_("“%(text)s” means everybody."), params={"text": text[:100]})
    is_single = network.prefixlen == network.max_prefixlen
    return str(network.network_address if is_single else network)


class Networks:
    """Finds the network of an address in as many steps as there are lengths of prefixes."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        # By version and how many bits do not count, the networks by their other bits.
        self._by_width: dict[tuple[int, int], dict[int, str]] = {}
        for text in networks:
            network = ip_network(text, strict=False)
            host_bits = network.max_prefixlen - network.prefixlen
            table = self._by_width.setdefault((network.version, host_bits), {})
            table[int(network.network_address) >> host_bits] = text

    def __bool__(self) -> bool:
        return bool(self._by_width)

    def find(self, ip: str) -> str | None:
        """The network that the address lies in, as it was given; None for what is no address."""
        ip_version, number = numbers_of(ip)
        for (version, host_bits), table in self._by_width.items():
            if version == ip_version and (network := table.get(number >> host_bits)):
                return network
        return None


@lru_cache(maxsize=REMEMBERED)
def numbers_of(ip: str) -> tuple[int, int]:
    """The version of an address, and the address as a number; version 0 for what is none."""
    try:
        address = ip_address(ip)
    except ValueError:
        return 0, 0
    return address.version, int(address)
