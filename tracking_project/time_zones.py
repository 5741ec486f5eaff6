"""Time zones as people choose them: for an account and for a site."""

import zoneinfo
from functools import cache
from itertools import groupby

from django.core.exceptions import ValidationError


@cache
def time_zone_choices() -> list[tuple[str, str | list[tuple[str, str]]]]:
    """Every zone for a form's select: UTC, then one group a continent, its cities by name.

    Somebody who types “Ber” into such a select gets Berlin.
    """
    names = sorted(
        name
        for name in zoneinfo.available_timezones()
        if "/" in name and not name.startswith(("Etc/", "SystemV/"))
    )
    return [
        ("UTC", "UTC"),
        *(
            (continent, [(name, name.partition("/")[2].replace("_", " ")) for name in group])
            for continent, group in groupby(names, key=lambda name: name.partition("/")[0])
        ),
    ]


def validate_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError("“%(name)s” is not a time zone.", params={"name": name})
