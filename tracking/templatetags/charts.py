"""Template tags that draw SVG on the server."""

from collections.abc import Sequence
from typing import Any

from django import template

from tracking.charts import area, line, spread

register = template.Library()

WIDTH, HEIGHT, MARGIN = 120, 32, 2


@register.inclusion_tag("tracking/partials/sparkline.html")
def sparkline(values: Sequence[int], label: str) -> dict[str, Any]:
    """A small line without axes; `label` says to a screen reader what it shows."""
    points = [
        (x, y + MARGIN)
        for x, y in spread(
            values, width=WIDTH, height=HEIGHT - 2 * MARGIN, top=max(values, default=0)
        )
    ]
    return {
        "label": label,
        "width": WIDTH,
        "height": HEIGHT,
        "line": line(points),
        "area": area(points, HEIGHT),
    }
