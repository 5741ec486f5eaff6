import secrets
from collections.abc import Collection
from datetime import date
from typing import TypeVar

from django.db import connections, models
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

from tracking.models.fields import postgres_array

M = TypeVar("M", bound=models.Model)


def of_visitors(rows: models.QuerySet[M], day: date, ids: Collection[int]) -> models.QuerySet[M]:
    """Those of the rows, which have an index of `day` and `visitor_id`, that are of these visitors.

    PostgreSQL knows nothing yet of a day that has just begun, takes it for empty, and would read
    all of it by the first half of the index. So each visitor is looked for separately.
    """
    if connections[rows.db].vendor != "postgresql":
        return rows.filter(day=day, visitor_id__among=sorted(ids))
    table = rows.model._meta.db_table
    one_by_one = f"""{table}.id = ANY(ARRAY(
        SELECT found.id
        FROM unnest(%s::bigint[]) AS visitor (id)
        CROSS JOIN LATERAL (
            SELECT id FROM {table} WHERE day = %s AND visitor_id = visitor.id OFFSET 0
        ) AS found
    ))"""  # noqa: S608
    parameters = [postgres_array(sorted(ids)), day]
    return rows.filter(RawSQL(one_by_one, parameters, models.BooleanField()))  # noqa: S611


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
