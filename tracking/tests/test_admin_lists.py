"""The lists of the back office: filters, search, order, and addresses that make no sense."""

import pytest
from django.test import Client

from tracking.admin import filters, reports
from tracking.models import Event, Site
from tracking.tests.back_office import EVENTS, VISITS, listed
from tracking.tests.factories import VisitFactory


def test_filters_narrow_the_list(staff_client: Client, site: Site) -> None:
    wanted = VisitFactory(
        site=site, browser="Firefox", country="DE", device="Mobile", source="Bing", channel="Search"
    )
    VisitFactory(browser="Chrome", country="FR", device="Desktop", source="x.com")
    for query in (
        "browser=Firefox",
        "country=DE",
        "device=Mobile",
        "channel=Search",
        "source__icontains=bin",
        f"site__id__exact={site.pk}",
        f"site__id__exact={site.pk}&browser=Firefox&country=",
    ):
        assert listed(staff_client, f"{VISITS}?{query}") == [wanted.pk]
    assert listed(staff_client, f"{VISITS}?browser=Firefox&country=FR") == []


@pytest.mark.not_on_clickhouse
def test_filters_offer_the_values_of_the_newest_rows(
    staff_client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "NEWEST", 2)
    for browser in ("Lynx", "Firefox", ""):
        VisitFactory(site=site, browser=browser, country="DE")

    def offered(query: str, name: str) -> list[tuple[str, str]]:
        changelist = staff_client.get(VISITS + query).context["cl"]
        (spec,) = (spec for spec in changelist.filter_specs if spec.field_path == name)
        (choice,) = spec.choices(changelist)
        return [tuple(option) for option in choice["form"].fields[name].choices]

    assert offered("", "browser") == [("", "All"), ("Firefox", "Firefox")]
    assert offered("?browser=Lynx", "browser") == [
        ("", "All"),
        ("Firefox", "Firefox"),
        ("Lynx", "Lynx"),
    ]
    assert offered("", "country") == [("", "All"), ("DE", "Germany")]


def test_search_finds_entry_page_id_and_address(staff_client: Client, site: Site) -> None:
    wanted = VisitFactory(site=site, entry_page="/pricing", ip="2001:db8::1")
    VisitFactory(site=site, entry_page="/about", ip="192.0.2.7")
    for query in ("pric", str(wanted.pk), "2001:db8::1", "2001:DB8:0::1"):
        assert listed(staff_client, f"{VISITS}?q={query}") == [wanted.pk]
    assert listed(staff_client, f"{VISITS}?q=192.0.2.8") == []
    assert listed(staff_client, f"{VISITS}?q={'9' * 19}") == []
    assert listed(staff_client, f"{VISITS}?q={'9' * 5000}") == []


@pytest.mark.parametrize(
    "query",
    [
        "day_from=x",
        "day_from=2026-02-31",
        "day_from=2026-03-02&day_to=2026-03-01",
        "day_from=0001-01-01",
        "day_to=9999-12-31",
        "pageviews=x",
        "pageviews=-1",
        f"duration={'9' * 23}",
        "p=0",
        "p=101",
        "started_at__year=2026",
        "started_at__regex=(",
        "nonsense=1",
        "site__id__exact=x",
        f"site__id__exact={'9' * 23}",
        f"site={'9' * 23}",
        "id__range=1",
        "hostname__range=abc",
        "hostname__startswith=example",
    ],
)
def test_a_query_string_that_makes_no_sense_leads_back_to_the_list(
    staff_client: Client, event: Event, query: str
) -> None:
    response = staff_client.get(f"{VISITS}?{query}", follow=True)
    assert response.status_code == 200
    assert response.redirect_chain == [(f"{VISITS}?e=1", 302)]


@pytest.mark.parametrize(
    ("address", "query"),
    [
        (EVENTS, "time__year=2026"),
        ("/admin/tracking/site/", f"owner={'9' * 23}"),
        ("/admin/tracking/site/", f"owner__id__exact={'9' * 23}"),
        ("/admin/tracking/site/", "owner__password__startswith=a"),
        ("/admin/accounts/user/", "email__regex=("),
        ("/admin/accounts/user/", "id__range=1"),
        ("/admin/auth/group/", "id__range=1"),
        ("/admin/tracking/queuefile/", "folder__startswith=0"),
    ],
)
def test_other_lists_take_no_nonsense_either(
    staff_client: Client, site: Site, address: str, query: str
) -> None:
    response = staff_client.get(f"{address}?{query}")
    assert (response.status_code, response.headers.get("Location")) == (302, f"{address}?e=1")


@pytest.mark.parametrize(
    "address",
    [
        f"{VISITS}?q=a%00b",
        f"{VISITS}?browser=a%00b",
        f"{VISITS}?source__icontains=a%00b",
        "/admin/search/?s=a%00b&extended=1",
        "/admin/autocomplete/?app_label=tracking&model_name=site&field_name=owner&term=a%00b",
    ],
)
def test_no_address_holds_a_nul_character(staff_client: Client, address: str) -> None:
    assert staff_client.get(address).status_code == 400


def test_a_fault_of_our_own_is_not_taken_for_one_of_the_address(
    staff_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(reports.ReportAdmin, "get_search_results", fail)
    for address in (VISITS, f"{VISITS}?e=1"):
        with pytest.raises(ValueError, match="a bug"):
            staff_client.get(address)


def test_the_newest_rows_come_first_whatever_order_is_asked_for(
    staff_client: Client, site: Site
) -> None:
    visits = VisitFactory.create_batch(3, site=site)
    newest_first = [visit.pk for visit in reversed(visits)]
    assert listed(staff_client, VISITS) == newest_first
    assert listed(staff_client, f"{VISITS}?o=1.2") == newest_first


def test_pages_are_turned_without_counting(
    staff_client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports.ReportAdmin, "list_per_page", 2)
    visits = [visit.pk for visit in reversed(VisitFactory.create_batch(4, site=site))]
    first = staff_client.get(VISITS)
    assert "Older" in first.text
    second = staff_client.get(f"{VISITS}?p=2")
    assert [row.pk for row in second.context["cl"].result_list] == visits[2:]
    assert "Older" not in second.text
    assert "Newer" in second.text


@pytest.mark.parametrize("model", ["event", "visit", "site", "excludedhit"])
def test_a_search_for_more_than_anybody_types(staff_client: Client, model: str) -> None:
    words = " ".join(f"w{number}" for number in range(3_000))
    assert staff_client.get(f"/admin/tracking/{model}/", {"q": words}).status_code == 200
