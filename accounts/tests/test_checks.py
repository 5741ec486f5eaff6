import pytest
from pytest_django import Settings

from accounts.checks import check_https


@pytest.mark.parametrize(
    ("base_url", "ids"),
    [
        ("http://stats.example.com", ["accounts.W001"]),
        ("https://stats.example.com", []),
        ("http://localhost:8000", []),
        ("http://[::1]:8000", []),
    ],
)
def test_logging_in_needs_https_but_at_home(
    settings: Settings, base_url: str, ids: list[str]
) -> None:
    settings.BASE_URL = base_url
    settings.HTTPS = base_url.startswith("https://")
    assert [warning.id for warning in check_https()] == ids
