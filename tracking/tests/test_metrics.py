from django.conf import settings

from tracking.reporting.dimensions import DIMENSIONS
from tracking.reporting.metrics import CURRENT_VISITORS, METRICS


def documented() -> dict[str, str]:
    """The paragraph below each heading of the documentation of metrics."""
    text = (settings.BASE_DIR / "docs" / "metrics.md").read_text()
    sections = text.split("\n### ")[1:]
    return {
        heading: body.strip().split("\n\n")[0].split("\n## ")[0].strip()
        for heading, body in (section.split("\n", 1) for section in sections)
    }


def test_the_documentation_says_what_the_tooltips_say() -> None:
    definitions = {metric.name: metric.definition for metric in METRICS.values()}
    assert documented() == {**definitions, "current_visitors": CURRENT_VISITORS}


def test_every_dimension_is_documented() -> None:
    text = (settings.BASE_DIR / "docs" / "metrics.md").read_text()
    table = text.split("## What they are told apart by")[1].split("\n\n")[1]
    assert [name for name in DIMENSIONS if f"`{name}`" not in table] == []


def test_a_mean_of_nothing_is_unknown() -> None:
    duration = METRICS["visit_duration"]
    assert duration.value({"milliseconds": 3000, "visits": 2}) == 1.5
    assert duration.value({"milliseconds": 0, "visits": 0}) is None
    assert METRICS["visits"].value({"visits": 0}) == 0


def test_values_are_called_as_people_call_them() -> None:
    assert DIMENSIONS["country"].written("CI") == "Côte d’Ivoire"
    assert DIMENSIONS["country"].written("??") == "??"
    assert DIMENSIONS["country"].written("") == "Unknown"
    assert DIMENSIONS["source"].written("") == "Direct / none"
    assert DIMENSIONS["source"].written("Google") == "Google"
