import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from accounts.middleware import PrivateMiddleware
from accounts.models import User
from tracking.models import Site

NEVER = "max-age=0, no-cache, no-store, must-revalidate, private"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "page",
    [
        "/",
        "/sites/{pk}/",
        "/sites/{pk}/visits/",
        "/sites/{pk}/current/",
        "/sites/{pk}/settings/",
        "/sites/0/",
        "/account/profile/",
        "/account/delete/",
        "/account/password/change/",
    ],
)
def test_pages_of_a_signed_in_person_are_kept_nowhere(
    owner_client: Client, site: Site, page: str
) -> None:
    assert owner_client.get(page.format(pk=site.pk))["Cache-Control"] == NEVER


@pytest.mark.django_db
def test_pages_for_everybody_may_be_kept(client: Client) -> None:
    assert "Cache-Control" not in client.get("/").headers


def test_an_answer_that_says_itself_how_long_it_lasts_is_left_alone(rf: RequestFactory) -> None:
    def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"Cache-Control": "max-age=3600"})

    request = rf.get("/")
    request.user = User(pk=1)
    request.COOKIES["sessionid"] = "anything"
    assert PrivateMiddleware(answer)(request)["Cache-Control"] == "max-age=3600"
