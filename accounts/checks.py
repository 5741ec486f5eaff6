import stat
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


@register(Tags.security, deploy=True)
def check_proxies(**kwargs: Any) -> list[CheckMessage]:
    if not settings.HTTPS or settings.TRUSTED_PROXIES:
        return []
    return [
        Warning(
            f"BASE_URL is {settings.BASE_URL}, but TRUSTED_PROXIES is 0.",
            hint="HTTPS usually ends at a proxy: set TRUSTED_PROXIES to the number of proxies of "
            "your own. Without it all people have the address of the proxy, share one limit for "
            "failed log-ins, and plain HTTP is not redirected. Ignore this if the server itself "
            "speaks HTTPS.",
            id="accounts.W002",
        )
    ]


@register(Tags.security)
def check_data_dir(**kwargs: Any) -> list[CheckMessage]:
    if not settings.DATA_DIR.stat().st_mode & stat.S_IRWXO:
        return []
    return [
        Warning(
            f"Everybody on this machine can look into {settings.DATA_DIR}, where passwords’ hashes "
            "and visitors’ data are kept.",
            hint=f"chmod -R o= {settings.DATA_DIR}",
            id="accounts.W003",
        )
    ]
