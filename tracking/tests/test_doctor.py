"""The command that looks for what keeps pages from being counted."""

import smtplib
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import requests
import responses
import time_machine
from django.conf import settings as configured
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from tracking import doctor
from tracking.health import Health, Sign, State
from tracking.models import Site
from tracking.tests.factories import EventFactory, SiteFactory
from tracking.tests.hits import NOON
from tracking.tests.service import PYTHON, Service, service, wait_for

URL = "https://stats.example.org"
PAGE = "https://www.example.com/a"


@pytest.fixture
def stats(settings: Settings) -> Iterator[responses.RequestsMock]:
    """The server, behind one proxy."""
    settings.BASE_URL, settings.TRUSTED_PROXIES = URL, 1
    with responses.RequestsMock() as mocked:
        yield mocked


def sees(stats: responses.RequestsMock, ip: str) -> None:
    stats.post(f"{URL}/api/event", body=ip)


@pytest.mark.parametrize(
    ("proxies", "ip", "state", "advice"),
    [
        (1, "198.51.100.7", State.WARNING, "raise TRUSTED_PROXIES"),  # nobody's, as if private
        (1, "8.8.8.8", State.GOOD, ""),
        (1, "10.0.0.5", State.WARNING, "raise TRUSTED_PROXIES"),
        (2, "192.0.2.3", State.BAD, "Set TRUSTED_PROXIES=1"),
        (3, "192.0.2.2", State.BAD, "Set TRUSTED_PROXIES=1"),
        (1, "192.0.2.3", State.BAD, "Set TRUSTED_PROXIES=0"),
        (0, "127.0.0.1", State.BAD, "HTTPS is the work of a proxy"),
    ],
)
def test_whose_address_the_server_sees(
    stats: responses.RequestsMock,
    settings: Settings,
    proxies: int,
    ip: str,
    state: State,
    advice: str,
) -> None:
    settings.TRUSTED_PROXIES = proxies
    sees(stats, ip)
    sign = doctor.server()
    assert sign.value == f"{URL}, {proxies} trusted proxies, sees this machine as {ip}"
    assert (sign.state, advice in sign.advice, bool(sign.advice)) == (state, True, bool(advice))
    asked = stats.calls[0].request.headers
    assert (asked["X-Debug-Request"], asked["X-Forwarded-For"]) == (
        "true",
        "192.0.2.1, 192.0.2.2, 192.0.2.3",
    )


def test_at_home_a_private_address_is_right(
    stats: responses.RequestsMock, settings: Settings
) -> None:
    settings.BASE_URL, settings.TRUSTED_PROXIES = "http://localhost:8000", 0
    stats.post("http://localhost:8000/api/event", body="127.0.0.1")
    assert doctor.server().state is State.GOOD


def test_a_server_that_does_not_answer_as_it_should(stats: responses.RequestsMock) -> None:
    stats.post(f"{URL}/api/event", status=301)
    assert (doctor.server().value, doctor.server().state) == (
        f"{URL}/api/event answers 301",
        State.BAD,
    )
    stats.replace(responses.POST, f"{URL}/api/event", body=requests.ConnectionError())
    assert doctor.server().value == f"{URL} cannot be reached: ConnectionError"


@pytest.mark.parametrize(
    ("age", "value", "state"),
    [
        (None, "no event yet", State.WARNING),
        (timedelta(hours=2), "last event 2\xa0hours ago", State.GOOD),
        (timedelta(days=2), "last event 2\xa0days ago", State.WARNING),
        (timedelta(days=-1), "last event at 2026-06-16T12:00:00+00:00", State.BAD),
    ],
)
def test_the_last_event(site: Site, age: timedelta | None, value: str, state: State) -> None:
    EventFactory()  # of another site
    if age:
        EventFactory(visit__site=site, time=NOON - age)
        EventFactory(visit__site=site, time=NOON - age - timedelta(days=5))
    with time_machine.travel(NOON, tick=False):
        sign = doctor.last_event(site)
    assert (sign.title, sign.value, sign.state) == ("Site example.com", value, state)


@pytest.mark.django_db
def test_the_clock() -> None:
    assert doctor.clock().state is State.GOOD
    if connection.vendor == "postgresql":
        with time_machine.travel(datetime(2020, 1, 1, tzinfo=UTC), tick=False):
            assert doctor.clock().state is State.BAD


def test_zones(site: Site, owner: User) -> None:
    assert doctor.zones([site]).state is State.GOOD
    site.time_zone = "Europe/Atlantis"
    sign = doctor.zones([site, SiteFactory(owner=owner)])
    assert (sign.value, sign.state) == ("example.com: Europe/Atlantis", State.BAD)


def test_mail(settings: Settings) -> None:
    settings.EMAIL_URL = ""
    assert doctor.mail().state is State.WARNING
    settings.EMAIL_URL = "smtp://x"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    sign = doctor.mail()
    assert (sign.state, sign.value.startswith("127.0.0.1:1 does not take it: ")) == (
        State.BAD,
        True,
    )
    refused = smtplib.SMTPAuthenticationError(535, b"no")
    with patch("smtplib.SMTP.__init__", side_effect=refused):
        assert doctor.mail().state is State.BAD
    with patch("smtplib.SMTP.__init__", return_value=None), patch("smtplib.SMTP.quit"):
        assert doctor.mail() == Sign("Mail", "127.0.0.1:1 takes it")


# A page


def signs(stats: responses.RequestsMock, site: Site, html: str, **headers: str) -> list[Sign]:
    stats.get(PAGE, body=html, headers=headers)
    return list(doctor.page_signs(PAGE, [site]))


def test_a_page_that_is_well(stats: responses.RequestsMock, site: Site) -> None:
    script = f"{URL}/t/{site.public_id}.js"
    page, snippet, policy = signs(stats, site, f'<script defer src="{script}"></script>')
    assert (page.title, page.state) == (f"Page {PAGE}", State.GOOD)
    assert snippet == Sign("Snippet", script)
    assert policy == Sign("Content-Security-Policy", "none")


def test_a_page_without_the_snippet(stats: responses.RequestsMock, site: Site) -> None:
    _, snippet, _ = signs(stats, site, '<script src="/own.js"></script><p>')
    assert (snippet.value, snippet.state) == ("no script of this server", State.WARNING)


@pytest.mark.parametrize(
    ("html", "is_known"),
    [
        ('<script src="/t/{id}.js"></script>', True),  # under an address of the website's own
        ('<img src="{url}/t/{id}.gif">', True),
        ('<script src="{url}/js/script.js" data-domain="example.com"></script>', True),
        ('<script src="{url}/t/00000000-0000-0000-0000-000000000000.js"></script>', False),
        ('<script src="{url}/static/tracking/base.js"></script>', False),
    ],
)
def test_what_counts_as_a_snippet(
    stats: responses.RequestsMock, site: Site, html: str, is_known: bool
) -> None:
    _, snippet, _ = signs(stats, site, html.format(url=URL, id=site.public_id))
    assert snippet.state is (State.GOOD if is_known else State.WARNING)


@pytest.mark.parametrize(
    ("header", "meta", "state", "advice"),
    [
        (f"default-src {URL}", "", State.GOOD, ""),
        ("default-src 'self'", "", State.BAD, f"Add {URL} to script-src, connect-src, img-src"),
        ("", "img-src 'self'", State.BAD, f"Add {URL} to img-src"),
        (f"script-src {URL}", "script-src 'self'", State.BAD, f"Add {URL} to script-src"),
        ("script-src 'nonce-x'", "", State.WARNING, "Give the script element the page’s nonce"),
    ],
)
def test_the_policy_of_a_page(
    stats: responses.RequestsMock, site: Site, header: str, meta: str, state: State, advice: str
) -> None:
    html = f'<meta http-equiv="Content-Security-Policy" content="{meta}">' if meta else ""
    *_, policy = signs(stats, site, html, **{"Content-Security-Policy": header})
    assert (policy.state, policy.advice.startswith(advice), bool(policy.advice)) == (
        state,
        True,
        bool(advice),
    )


def test_a_page_that_cannot_be_read(stats: responses.RequestsMock, site: Site) -> None:
    stats.get(PAGE, body=requests.ConnectionError())
    (sign,) = doctor.page_signs(PAGE, [site])
    assert (sign.value, sign.state) == ("cannot be read: ConnectionError", State.BAD)
    (sign,) = doctor.page_signs("example.com", [site])
    assert (sign.value, sign.state) == ("cannot be read: MissingSchema", State.BAD)
    stats.replace(responses.GET, PAGE, status=404)
    (sign,) = doctor.page_signs(PAGE, [site])
    assert (sign.value, sign.state) == ("answers 404", State.BAD)


# The command


def run(*arguments: str, signs: Any) -> tuple[list[str], int]:
    output = StringIO()
    with (
        patch("tracking.management.commands.doctor.health", return_value=Health([])),
        patch("tracking.doctor.examine", side_effect=lambda *given: signs) as examine,
    ):
        try:
            call_command("doctor", *arguments, stdout=output, no_color=True)
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
    (sites, page), _ = examine.call_args
    return [*output.getvalue().splitlines(), *(site.domain for site in sites), page], code


def test_the_exit_code_is_that_of_the_worst_line(site: Site) -> None:
    fine, odd = Sign("A", "well"), Sign("B", "odd", State.WARNING, "Look.")
    bad = Sign("C", "broken", State.BAD, "Act.")
    assert run(signs=[fine]) == (["OK      A: well", "example.com", ""], 0)
    assert run(signs=[fine, odd])[1] == 1
    lines, code = run("--url", PAGE, signs=[fine, bad, odd])
    assert code == 2
    assert lines == [
        "OK      A: well",
        "ERROR   C: broken",
        "        → Act.",
        "WARNING B: odd",
        "        → Look.",
        "example.com",
        PAGE,
    ]


def test_one_site_alone(site: Site, owner: User) -> None:
    SiteFactory(owner=owner, domain="other.example")
    assert run("--site", "other.example", signs=[Sign("A", "well")])[0][1:] == ["other.example", ""]
    with pytest.raises(CommandError, match=r"There is no site nobody\.example\."):
        call_command("doctor", "--site", "nobody.example")


@pytest.mark.django_db
def test_many_sites_are_looked_at_in_part(
    stats: responses.RequestsMock, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "MAX_SITES", 1)
    sees(stats, "8.8.8.8")
    sites = [SiteFactory(owner=owner) for _ in range(3)]
    found = {sign.title: sign.value for sign in doctor.examine(sites)}
    assert found["Sites"] == "2 more sites were not looked at"
    assert [title for title in found if title.startswith("Site ")] == [f"Site {sites[0].domain}"]


@pytest.mark.service
def test_a_fresh_installation(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        running.manage("createsuperuser", "--noinput", "--email", "olive@example.com")
        running.manage("add_site", "example.com", "--owner", "olive@example.com")
        running.start_web()
        lines, code = examined(running)
        assert code == 2
        assert "ERROR   Worker: has not run yet" in lines
        running.start_worker()
        wait_for(lambda: "OK      Worker: at work" in examined(running)[0])
        lines, code = examined(running)
        assert code == 1  # no city file, no mail server, and no event yet
        assert (
            f"OK      Server: {running.url}, 0 trusted proxies, sees this machine as 127.0.0.1"
            in lines
        )
        assert "WARNING Site example.com: no event yet" in lines


def examined(running: Service) -> tuple[list[str], int]:
    done = subprocess.run(
        [PYTHON, "manage.py", "doctor"],
        cwd=configured.BASE_DIR,
        env=running.environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines(), done.returncode
