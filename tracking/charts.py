"""Geometry of the SVG charts: numbers in, coordinates out; the templates draw."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import count, groupby
from math import ceil

from tracking.reporting.metrics import Format

Point = tuple[float, float]
Points = Sequence[Point | None]

MOST_LABELS = 8
MOST_STEPS = 4
# Round steps of a scale that is not decimal; of durations in seconds, up to a day.
SHARES = (0.01, 0.02, 0.05, 0.1, 0.25)
DURATIONS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600)


def line(points: Points) -> str:
    """An SVG path through the points, with a gap where one is missing."""
    return "".join(
        # A point between two gaps would be nothing: a line of no length is a dot.
        "M" + "L".join(f"{x:g},{y:g}" for x, y in run) + ("h0" if len(run) == 1 else "")
        for run in runs(points)
    )


def area(points: Points, floor: float) -> str:
    """An SVG path that encloses what lies between the points and the floor."""
    return "".join(
        f"M{'L'.join(f'{x:g},{y:g}' for x, y in run)}L{run[-1][0]:g},{floor:g}"
        f"L{run[0][0]:g},{floor:g}Z"
        for run in runs(points)
    )


def runs(points: Points) -> Iterator[list[Point]]:
    """What lies between the gaps."""
    for is_gap, run in groupby(points, lambda point: point is None):
        if not is_gap:
            yield [point for point in run if point is not None]


def spread(
    values: Sequence[float], *, width: float, height: float, top: float, slots: int = 0
) -> list[Point]:
    """The values from left to right, on a scale of 0 at `height` to `top` at 0.

    With more slots than values, the values fill the leftmost ones.
    """
    step = width / max(1, (slots or len(values)) - 1)
    return [
        (round(index * step, 2), round(height - height * value / (top or 1), 2))
        for index, value in enumerate(values)
    ]


def spread_with_gaps(values: Sequence[float | None], top: float) -> list[Point | None]:
    """The same over a hundred percent, where some values are not known."""
    points = spread([value or 0 for value in values], width=100, height=100, top=top)
    return [None if value is None else point for value, point in zip(values, points, strict=True)]


def scale(greatest: float, format: Format = Format.COUNT) -> list[float]:
    """Round numbers from 0 to at least `greatest`, in four equal steps or fewer."""
    step = next(step for step in round_steps(format) if step * MOST_STEPS >= greatest)
    return [
        round(step * number, 2) for number in range(max(1, ceil(round(greatest / step, 9))) + 1)
    ]


def round_steps(format: Format) -> Iterator[float]:
    match format:
        case Format.SHARE:
            yield from SHARES
        case Format.DURATION:
            yield from DURATIONS
            yield from (86_400 * days for days in count(1))
        case Format.RATIO:
            yield from (0.1, 0.25, 0.5)
    for exponent in count():
        for factor in (1, 2, 2.5, 5):
            if (step := factor * 10**exponent) % 1 == 0:
                yield step


@dataclass(frozen=True)
class Bar:
    """An upright bar, in percent of the chart."""

    x: float
    width: float
    y: float
    height: float


def bars(values: Sequence[float], gap: float = 0.25) -> list[Bar]:
    """Upright bars side by side; `gap` is what is left free of the place of each."""
    step, top = 100 / max(1, len(values)), max(values, default=0) or 1
    return [
        Bar(
            x=round((index + gap / 2) * step, 2),
            width=round(step * (1 - gap), 2),
            y=round(100 - 100 * value / top, 2),
            height=round(100 * value / top, 2),
        )
        for index, value in enumerate(values)
    ]


@dataclass(frozen=True)
class Interval:
    """What a chart shows of one interval, as numbers and as people read them.

    `value` is None where there is nothing to compute it from, `is_to_come` where nothing
    can have happened yet.
    """

    name: str
    label: str
    value: float | None
    text: str = ""
    day: date | None = None
    is_to_come: bool = False
    label_before: str = ""
    before: float | None = None
    text_before: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tick:
    """A label at `position` percent of an axis; a narrow chart leaves out those for wide ones."""

    position: float
    label: str
    anchor: str = "middle"
    wide_only: bool = False


@dataclass(frozen=True)
class Slot:
    """An interval and its place in the chart, in percent."""

    interval: Interval
    x: float
    y: float | None


@dataclass(frozen=True)
class LineChart:
    """A line over equal intervals, and what it was before; all coordinates are percentages.

    The line breaks off where the interval begins that is not over yet: `running` goes on to
    `now`. A line that has nothing to show is empty.
    """

    line: str
    area: str
    running: str
    before: str
    now: Point | None
    slots: list[Slot]
    x_ticks: list[Tick]
    y_ticks: list[tuple[float, str]]
    noted: list[Slot] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        intervals: Sequence[Interval],
        *,
        running: int | None,
        format: Format = Format.COUNT,
        write: Callable[[float], str] = str,
    ) -> "LineChart":
        """`running` is the place of the interval that is not over yet; `write` labels a step."""
        values = [None if interval.is_to_come else interval.value for interval in intervals]
        before = [interval.before for interval in intervals]
        known = [value for value in (*values, *before) if value is not None]
        steps = scale(max(known, default=0), format)
        points = spread_with_gaps(values, steps[-1])
        points_before = spread_with_gaps(before, steps[-1])
        over = points if running is None else points[:running]
        last = max(1, len(intervals) - 1)
        slots = [
            Slot(interval, round(100 * index / last, 2), point and point[1])
            for index, (interval, point) in enumerate(zip(intervals, points, strict=True))
        ]
        return cls(
            line=line(over),
            area=area(points, 100),
            running="" if running is None else line(points[max(0, running - 1) : running + 1]),
            before=line(points_before) if any(before) else "",
            now=None if running is None else points[running],
            slots=slots,
            x_ticks=x_ticks(intervals),
            y_ticks=[(round(100 - 100 * step / steps[-1], 2), write(step)) for step in steps],
            noted=[slot for slot in slots if slot.interval.notes],
        )


def x_ticks(intervals: Sequence[Interval]) -> list[Tick]:
    """So many labels that they have room: eight at most, every other one on a narrow chart."""
    labelled = [index for index, interval in enumerate(intervals) if interval.label]
    shown = labelled[:: max(1, ceil(len(labelled) / MOST_LABELS))]
    last = len(intervals) - 1
    return [
        Tick(
            position=round(100 * index / max(1, last), 2),
            label=intervals[index].label,
            anchor="start" if index == 0 else "end" if index == last else "middle",
            wide_only=bool(place % 2),
        )
        for place, index in enumerate(shown)
    ]


def level(value: float, greatest: float, levels: int) -> int:
    """The shade of a value, from 0 for nothing to `levels` for the greatest."""
    if value <= 0 or greatest <= 0:
        return 0
    return max(1, min(levels, ceil(value / greatest * levels)))
