"""The set-up link: how a fresh server gets its owner."""

from django.contrib.contenttypes.models import ContentType
from django.db.models import Max
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import User


class AlreadySetUp(Exception):
    """Somebody else became the owner first."""


def is_set_up() -> bool:
    return User.objects.filter(is_superuser=True).exists()


def setup_token() -> str:
    """What the set-up link ends with.

    Computed, not stored: the same link can be printed until it has been used, nothing is left
    to clean up, and whoever does not know SECRET_KEY cannot guess it. It works once: it opens
    nothing as soon as there is a superuser, and should there be none again, the account that it
    made has changed what it is computed from.
    """
    newest = User.objects.aggregate(Max("pk"))["pk__max"]
    return salted_hmac("accounts.setup", f"owner after {newest}", algorithm="sha256").hexdigest()[
        :32
    ]


def is_setup_token(token: str) -> bool:
    return constant_time_compare(token, setup_token())


def lock_superusers() -> None:
    """Let one transaction at a time decide about the first, or the last, superuser.

    The row stands for the whole table of people, which may be empty. (SQLite ignores the
    lock, but runs one writing transaction at a time anyway.)
    """
    users = ContentType.objects.filter(app_label="accounts", model="user")
    list(users.select_for_update().values("pk"))


def create_owner(email: str, password: str, name: str) -> User:
    """Make the first superuser; to be called inside a transaction."""
    lock_superusers()
    if is_set_up():
        raise AlreadySetUp
    return User.objects.create_superuser(email, password, name=name)
