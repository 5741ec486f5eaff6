"""Host names in lists, where `*.example.com` stands for all that end so."""

from collections.abc import Iterable

import idna
from django.core.exceptions import ValidationError

from tracking.domains import clean_domain

WILDCARD = "*."


def clean_host(text: str) -> str:
    """Takes what `clean_domain` takes, and `*.` before it."""
    text = text.strip()
    if text.startswith(WILDCARD):
        return WILDCARD + clean_domain(text.removeprefix(WILDCARD))
    return clean_domain(text)


class Hosts:
    """Finds the entry that a host name, as browsers send it, belongs to; `www.` is left aside.

    `with_subdomains` lets each entry stand for all names below it, as if by a wildcard.
    """

    def __init__(self, hosts: Iterable[str] = (), *, with_subdomains: bool = False) -> None:
        self._exact: dict[str, str] = {}
        self._parents: dict[str, str] = {}
        for text in hosts:
            name = as_sent(text.removeprefix(WILDCARD))
            is_wild = text.startswith(WILDCARD)
            if is_wild or with_subdomains:
                self._parents[name] = text
            if not is_wild:
                self._exact[name] = text

    def __bool__(self) -> bool:
        return bool(self._exact or self._parents)

    def find(self, host: str) -> str | None:
        host = host.removeprefix("www.")
        if found := self._exact.get(host):
            return found
        parent = host.partition(".")[2] if self._parents else ""
        while parent:
            if found := self._parents.get(parent):
                return found
            parent = parent.partition(".")[2]
        return None


def as_sent(host: str) -> str:
    """`bücher.example` → `xn--bcher-kva.example`."""
    try:
        return host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError as error:
        raise ValidationError(str(error)) from error
