import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("chosen", ["light", "dark"])
def test_the_choice_is_kept_and_the_page_comes_in_its_colours(client: Client, chosen: str) -> None:
    response = client.post("/theme/", {"theme": chosen, "next": "/account/login/"})

    assert (response.status_code, response["Location"]) == (302, "/account/login/")
    assert client.cookies["theme"].value == chosen
    page = client.get("/account/login/").content.decode()
    assert f'<html lang="en" data-theme="{chosen}">' in page
    assert f'<meta name="color-scheme" content="{chosen}">' in page
    assert f'value="{chosen}" aria-pressed="true"' in page
    assert page.count('aria-pressed="true"') == 1


@pytest.mark.parametrize("chosen", ["", "<b>"])
def test_the_system_is_followed_again(client: Client, chosen: str) -> None:
    client.post("/theme/", {"theme": "dark"})
    client.post("/theme/", {"theme": chosen})

    page = client.get("/account/login/").content.decode()
    assert '<html lang="en">' in page
    assert 'value="" aria-pressed="true"' in page


def test_a_made_up_cookie_changes_nothing(client: Client) -> None:
    client.cookies["theme"] = "<b>"
    assert '<html lang="en">' in client.get("/account/login/").content.decode()


@pytest.mark.parametrize("back", ["https://example.com/", "//example.com", "", "javascript:x"])
def test_it_never_leads_elsewhere(client: Client, back: str) -> None:
    assert client.post("/theme/", {"theme": "dark", "next": back})["Location"] == "/"


def test_it_needs_no_token_and_sets_only_its_own_cookie() -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/theme/", {"theme": "dark"}).status_code == 302
    assert list(client.cookies) == ["theme"]


def test_it_is_changed_by_a_form_alone(client: Client) -> None:
    assert client.get("/theme/", {"theme": "dark"}).status_code == 405


def test_error_pages_have_the_colours_too(client: Client) -> None:
    client.cookies["theme"] = "dark"
    assert 'data-theme="dark"' in client.get("/nothing/").content.decode()


def test_pages_are_sent_compressed(client: Client) -> None:
    response = client.get("/account/login/", headers={"accept-encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip"
