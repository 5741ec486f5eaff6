"""The first page: what newcomers are offered, and one's own sites, the busiest first."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from accounts.tests.factories import UserFactory
from tracking.models import Site
from tracking.tests.factories import SiteFactory, VisitFactory


@pytest.mark.parametrize(
    ("is_set_up", "is_open", "offered"),
    [
        (True, True, ["Register", "Log in"]),
        (True, False, ["Log in"]),
        (False, True, ["Set up this server"]),
    ],
)
def test_the_landing_page_offers_what_a_newcomer_can_do(
    client: Client, db: None, settings: Settings, is_set_up: bool, is_open: bool, offered: list[str]
) -> None:
    if is_set_up:
        UserFactory(is_superuser=True)
    settings.REGISTRATION_OPEN = is_open

    html = client.get("/").content.decode()

    hero = html[html.index('<section class="hero">') : html.index("</section>")]
    assert re.findall(r"<a [^>]*>([^<]*)</a>", hero) == offered


class TestList:
    @pytest.fixture
    def now(self, site: Site, stranger: User) -> Iterator[datetime]:
        """Two sites of the owner with visitors, and one of somebody else."""
        shop = SiteFactory(owner=site.owner, domain="a.example", name="The shop")
        SiteFactory(owner=stranger, domain="strange.example")
        now = datetime(2026, 3, 5, 12, tzinfo=UTC)
        for ago, of in ((0, site), (0, site), (1, site), (0, shop), (31, site), (31, shop)):
            VisitFactory(site=of, started_at=now - timedelta(days=ago))
        with time_machine.travel(now, tick=False):
            yield now

    def rows(self, client: Client, query: str = "") -> list[list[str]]:
        page = BeautifulSoup(client.get(f"/{query}").content, "html.parser")
        return [
            [
                " ".join(row.select_one(part).get_text(" ").split())
                for part in ("h2", ".site-visitors strong", ".site-change", ".site-today")
            ]
            for row in page.select(".site-row")
        ]

    @pytest.mark.usefixtures("now")
    def test_has_ones_own_sites_the_busiest_first_and_their_total(
        self, owner_client: Client
    ) -> None:
        assert self.rows(owner_client) == [
            ["All sites", "4", "↑ 100% more", "3 today"],
            ["example.com", "3", "↑ 200% more", "2 today"],
            ["The shop", "1", "", "1 today"],
        ]

    @pytest.mark.usefixtures("now")
    @pytest.mark.parametrize(
        ("search", "names"),
        [("SHOP", ["The shop"]), ("example.com", ["example.com"]), ("strange", [])],
    )
    def test_can_be_searched(self, owner_client: Client, search: str, names: list[str]) -> None:
        assert [row[0] for row in self.rows(owner_client, f"?q={search}")] == names

    def test_is_without_a_total_where_there_is_one_site(
        self, site: Site, owner_client: Client
    ) -> None:
        assert [row[0] for row in self.rows(owner_client)] == ["example.com"]


def test_a_person_without_sites_is_taught_to_add_one(stranger_client: Client, site: Site) -> None:
    response = stranger_client.get("/")

    assert "site-row" not in response.content.decode()
    assert 'href="/sites/add/"' in response.content.decode()


@pytest.mark.not_on_clickhouse
@pytest.mark.parametrize("sites", [1, 3])
def test_the_list_asks_the_database_as_often_for_one_site_as_for_three(
    owner: User,
    owner_client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    sites: int,
) -> None:
    for site in SiteFactory.create_batch(sites, owner=owner):
        VisitFactory(site=site)

    # Session, user, sites, figures.
    with django_assert_num_queries(6):
        owner_client.get("/")
