import secrets

from django.db import models


def new_salt() -> bytes:
    return secrets.token_bytes(32)


class Salt(models.Model):
    """What a day's visitor ids are made with.

    One for each calendar date; a site uses that of its own local date. Once the row is
    deleted, nobody can compute again which address stood behind a visitor id.
    """

    day = models.DateField(unique=True)
    value = models.BinaryField(max_length=32, default=new_salt)

    def __str__(self) -> str:
        return self.day.isoformat()
