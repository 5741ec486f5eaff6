"""Geometry of the SVG charts: numbers in, coordinates out; the templates draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10

Point = tuple[float, float]

MOST_LABELS = 8


def line(points: Sequence[Point]) -> str:
    """An SVG path through the points."""
    return "M" + "L".join(f"{x:g},{y:g}" for x, y in points) if points else ""


def area(points: Sequence[Point], floor: float) -> str:
    """An SVG path that encloses what lies between the points and the floor."""
    if not points:
        return ""
    return f"{line(points)}L{points[-1][0]:g},{floor:g}L{points[0][0]:g},{floor:g}Z"


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


def scale(greatest: float) -> list[int]:
    """Round whole numbers from 0 to at least `greatest`, in three or four equal steps or fewer."""
    rough = max(1.0, greatest / 4)
    magnitude = 10 ** int(log10(rough))
    step = next(
        int(factor * magnitude)
        for factor in (1, 2, 2.5, 5, 10)
        if factor * magnitude >= rough and (factor * magnitude) % 1 == 0
    )
    return [step * number for number in range(max(1, ceil(greatest / step)) + 1)]


@dataclass(frozen=True)
class Interval:
    """What a chart shows of one interval; `value` is None as long as it is to come."""

    name: str
    label: str
    value: int | None
    label_before: str = ""
    before: int | None = None


@dataclass(frozen=True)
class Tick:
    """A label at `position` percent of an axis; a narrow chart leaves out those for wide ones."""

    position: float
    label: str
    anchor: str = "middle"
    wide_only: bool = False


@dataclass(frozen=True)
class Slot:
    """The stripe of the chart, in percent, in which the read-out shows an interval."""

    interval: Interval
    x: float
    y: float | None
    left: float
    width: float


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
    y_ticks: list[tuple[float, int]]

    @classmethod
    def of(cls, intervals: Sequence[Interval], *, running: int | None) -> "LineChart":
        """`running` is the place of the interval that is not over yet."""
        values = [interval.value for interval in intervals if interval.value is not None]
        before = [interval.before for interval in intervals if interval.before is not None]
        steps = scale(max([*values, *before], default=0))
        frame = {"width": 100, "height": 100, "top": steps[-1], "slots": len(intervals)}
        points = spread(values, **frame)
        over = points if running is None else points[:running]
        return cls(
            line=line(over),
            area=area(points, 100),
            running="" if running is None else line(points[max(0, running - 1) :]),
            before=line(spread(before, **frame)) if any(before) else "",
            now=None if running is None or not points else points[-1],
            slots=slots(intervals, points),
            x_ticks=x_ticks(intervals),
            y_ticks=[(round(100 - 100 * step / steps[-1], 2), step) for step in steps],
        )


def slots(intervals: Sequence[Interval], points: Sequence[Point]) -> list[Slot]:
    step = 100 / max(1, len(intervals) - 1)
    found = []
    for index, interval in enumerate(intervals):
        left = max(0, (index - 0.5) * step)
        found.append(
            Slot(
                interval,
                x=round(index * step, 2),
                y=points[index][1] if index < len(points) else None,
                left=round(left, 2),
                width=round(min(100, (index + 0.5) * step) - left, 2),
            )
        )
    return found


def x_ticks(intervals: Sequence[Interval]) -> list[Tick]:
    """So many labels that they have room: eight at most, every other one on a narrow chart."""
    every = ceil(len(intervals) / MOST_LABELS)
    last = len(intervals) - 1
    return [
        Tick(
            position=round(100 * index / max(1, last), 2),
            label=intervals[index].label,
            anchor="start" if index == 0 else "end" if index == last else "middle",
            wide_only=bool(index // every % 2),
        )
        for index in range(0, len(intervals), every)
    ]
