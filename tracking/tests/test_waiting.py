import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from tracking.models import Site
from tracking.tests.factories import SiteFactory, VisitFactory

pytestmark = pytest.mark.django_db


def url(site: Site) -> str:
    return reverse("site_waiting", args=[site.pk])


def test_stranger(site: Site, stranger_client: Client) -> None:
    VisitFactory(site=site)
    assert stranger_client.get(url(site)).status_code == 404


def test_anonymous(site: Site, client: Client) -> None:
    assertRedirects(client.get(url(site)), f"{reverse('account_login')}?next={url(site)}")


def test_the_page_is_loaded_anew_at_the_first_visit(site: Site, owner_client: Client) -> None:
    VisitFactory(site=SiteFactory())
    response = owner_client.get(url(site))
    assert (response.status_code, response.content, "HX-Refresh" in response) == (204, b"", False)
    VisitFactory(site=site)
    response = owner_client.get(url(site))
    assert (response.status_code, response.content) == (200, b"")
    assert response["HX-Refresh"] == "true"


@pytest.mark.parametrize("name", ["site_dashboard", "visit_log"])
def test_empty_pages_ask_and_others_do_not(site: Site, owner_client: Client, name: str) -> None:
    def asks() -> list[tuple[object, object]]:
        page = BeautifulSoup(owner_client.get(reverse(name, args=[site.pk])).content, "html.parser")
        if found := page.select(f'[hx-get="{url(site)}"]'):
            assert page.select('script[src*="htmx"]')
        return [(each["hx-trigger"], each["hx-swap"]) for each in found]

    assert asks() == [("every 2s", "none")]
    VisitFactory(site=site)
    assert asks() == []
