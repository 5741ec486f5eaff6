import pytest
from pytest_django import Settings

from tracking_project.client_ip import client_ip


@pytest.mark.parametrize(
    ("proxies", "forwarded_for", "address"),
    [
        (0, "", "10.0.0.1"),
        (0, "6.6.6.6", "10.0.0.1"),
        (1, "1.2.3.4", "1.2.3.4"),
        (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (2, "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        (2, "1.2.3.4", "10.0.0.1"),  # went past the proxies
        (1, "", "10.0.0.1"),
        (1, "6.6.6.6,  ", "10.0.0.1"),
        (1, "2001:db8::7", "2001:db8::7"),
    ],
)
def test_only_what_our_own_proxies_added_counts(
    settings: Settings, proxies: int, forwarded_for: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    meta = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": forwarded_for}
    assert client_ip(meta) == address


def test_a_unix_socket_has_no_address() -> None:
    assert client_ip({}) == ""
