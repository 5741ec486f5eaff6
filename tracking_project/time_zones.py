"""Time zones as people choose them: for an account and for a site."""

import zoneinfo
from functools import cache
from itertools import groupby

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


@cache
def time_zones() -> frozenset[str]:
    """UTC, and every zone with the name of a place; not older names, as “Japan” or “EST5EDT”."""
    named = {
        name
        for name in zoneinfo.available_timezones()
        if "/" in name and not name.startswith(("Etc/", "SystemV/"))
    }
    return frozenset({"UTC", *named})


@cache
def time_zone_choices() -> list[tuple[str, str | list[tuple[str, str]]]]:
    """All of them for a form's select: UTC, then one group a continent, its cities by name.

    Somebody who types “Ber” into such a select gets Berlin.
    """
    names = sorted(time_zones() - {"UTC"})
    return [
        ("UTC", "UTC"),
        *(
            (continent, [(name, name.partition("/")[2].replace("_", " ")) for name in group])
            for continent, group in groupby(names, key=lambda name: name.partition("/")[0])
        ),
    ]


def validate_time_zone(name: str) -> None:
    if name not in time_zones():
        raise ValidationError(_("“%(name)s” is not a time zone."), params={"name": name})
