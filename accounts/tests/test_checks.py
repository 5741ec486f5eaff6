from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.checks import check_data_dir, check_https, check_proxies


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


@pytest.mark.parametrize(
    ("https", "proxies", "ids"),
    [(True, 0, ["accounts.W002"]), (True, 1, []), (False, 0, []), (False, 1, [])],
)
def test_https_without_a_trusted_proxy_is_suspicious(
    settings: Settings, https: bool, proxies: int, ids: list[str]
) -> None:
    settings.HTTPS, settings.TRUSTED_PROXIES = https, proxies
    assert [warning.id for warning in check_proxies()] == ids


@pytest.mark.parametrize(
    ("mode", "ids"),
    [(0o700, []), (0o750, []), (0o755, ["accounts.W003"]), (0o701, ["accounts.W003"])],
)
def test_the_data_is_not_for_everybody_on_the_machine(
    settings: Settings, tmp_path: Path, mode: int, ids: list[str]
) -> None:
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    settings.DATA_DIR.chmod(mode)
    assert [warning.id for warning in check_data_dir()] == ids
