import secrets

from django.db import models
from django.utils.translation import gettext_lazy as _


def new_salt() -> bytes:
    return secrets.token_bytes(32)


class Salt(models.Model):
    """What a day's visitor ids are made with.

    One for each calendar date; a site uses that of its own local date. Once the row is
    deleted, nobody can compute again which address stood behind a visitor id.
    """

    day = models.DateField(_("day"), unique=True)
    value = models.BinaryField(_("value"), max_length=32, default=new_salt)

    class Meta:
        verbose_name = _("salt")
        verbose_name_plural = _("salts")

    def __str__(self) -> str:
        return self.day.isoformat()
