"""How a figure differs from what it was: by how much, which way, and whether that is good."""

from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from tracking.reporting.metrics import Format, Metric

# Of a change in percent: up, and down.
WORDINGS = {
    Format.COUNT: (_("%(percent)s%% more"), _("%(percent)s%% fewer")),
    Format.RATIO: (_("%(percent)s%% higher"), _("%(percent)s%% lower")),
    Format.DURATION: (_("%(percent)s%% longer"), _("%(percent)s%% shorter")),
}


@dataclass(frozen=True)
class Change:
    """`percent` is rounded and without sign; of a share it counts percentage points."""

    percent: int
    format: Format
    is_up: bool
    is_good: bool

    def __str__(self) -> str:
        if self.format is Format.SHARE:
            return points_in_words(self.percent, self.is_up)
        up, down = WORDINGS[self.format]
        percent = number_format(self.percent, use_l10n=True, force_grouping=True)
        return str(up if self.is_up else down) % {"percent": percent}


def points_in_words(count: int, is_up: bool) -> str:
    if is_up:
        text = ngettext("%(count)s point higher", "%(count)s points higher", count)
    else:
        text = ngettext("%(count)s point lower", "%(count)s points lower", count)
    return text % {"count": count}


def change(metric: Metric, value: float | None, before: float | None) -> Change | None:
    """None where nothing changed that is worth a word, or there is nothing to compare with."""
    if value is None or before is None:
        return None
    in_points = metric.format is Format.SHARE
    if not in_points and not before:
        return None
    percent = round(abs(value - before) / (1 if in_points else before) * 100)
    if not percent:
        return None
    is_up = value > before
    return Change(percent, metric.format, is_up, is_good=is_up is not metric.less_is_better)
