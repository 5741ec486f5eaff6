import json
import shlex
from uuid import UUID

import pytest
from django.test import Client
from pytest_django import Settings

from tracking.models import Site
from tracking.processing.crawlers import crawler
from tracking.snippet import Snippet

PUBLIC_ID = UUID(int=7)


@pytest.mark.django_db
def test_the_command_of_the_install_page_is_taken_and_is_no_bots(
    site: Site, owner_client: Client, settings: Settings
) -> None:
    settings.BASE_URL = "https://stats.example.org"

    page = owner_client.get(f"/sites/{site.pk}/install/")

    command = shlex.split(page.context["from_server"])
    curl, url, _, user_agent, _, body = (word for word in command if word.strip())
    assert (curl, url) == ("curl", f"https://stats.example.org/t/{site.public_id}")
    assert not crawler(user_agent)
    assert json.loads(body) == {"url": "https://example.com/welcome", "event": "Sign-up"}
    answer = owner_client.post(
        f"/t/{site.public_id}",
        body,
        "application/x-www-form-urlencoded",
        HTTP_USER_AGENT=user_agent,
    )
    assert answer.status_code == 202


def test_the_snippet_has_the_chosen_prefix_and_name(settings: Settings) -> None:
    snippet = Snippet(UUID(int=1), "https://stats.example.org", "example.com")
    assert '"https://stats.example.org/t/00000000-0000-0000-0000-000000000001.js"' in snippet.script
    settings.TRACKER_PREFIX, settings.TRACKER_SCRIPT_NAME = "weather", "today"
    base = "https://stats.example.org/weather/00000000-0000-0000-0000-000000000001"
    assert f'src="{base}/today.js"' in snippet.script
    assert f'src="{base}.gif"' in snippet.script


@pytest.mark.django_db
def test_the_install_page_names_both_ids_and_the_function_for_events(
    site: Site, owner_client: Client
) -> None:
    page = owner_client.get(f"/sites/{site.pk}/install/").text
    assert f"public id <code>{site.public_id}</code>, id <code>{site.pk}</code>." in page
    assert "<code>tracking(&quot;Sign-up&quot;)</code>" in page


@pytest.mark.parametrize("domain", ["localhost", "127.0.0.1", "::1"])
def test_a_site_of_the_very_machine_asks_for_pages_there(domain: str) -> None:
    snippet = Snippet(PUBLIC_ID, "http://localhost:8000", domain)
    assert snippet.script == (
        f'<script defer src="http://localhost:8000/t/{PUBLIC_ID}.js" data-local></script>\n'
        f"<noscript>{snippet.pixel}</noscript>"
    )


@pytest.mark.parametrize("domain", ["example.com", "localhost.example", "192.168.1.5"])
def test_other_sites_do_not(domain: str) -> None:
    assert "data-local" not in Snippet(PUBLIC_ID, "http://localhost:8000", domain).script
