from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import User
from tracking.models import Site


@pytest.mark.parametrize(
    ("options", "name", "time_zone"),
    [
        ({}, "", "Asia/Tokyo"),
        ({"name": "Our shop", "time_zone": "Europe/Berlin"}, "Our shop", "Europe/Berlin"),
    ],
)
def test_it_adds_the_site_and_prints_ids_and_snippet(
    owner: User, settings: Settings, options: dict[str, str], name: str, time_zone: str
) -> None:
    settings.BASE_URL = "https://stats.example.org"
    owner.time_zone = "Asia/Tokyo"
    owner.save()
    out = StringIO()

    call_command(
        "add_site", "https://www.Example.com/", owner="OWNER@example.com", stdout=out, **options
    )

    site = Site.objects.get()
    assert (site.owner, site.domain, site.name, site.time_zone) == (
        owner,
        "example.com",
        name,
        time_zone,
    )
    assert out.getvalue() == (
        "Site:      example.com\n"
        f"Id:        {site.pk}\n"
        f"Public id: {site.public_id}\n"
        "\n"
        f'<script defer src="https://stats.example.org/t/{site.public_id}.js"></script>\n'
        f'<noscript><img src="https://stats.example.org/t/{site.public_id}.gif" alt="" hidden '
        'referrerpolicy="no-referrer-when-downgrade"></noscript>\n'
    )


@pytest.mark.parametrize(
    ("domain", "options", "message"),
    [
        (
            "new.example",
            {"owner": "nobody@example.com"},
            "Nobody has an account with the address nobody@example.com.",
        ),
        ("nowhere", {}, "“nowhere” is not a domain. Give it as in example.com."),
        ("WWW.example.com", {}, "example.com has been added already."),
        ("new.example", {"time_zone": "Mars/Olympus"}, "“Mars/Olympus” is not a time zone."),
    ],
)
def test_what_cannot_be_added_is_said_and_nothing_stored(
    site: Site, domain: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(CommandError) as refusal:
        call_command("add_site", domain, **{"owner": "owner@example.com"} | options)

    assert str(refusal.value) == message
    assert list(Site.objects.all()) == [site]
