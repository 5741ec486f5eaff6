import pytest

from tracking.reporting.metrics import METRICS
from tracking.templatetags.figures import compact, count, duration, figure, share


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (9_876, "9,876"),
        (10_000, "10k"),
        (12_345, "12.3k"),
        (16_012, "16.0k"),
        (99_949, "99.9k"),
        (99_951, "100k"),
        (999_499, "999k"),
        (999_500, "1.00M"),
        (4_560_000, "4.56M"),
        (12_300_000_000, "12,300M"),
    ],
)
def test_compact(value: int, text: str) -> None:
    assert compact(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (134, "2m 14s"),
        (3900, "1h 05m"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert duration(seconds).replace("\N{NO-BREAK SPACE}", " ") == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0, "0%"), (0.001, "<1%"), (0.45, "45%"), (1, "100%")]
)
def test_share(value: float | None, text: str) -> None:
    assert share(value) == text


def test_a_shortened_number_keeps_its_exact_value() -> None:
    assert count(12_345) == '<span title="12,345">12.3k</span>'
    assert count(123) == "<span>123</span>"


@pytest.mark.parametrize(
    ("metric", "value", "html"),
    [
        ("visitors", 12_345, '<span title="12,345">12.3k</span>'),
        ("views_per_visit", 1.666, "<span>1.67</span>"),
        ("views_per_visit", 12.345, "<span>12.3</span>"),
        ("bounce_rate", 0.002, "<span>&lt;1%</span>"),
        ("visit_duration", 45, "<span>45s</span>"),
        ("visit_duration", None, '<span title="Nothing to compute it from">–</span>'),
    ],
)
def test_figure(metric: str, value: float | None, html: str) -> None:
    assert figure(METRICS[metric], value) == html
