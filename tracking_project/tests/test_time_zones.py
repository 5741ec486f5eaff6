from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from tracking_project.time_zones import time_zone_choices, time_zones, validate_time_zone


def values(choices: list[Any]) -> list[str]:
    """What a select with these choices, some of them groups, can have as its value."""
    return [
        value
        for name, label in choices
        for value in ([name] if isinstance(label, str) else values(label))
    ]


def test_what_may_be_stored_is_what_can_be_chosen() -> None:
    assert sorted(values(time_zone_choices())) == sorted(time_zones())
    for name in time_zones():
        validate_time_zone(name)
        assert ZoneInfo(name).key == name


def test_a_place_is_listed_below_its_continent() -> None:
    groups = dict(time_zone_choices())
    assert groups["UTC"] == "UTC"
    assert ("America/Argentina/San_Juan", "Argentina/San Juan") in groups["America"]


@pytest.mark.parametrize("name", ["Japan", "EST5EDT", "Etc/GMT+5", "Mars/Olympus", "", "../x"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        validate_time_zone(name)
    assert refusal.value.messages == [f"“{name}” is not a time zone."]
