import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

NAME_IN_PATH = re.compile(r"[A-Za-z0-9_-]{1,50}")


def is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


@register
def check_base_url(**kwargs: Any) -> list[CheckMessage]:
    if is_web_address(settings.BASE_URL) and urlsplit(settings.BASE_URL).path in ("", "/"):
        return []
    return [
        Error(
            f"BASE_URL={settings.BASE_URL} is no address of a web server.",
            hint="Give scheme and host, and no path, as in BASE_URL=https://stats.example.com",
            id="tracking.E001",
        )
    ]


@register
def check_geoip_url(**kwargs: Any) -> list[CheckMessage]:
    url = settings.GEOIP_URL
    if not url or (is_web_address(url) and "{ip}" in url):
        return []
    return [
        Error(
            f"GEOIP_URL={url} is no address to ask for the place of a visitor.",
            hint="Write {ip} where the visitor’s address belongs, as in "
            "GEOIP_URL=https://geo.example.com/json/{ip}",
            id="tracking.E002",
        )
    ]


MOST_MONTHS = 1200
# What stands first in the path of other pages.
TAKEN = {"account", "admin", "api", "ingress", "js", "opt-out", "sites", "static", "theme"}


@register
def check_tracker_prefix(**kwargs: Any) -> list[CheckMessage]:
    prefix = settings.TRACKER_PREFIX
    if NAME_IN_PATH.fullmatch(prefix) and prefix not in TAKEN:
        return []
    return [
        Error(
            f"TRACKER_PREFIX={prefix} cannot be the first part of a path.",
            hint="Give one word of letters, digits, - and _ that nothing else has: not "
            + ", ".join(sorted(TAKEN)),
            id="tracking.E003",
        )
    ]


@register
def check_tracker_script_name(**kwargs: Any) -> list[CheckMessage]:
    name = settings.TRACKER_SCRIPT_NAME
    if not name or (NAME_IN_PATH.fullmatch(name) and name != "batch"):
        return []
    return [
        Error(
            f"TRACKER_SCRIPT_NAME={name} cannot be the name of a script.",
            hint="Give one word of letters, digits, - and _, without .js, other than batch.",
            id="tracking.E004",
        )
    ]


@register
def check_retention(**kwargs: Any) -> list[CheckMessage]:
    if 0 <= settings.RETENTION_MONTHS <= MOST_MONTHS:
        return []
    return [
        Error(
            f"RETENTION_MONTHS={settings.RETENTION_MONTHS} is no number of months.",
            hint=f"Give 1 to {MOST_MONTHS}, or 0 to keep visits for ever.",
            id="tracking.E005",
        )
    ]
