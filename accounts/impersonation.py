"""Superusers log in as somebody else (django-hijack): each time is kept in the log of changes."""

from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.dispatch import receiver
from django.utils.translation import gettext
from hijack.signals import hijack_ended, hijack_started

from accounts.models import User


@receiver(hijack_started)
def note_start(hijacker: User, hijacked: User, **kwargs: Any) -> None:
    note(hijacker, hijacked, gettext("Logged in as this user."))


@receiver(hijack_ended)
def note_end(hijacker: User, hijacked: User, **kwargs: Any) -> None:
    note(hijacker, hijacked, gettext("Ended being logged in as this user."))


def note(hijacker: User, hijacked: User, message: str) -> None:
    LogEntry.objects.log_actions(hijacker.pk, [hijacked], CHANGE, message, single_object=True)
