"""Who may open which page of reports: whoever sees the site, and nobody else."""

from datetime import UTC, date, datetime

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from accounts.models import User
from tracking.models import Annotation, Segment, Site
from tracking.tests.factories import EventFactory, VisitFactory

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.time_machine(datetime(2026, 3, 10, 12, 30, tzinfo=UTC), tick=False),
]

PAGES = [
    "site_dashboard",
    "realtime",
    "report_list",
    "report_csv",
    "report_filter",
    "segment_add",
    "segment_edit",
    "annotation_add",
    "annotation_edit",
    "visit_log",
    "visit",
]


@pytest.fixture
def urls(site: Site) -> dict[str, str]:
    """The address of each page, of a site on all of whose pages a secret stands."""
    visit = VisitFactory(site=site, id=77, entry_page="/secret")
    EventFactory(visit=visit, page="/secret", time=datetime(2026, 3, 10, 12, 25, tzinfo=UTC))
    segment = Segment.objects.create(
        site=site, author=site.owner, name="secret", filters=["page,is,/secret"]
    )
    note = Annotation.objects.create(site=site, day=date(2026, 3, 10), text="secret")
    arguments: dict[str, list[object]] = {
        "report_list": ["page"],
        "report_csv": ["page"],
        "segment_edit": [segment.pk],
        "annotation_edit": [note.pk],
        "visit": [77],
    }
    return {
        name: reverse(name, args=[site.pk, *arguments.get(name, [])])
        + ("?f=page,is,/secret" if name == "segment_add" else "")
        for name in PAGES
    }


@pytest.mark.parametrize("name", PAGES)
class TestPages:
    def test_owner(self, name: str, urls: dict[str, str], owner_client: Client) -> None:
        response = owner_client.get(urls[name])
        assert response.status_code == 200
        assert (b"secret" in response.getvalue()) is (name != "annotation_add")

    def test_stranger(self, name: str, urls: dict[str, str], stranger_client: Client) -> None:
        response = stranger_client.get(urls[name])
        assert response.status_code == 404
        assert b"secret" not in response.content

    def test_anonymous(self, name: str, urls: dict[str, str], client: Client) -> None:
        response = client.get(urls[name].partition("?")[0])
        assertRedirects(response, f"{reverse('account_login')}?next={urls[name].partition('?')[0]}")

    def test_what_is_sent_changes_nothing(
        self, name: str, urls: dict[str, str], stranger_client: Client
    ) -> None:
        response = stranger_client.post(urls[name], {"name": "x", "text": "x", "delete": "1"})
        assert response.status_code == 404
        assert [segment.name for segment in Segment.objects.all()] == ["secret"]
        assert [note.text for note in Annotation.objects.all()] == ["secret"]


def test_no_part_of_one_site_is_shown_below_another(
    site: Site, urls: dict[str, str], stranger_client: Client, stranger: User
) -> None:
    other = Site.objects.create(owner=stranger, domain="other.example")
    for name in ("segment_edit", "annotation_edit", "visit"):
        url = urls[name].replace(f"/sites/{site.pk}/", f"/sites/{other.pk}/")
        assert stranger_client.get(url).status_code == 404
