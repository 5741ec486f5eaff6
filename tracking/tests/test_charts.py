from itertools import pairwise

import pytest

from tracking.charts import Bar, Interval, LineChart, area, bars, level, line, scale, spread
from tracking.reporting.metrics import Format
from tracking.templatetags.charts import sparkline


def intervals(*values: int | None, before: list[int | None] | None = None) -> list[Interval]:
    earlier = before or [None] * len(values)
    return [
        Interval(f"day {n}", str(n), value, before=earlier[n]) for n, value in enumerate(values)
    ]


def test_paths() -> None:
    points = [(0.0, 10.0), (5.0, 2.5)]
    assert line(points) == "M0,10L5,2.5"
    assert area(points, 10) == "M0,10L5,2.5L5,10L0,10Z"
    assert (line([]), area([], 10)) == ("", "")


def test_spread_fills_the_width_and_stands_on_the_floor() -> None:
    assert spread([0, 5, 10], width=100, height=20, top=10) == [(0, 20), (50, 10), (100, 0)]
    assert spread([5], width=100, height=20, top=10, slots=3) == [(0, 10)]
    assert spread([0, 0], width=100, height=20, top=0) == [(0, 20), (100, 20)]


@pytest.mark.parametrize(
    ("greatest", "steps"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (7, [0, 2, 4, 6, 8]),
        (10, [0, 5, 10]),
        (100, [0, 25, 50, 75, 100]),
        (101, [0, 50, 100, 150]),
        (15_000, [0, 5000, 10_000, 15_000]),
    ],
)
def test_scale_is_round_and_reaches_the_greatest(greatest: int, steps: list[int]) -> None:
    assert scale(greatest) == steps


def test_scale_has_few_equal_steps() -> None:
    for greatest in [*range(1, 2000), 10**6 - 1, 10**6 + 1]:
        steps = scale(greatest)
        assert steps[-1] >= greatest
        assert len(steps) <= 5
        assert {after - before for before, after in pairwise(steps)} == {steps[1]}


def test_the_running_interval_is_drawn_apart_and_the_future_not_at_all() -> None:
    chart = LineChart.of(intervals(4, 2, 1, None, None), running=2)

    assert chart.line == "M0,0L25,50"
    assert chart.running == "M25,50L50,75"
    assert chart.now == (50.0, 75.0)
    assert chart.area == "M0,0L25,50L50,75L50,100L0,100Z"
    assert [slot.y for slot in chart.slots] == [0, 50, 75, None, None]


def test_the_first_interval_can_be_the_running_one() -> None:
    chart = LineChart.of(intervals(1, None, None), running=0)
    assert (chart.line, chart.running, chart.now) == ("", "M0,0h0", (0, 0))


def test_a_period_that_is_over_is_one_line() -> None:
    chart = LineChart.of(intervals(1, 2), running=None)
    assert (chart.line, chart.running, chart.now) == ("M0,50L100,0", "", None)


def test_the_scale_holds_what_was_before() -> None:
    chart = LineChart.of(intervals(1, 2, before=[4, None]), running=None)
    assert (chart.line, chart.before) == ("M0,75L100,50", "M0,0h0")
    assert LineChart.of(intervals(1, 2, before=[0, 0]), running=None).before == ""


def test_slots_lie_from_edge_to_edge() -> None:
    slots = LineChart.of(intervals(1, 2, 3), running=None).slots
    assert [(slot.x, slot.y) for slot in slots] == [(0, 66.67), (50, 33.33), (100, 0)]


def test_where_there_is_nothing_to_compute_from_is_a_gap() -> None:
    chart = LineChart.of(
        [Interval(str(n), str(n), value) for n, value in enumerate([1, 2, None, 4, None])],
        running=None,
    )
    assert chart.line == "M0,75L25,50M75,0h0"
    assert chart.area == "M0,75L25,50L25,100L0,100ZM75,0L75,100L75,100Z"


@pytest.mark.parametrize(
    ("format", "greatest", "labels"),
    [
        (Format.SHARE, 0.46, [0, 0.25, 0.5]),
        (Format.SHARE, 1, [0, 0.25, 0.5, 0.75, 1]),
        (Format.DURATION, 100, [0, 30, 60, 90, 120]),
        (Format.DURATION, 5 * 86_400, [0, 172_800, 345_600, 518_400]),
        (Format.RATIO, 2.4, [0, 1, 2, 3]),
        (Format.RATIO, 0.3, [0, 0.1, 0.2, 0.3]),
    ],
)
def test_each_format_has_round_steps_of_its_own(
    format: Format, greatest: float, labels: list[float]
) -> None:
    assert scale(greatest, format) == labels


def test_notes_are_marked() -> None:
    chart = LineChart.of(
        [Interval("a", "a", 1), Interval("b", "b", 2, notes=("New prices",))], running=None
    )
    assert [(slot.x, slot.interval.notes) for slot in chart.noted] == [(100, ("New prices",))]


def test_intervals_without_a_label_are_passed_over() -> None:
    chart = LineChart.of(
        [Interval(str(n), f"{n}" if n % 24 == 0 else "", 1) for n in range(72)], running=None
    )
    assert [tick.label for tick in chart.x_ticks] == ["0", "24", "48"]


def test_bars_stand_side_by_side() -> None:
    assert bars([0, 4]) == [Bar(6.25, 37.5, 100, 0), Bar(56.25, 37.5, 0, 100)]
    assert bars([]) == []


@pytest.mark.parametrize(("value", "shade"), [(0, 0), (1, 1), (20, 1), (21, 2), (50, 3), (100, 5)])
def test_levels_tell_how_much(value: float, shade: int) -> None:
    assert level(value, 100, 5) == shade
    assert level(value, 0, 5) == 0


@pytest.mark.parametrize(
    ("length", "wide", "narrow"), [(7, 7, 4), (12, 6, 3), (23, 8, 4), (25, 7, 4), (30, 8, 4)]
)
def test_there_are_no_more_labels_than_fit(length: int, wide: int, narrow: int) -> None:
    ticks = LineChart.of(intervals(*range(length)), running=None).x_ticks

    assert len(ticks) == wide
    assert len([tick for tick in ticks if not tick.wide_only]) == narrow
    assert ticks[0].anchor == "start"


def test_sparkline_is_drawn_within_its_frame() -> None:
    drawn = sparkline([0, 4], "Visitors")
    assert (drawn["label"], drawn["line"]) == ("Visitors", "M0,30L120,2")
    assert sparkline([], "Nothing")["line"] == ""
