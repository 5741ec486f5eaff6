"""How a figure differs from what it was: by how much, which way, and whether that is good."""

from dataclasses import dataclass

from tracking.reporting.metrics import Format, Metric

WORDS = {
    Format.COUNT: ("more", "fewer"),
    Format.RATIO: ("higher", "lower"),
    Format.SHARE: ("higher", "lower"),
    Format.DURATION: ("longer", "shorter"),
}


@dataclass(frozen=True)
class Change:
    """`percent` is rounded and without sign; of a share it counts percentage points."""

    percent: int
    word: str
    is_up: bool
    is_good: bool
    in_points: bool

    def __str__(self) -> str:
        if self.in_points:
            return f"{self.percent} {'point' if self.percent == 1 else 'points'} {self.word}"
        return f"{self.percent:,}% {self.word}"


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
    more, less = WORDS[metric.format]
    return Change(
        percent=percent,
        word=more if is_up else less,
        is_up=is_up,
        is_good=is_up is not metric.less_is_better,
        in_points=in_points,
    )
