import pytest

from tracking.reporting.comparison import change
from tracking.reporting.metrics import METRICS


@pytest.mark.parametrize(
    ("metric", "value", "before", "text", "is_up", "is_good"),
    [
        ("visitors", 150, 100, "50% more", True, True),
        ("visitors", 50, 100, "50% fewer", False, False),
        ("visitors", 2500, 100, "2,400% more", True, True),
        ("views_per_visit", 1.5, 2, "25% lower", False, False),
        ("visit_duration", 90, 60, "50% longer", True, True),
        ("bounce_rate", 0.41, 0.45, "4 points lower", False, True),
        ("bounce_rate", 0.46, 0.45, "1 point higher", True, False),
        ("bounce_rate", 0.5, 0, "50 points higher", True, False),
    ],
)
def test_says_how_much_which_way_and_whether_it_is_good(
    metric: str, value: float, before: float, text: str, is_up: bool, is_good: bool
) -> None:
    found = change(METRICS[metric], value, before)
    assert found is not None
    assert (str(found), found.is_up, found.is_good) == (text, is_up, is_good)


@pytest.mark.parametrize(
    ("metric", "value", "before"),
    [
        ("visitors", 100, 100),
        ("visitors", 1001, 1000),
        ("visitors", 5, 0),
        ("bounce_rate", 0.4501, 0.45),
        ("bounce_rate", 0.5, None),
        ("bounce_rate", None, 0.5),
    ],
)
def test_keeps_quiet_where_nothing_can_be_said(
    metric: str, value: float | None, before: float | None
) -> None:
    assert change(METRICS[metric], value, before) is None
