"""Domains of sites: cleaned from whatever people paste, kept as people read them."""

import ipaddress
import re
from urllib.parse import urlsplit

import idna
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
SCHEME = re.compile(r"([a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
# `www.com` is a domain of its own.
WWW = re.compile(r"^(www\.)+(?=.*\.)")


def clean_domain(text: str) -> str:
    """`https://www.Example.com:8080/x` → `example.com`; `xn--bcher-kva.example` → `bücher.example`.

    Raises ValidationError with a message for the person who typed it.
    """
    text = text.strip()
    if address := ip_address(text):
        return address
    try:
        host = urlsplit(text if SCHEME.match(text) else f"//{text}").hostname or ""
        # A name outside of IDNA, like my_shop.example, is fine as long as it is plain ASCII.
        ascii_host = host if host.isascii() else idna.encode(host, uts46=True).decode()
        ascii_host = WWW.sub("", ascii_host.rstrip("."))
        readable = idna.decode(ascii_host, uts46=True) if "xn--" in ascii_host else ascii_host
    except ValueError:  # of urlsplit as of idna
        raise not_a_domain(text) from None
    if address := ip_address(host):
        return address
    if not is_host(ascii_host):
        raise not_a_domain(text)
    return readable


def is_host(host: str) -> bool:
    """Is this lower-case ASCII text a domain name, `localhost` or an IP address?"""
    labels = host.split(".")
    return ip_address(host) is not None or (
        len(host) <= 253
        and (len(labels) > 1 or host == "localhost")
        and not labels[-1].isdigit()
        and all(LABEL.fullmatch(label) for label in labels)
    )


def ip_address(text: str) -> str | None:
    # What follows the % of an IPv6 address, a network interface, may be any text.
    try:
        return None if "%" in text else str(ipaddress.ip_address(text))
    except ValueError:
        return None


def is_loopback(domain: str) -> bool:
    """Does a site's domain name the machine on which it is visited?"""
    return domain == "localhost" or (
        ip_address(domain) is not None and ipaddress.ip_address(domain).is_loopback
    )


def validate_domain(domain: str) -> None:
    """Model validator: refuses a domain that `clean_domain` would have written differently."""
    if clean_domain(domain) != domain:
        raise not_a_domain(domain)


def not_a_domain(text: str) -> ValidationError:
    return ValidationError(
        gettext("“%(text)s” is not a domain. Give it as in example.com."),
        code="invalid",
        params={"text": text[:100]},
    )
