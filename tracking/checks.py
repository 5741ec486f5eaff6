from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


def is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


@register
def check_base_url(**kwargs: Any) -> list[CheckMessage]:
    if is_web_address(settings.BASE_URL):
        return []
    return [
        Error(
            f"BASE_URL={settings.BASE_URL} is no address of the web.",
            hint="Give all of it, as in BASE_URL=https://stats.example.com",
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
