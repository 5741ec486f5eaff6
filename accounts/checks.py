from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security, deploy=True)
def check_https(**kwargs: Any) -> list[CheckMessage]:
    host = urlsplit(settings.BASE_URL).hostname
    if settings.HTTPS or host in ("localhost", "127.0.0.1", "::1"):
        return []
    return [
        Warning(
            f"People log in at {settings.BASE_URL}, where others can listen in.",
            hint="Serve it by HTTPS and set BASE_URL to the address that begins with https://: "
            "secure cookies, HSTS and the redirect to HTTPS follow from that.",
            id="accounts.W001",
        )
    ]
