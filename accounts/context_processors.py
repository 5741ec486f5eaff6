from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest

from accounts.adapter import registration_open
from accounts.setup import is_set_up


def registration(request: HttpRequest) -> dict[str, bool | Callable[[], bool]]:
    """Functions, so that only a template that wants to know asks the database."""
    return {
        "registration_open": registration_open,
        "is_set_up": is_set_up,
        "mail_configured": bool(settings.EMAIL_URL),
    }
