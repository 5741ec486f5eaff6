import pytest
from django.core.checks import run_checks
from pytest_django import Settings


def ids() -> list[str]:
    return [str(message.id) for message in run_checks() if message.id.startswith("tracking.")]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://stats.example.com", []),
        ("http://[::1]:8000", []),
        ("stats.example.com", ["tracking.E001"]),
        ("stats.example.com:8000", ["tracking.E001"]),
        ("ftp://stats.example.com", ["tracking.E001"]),
        ("https://", ["tracking.E001"]),
        ("https://[", ["tracking.E001"]),
        ("https://example.com/", []),
        ("https://example.com/stats", ["tracking.E001"]),
    ],
)
def test_base_url(settings: Settings, url: str, expected: list[str]) -> None:
    settings.BASE_URL = url
    assert ids() == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", []),
        ("https://geo.example.com/json/{ip}", []),
        ("https://geo.example.com/json/", ["tracking.E002"]),
        ("geo.example.com/json/{ip}", ["tracking.E002"]),
    ],
)
def test_geoip_url(settings: Settings, url: str, expected: list[str]) -> None:
    settings.GEOIP_URL = url
    assert ids() == expected


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("t", []),
        ("weather", []),
        ("a-b_1", []),
        ("", ["tracking.E003"]),
        ("a/b", ["tracking.E003"]),
        ("ü", ["tracking.E003"]),
        ("admin", ["tracking.E003"]),
        ("js", ["tracking.E003"]),
        ("opt-out", ["tracking.E003"]),
    ],
)
def test_tracker_prefix(settings: Settings, prefix: str, expected: list[str]) -> None:
    settings.TRACKER_PREFIX = prefix
    assert ids() == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", []),
        ("today", []),
        ("today.js", ["tracking.E004"]),
        ("a/b", ["tracking.E004"]),
        ("batch", ["tracking.E004"]),
    ],
)
def test_tracker_script_name(settings: Settings, name: str, expected: list[str]) -> None:
    settings.TRACKER_SCRIPT_NAME = name
    assert ids() == expected
