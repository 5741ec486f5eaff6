import ast
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import Client, override_settings
from pytest_django import Settings
from pytest_django.asserts import assertRedirects

ROOT = Path(__file__).parents[2]


def test_every_environment_variable_is_documented() -> None:
    tree = ast.parse((ROOT / "tracking_project" / "settings.py").read_text())
    read = {
        str(node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert {"SECRET_KEY", "DATABASE_URL"} <= read
    example = (ROOT / ".env.example").read_text()
    documented = re.findall(r"^#? ?([A-Z0-9_]+)=", example, re.MULTILINE)
    assert sorted(read - set(documented)) == []


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def settings_with(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, Any]:
    for name in ("BASE_URL", "TRUSTED_PROXIES", "DEBUG", "ALLOWED_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("GRANIAN_HOST", "GRANIAN_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    values = runpy.run_path(str(ROOT / "tracking_project" / "settings.py"))
    return {name: value for name, value in values.items() if name.isupper()}


def test_the_check_for_deployment_finds_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    values = settings_with(
        monkeypatch,
        DATA_DIR=str(tmp_path),
        BASE_URL="https://stats.example.com",
        TRUSTED_PROXIES="1",
    )
    del values["DATABASES"]  # of this test run
    with override_settings(**values):
        call_command("check", deploy=True, fail_level="WARNING")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            {},
            {
                "BASE_URL": "http://localhost:8000",
                "DEBUG": False,
                "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]", "localhost", "localhost"],
                "SESSION_COOKIE_SECURE": False,
                "CSRF_COOKIE_SECURE": False,
                "SECURE_HSTS_SECONDS": 0,
                "SECURE_SSL_REDIRECT": False,
                "SECURE_PROXY_SSL_HEADER": None,
                "CSRF_TRUSTED_ORIGINS": [],
            },
        ),
        (
            {"BASE_URL": "https://stats.example.com/"},
            {
                "BASE_URL": "https://stats.example.com",
                "DEBUG": False,
                "ALLOWED_HOSTS": [
                    "localhost",
                    "127.0.0.1",
                    "[::1]",
                    "localhost",
                    "stats.example.com",
                ],
                "SESSION_COOKIE_SECURE": True,
                "CSRF_COOKIE_SECURE": True,
                "SECURE_HSTS_SECONDS": 31_536_000,
                "SECURE_SSL_REDIRECT": False,
                "SECURE_PROXY_SSL_HEADER": None,
                "CSRF_TRUSTED_ORIGINS": ["https://stats.example.com"],
            },
        ),
        (
            {"BASE_URL": "https://stats.example.com", "TRUSTED_PROXIES": "1"},
            {
                "SESSION_COOKIE_SECURE": True,
                "SECURE_SSL_REDIRECT": True,
                "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
            },
        ),
    ],
)
def test_what_protects_follows_from_base_url(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    environment: dict[str, str],
    expected: dict[str, Any],
) -> None:
    values = settings_with(monkeypatch, DATA_DIR=str(tmp_path), **environment)
    assert {name: values[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("host", "base_url", "names"),
    [
        ("127.0.0.1", "http://localhost:9000", {"localhost"}),
        ("0.0.0.0", "http://localhost:9000", {"localhost"}),
        ("192.168.1.5", "http://192.168.1.5:9000", {"192.168.1.5"}),
        ("fd00::5", "http://[fd00::5]:9000", {"[fd00::5]", "fd00::5"}),
    ],
)
def test_the_address_that_is_listened_on_is_a_name_of_the_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, base_url: str, names: set[str]
) -> None:
    environment = {"DATA_DIR": str(tmp_path), "GRANIAN_HOST": host, "GRANIAN_PORT": "9000"}
    values = settings_with(monkeypatch, **environment)
    assert values["BASE_URL"] == base_url
    assert set(values["ALLOWED_HOSTS"]) == {"localhost", "127.0.0.1", "[::1]"} | names
    values = settings_with(monkeypatch, **environment, BASE_URL="https://stats.example.com")
    assert set(values["ALLOWED_HOSTS"]) >= {base_url[7:-5], "stats.example.com"}


def test_a_variable_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^TRUSTED_PROXIES cannot be read: .*'1 # n'"):
        settings_with(monkeypatch, DATA_DIR=str(tmp_path), TRUSTED_PROXIES="1 # n")


def test_misconfiguration_is_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = subprocess.run(
        [sys.executable, "manage.py", "start"],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(tmp_path / "file" / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        1,
        f"Tracking is not configured right: DATA_DIR={tmp_path}/file/data cannot be made: Not a "
        "directory. Name a folder that the user who runs this may write to.\n",
    )


def test_cookies_of_a_session_are_out_of_reach_of_scripts_and_other_sites(
    settings: Settings,
) -> None:
    assert (settings.SESSION_COOKIE_HTTPONLY, settings.SESSION_COOKIE_SAMESITE) == (True, "Lax")


@pytest.mark.parametrize(
    ("mail", "verification", "notifications"),
    [("", "none", False), ("smtp://mail.example.com", "mandatory", True)],
)
def test_addresses_are_verified_once_mail_is_configured(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    mail: str,
    verification: str,
    notifications: bool,
) -> None:
    values = settings_with(monkeypatch, DATA_DIR=str(tmp_path), EMAIL_URL=mail)
    assert values["ACCOUNT_EMAIL_VERIFICATION"] == verification
    assert values["ACCOUNT_EMAIL_NOTIFICATIONS"] == notifications


POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["/", "/account/login/", "/account/signup/", "/nowhere/"])
def test_every_page_has_the_strict_policy(client: Client, url: str) -> None:
    response = client.get(url)
    assert set(response["Content-Security-Policy"].split("; ")) == POLICY
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


@pytest.mark.django_db
def test_no_page_of_accounts_needs_what_the_policy_forbids(
    client: Client, owner_client: Client
) -> None:
    for visitor, url in [
        (client, "/account/login/"),
        (client, "/account/signup/"),
        (client, "/account/password/reset/"),
        (client, "/account/password/reset/done/"),
        (client, "/account/password/reset/key/1-a-b/"),
        (client, "/account/confirm-email/"),
        (client, "/account/confirm-email/MQ:1:2/"),
        (client, "/account/inactive/"),
        (owner_client, "/account/profile/"),
        (owner_client, "/account/password/change/"),
        (owner_client, "/account/reauthenticate/"),
        (owner_client, "/account/delete/"),
        (owner_client, "/account/logout/"),
    ]:
        page = visitor.get(url)
        assert page.status_code == 200, url
        assert "base.html" in [template.name for template in page.templates], url
        assert re.findall(r" style=|<style| on\w+=|<script(?! src)", page.text) == [], url


@pytest.mark.django_db
def test_behind_a_proxy_with_https_other_requests_are_sent_there(
    client: Client, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assertRedirects(
        client.get("/account/login/"),
        "https://testserver/account/login/",
        status_code=301,
        fetch_redirect_response=False,
    )
