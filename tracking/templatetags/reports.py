"""The address of a report in another state, as links and forms need it."""

from typing import Any

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from tracking.models import Segment
from tracking.reporting.metrics import Metric
from tracking.views.report import OF_ONE_PAGE, Report

register = template.Library()


@register.simple_tag(takes_context=True)
def state(context: Context, **changes: Any) -> str:
    """“?period=7d&…”: where the page is, with these changes; None leaves a part out."""
    report: Report = context["report"]
    return report.address(**changes)


# A column has less room than a figure.
COLUMNS = {
    "pageviews": _("Views"),
    "bounce_rate": _("Bounces"),
    "time_on_page": pgettext_lazy("on a page", "Time"),
    "scroll_depth": _("Scroll"),
    "exit_rate": pgettext_lazy("share", "Exits"),
    "conversion_rate": pgettext_lazy("conversion rate", "Rate"),
}


@register.filter
def column(metric: Metric) -> str:
    return str(COLUMNS.get(metric.name, metric.label))


@register.simple_tag(takes_context=True)
def dialog(context: Context, name: str, *arguments: Any, **parameters: Any) -> str:
    """The address of a form beside the report, which leads back to the page that it is on."""
    report: Report = context["report"]
    here = context.get("back_path") or context["request"].path
    address = report.address(**{key: str(value) for key, value in parameters.items()}, back=here)
    return reverse(name, args=[report.site.pk, *arguments]) + address


@register.simple_tag(takes_context=True)
def segment_state(context: Context, segment: Segment) -> str:
    report: Report = context["report"]
    return report.address(f=segment.filters)


@register.simple_tag(takes_context=True)
def state_fields(context: Context, *without: str) -> SafeString:
    """The state as hidden fields of a form that sets the parts named."""
    report: Report = context["report"]
    return format_html_join(
        "",
        '<input type="hidden" name="{}" value="{}">',
        (
            (name, value)
            for name, values in report.parameters.lists()
            if name not in (*without, *OF_ONE_PAGE)
            for value in values
        ),
    )
