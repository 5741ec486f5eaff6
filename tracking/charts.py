"""Geometry of the SVG charts: numbers in, coordinates out; the templates draw."""

from collections.abc import Sequence

Point = tuple[float, float]


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
