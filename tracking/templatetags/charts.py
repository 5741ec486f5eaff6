"""Template tags that draw charts on the server.

What a chart has a hundred times is written here, since a loop of the template language takes ten
times as long for it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tracking.charts import Slot, area, line, spread
from tracking.views.heat_map import Hour
from tracking.views.panels import PanelRow
from tracking.world import Country

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


@register.simple_tag
def countries(shown: Iterable[tuple[Country, PanelRow]]) -> SafeString:
    """The countries of the map that have a value."""
    return format_html_join(
        "",
        '<path class="shade-{}" d="{}" data-tip="{}" data-href="{}"/>',
        ((country.level, country.outline, row.tip, row.address) for country, row in shown),
    )


@register.simple_tag
def heat_cells(hours: Iterable[Hour]) -> SafeString:
    """The cells of a day."""
    return format_html_join(
        "",
        '<td class="shade-{}" data-tip="{}" data-href="{}"><span>{}</span></td>',
        ((hour.level, hour.tip, hour.address, hour.text) for hour in hours),
    )


@register.simple_tag
def interval_rows(slots: Iterable[Slot], has_comparison: bool) -> SafeString:
    """A chart as rows of a table; the script reads the chart's read-out from them."""
    return format_html_join(
        "\n",
        '<tr{}{}{}><th scope="row">{}{}</th><td class="number">{}</td>{}</tr>',
        (
            (
                format_html(' data-y="{}"', str(slot.y)) if slot.y is not None else "",
                format_html(' data-before="{}"', one.label_before) if one.label_before else "",
                format_html(' data-day="{}"', one.day.isoformat()) if one.day else "",
                one.name,
                format_html_join("", '<span class="chart-note">{}</span>', zip(one.notes)),
                one.text,
                format_html('<td class="number">{}</td>', one.text_before)
                if has_comparison
                else "",
            )
            for slot in slots
            for one in (slot.interval,)
        ),
    )
