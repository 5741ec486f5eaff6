"""Visits and events in the back office: what each shows, where it leads, and how it is deleted."""

import html
import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tracking.models import Event, Site, Visit
from tracking.reporting.filters import Filter, Operator
from tracking.templatetags.figures import duration
from tracking.tests.back_office import EVENTS, VISITS, listed
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory

HOSTILE = "<script>alert('x')</script>"


def test_a_visit_shows_its_events_in_order(staff_client: Client, site: Site) -> None:
    visit = VisitFactory(site=site, country="DE", city="Berlin", duration=3_725_000)
    events = [EventFactory(visit=visit, page=f"/{page}") for page in "abc"]
    EventFactory(visit=VisitFactory(site=site), page="/other")
    response = staff_client.get(f"{VISITS}{visit.pk}/change/")
    inline = response.context["inline_admin_formsets"][0]
    assert [form.instance for form in inline.formset.forms] == events
    assert "Germany" in response.text
    assert duration(3720) in response.text


def test_a_visit_shows_how_its_pages_were_read_and_what_came_of_it(
    staff_client: Client, site: Site
) -> None:
    visit = VisitFactory(site=site, screen="1440x900", language="de-CH")
    EventFactory(visit=visit, title="Prices", engaged=75_000, scroll=80)
    EventFactory(visit=visit, name="Order", props={"plan": "big"}, revenue="9.5", currency="EUR")
    text = staff_client.get(f"{VISITS}{visit.pk}/change/").text
    for known in ("1440x900", "de-CH", "Prices", "1m\xa015s", "80%", "plan: big", "9.500 EUR"):
        assert known in text


def test_a_visit_stands_on_a_map_where_its_place_is_known(staff_client: Client, site: Site) -> None:
    known = VisitFactory(site=site, city="Singapore", latitude="1.35", longitude="103.8")
    text = staff_client.get(f"{VISITS}{known.pk}/change/").text
    assert '<circle cx="756.4" cy="255.5"' in text
    assert 'aria-label="Map of the world: Singapore"' in text
    unknown = VisitFactory(site=site)
    assert "<circle" not in staff_client.get(f"{VISITS}{unknown.pk}/change/").text


def test_a_visit_leads_to_those_like_it(
    staff_client: Client, owner_client: Client, staff: User, site: Site
) -> None:
    page = "/a,b?c"
    foreign = VisitFactory(site=site, entry_page=page)
    own = VisitFactory(site=SiteFactory(owner=staff), entry_page=page)

    def links(visit: Visit) -> list[str]:
        text = staff_client.get(f"{VISITS}{visit.pk}/change/").text
        found = re.findall(r'href="([^"]+)" class="text-link"', text)
        return [html.unescape(link) for link in found if "%2Fa" in link]

    [to_list] = links(foreign)
    assert listed(staff_client, to_list) == [foreign.pk]
    to_list, to_dashboard = links(own)
    assert listed(staff_client, to_list) == [own.pk]
    report = staff_client.get(to_dashboard).context["report"]
    assert report.filters == (Filter("entry_page", Operator.IS, (page,)),)


def test_visits_and_events_cannot_be_added_or_changed(staff_client: Client, event: Event) -> None:
    for address, pk in ((VISITS, event.visit.pk), (EVENTS, event.pk)):
        assert staff_client.get(f"{address}add/").status_code == 403
        assert staff_client.post(f"{address}{pk}/change/", {"page": "/x"}).status_code == 403


def test_a_visit_is_deleted_with_its_events(staff_client: Client, site: Site) -> None:
    visit, other = VisitFactory(site=site), EventFactory(visit__site=site).visit
    EventFactory.create_batch(3, visit=visit)
    confirmation = staff_client.get(f"{VISITS}{visit.pk}/delete/")
    assert dict(confirmation.context["model_count"]) == {"visits": 1, "events": 3}
    staff_client.post(f"{VISITS}{visit.pk}/delete/", {"post": "yes"})
    assert list(Visit.objects.all()) == [other]
    assert Event.objects.count() == 1
    assert staff_client.get(f"{EVENTS}{Event.objects.get().pk}/delete/").status_code == 403


def test_hostile_values_are_shown_as_text(staff_client: Client, site: Site) -> None:
    visit = VisitFactory(
        site=site,
        entry_page=f"/{HOSTILE}",
        source=HOSTILE,
        referrer=f"javascript:{HOSTILE}",
        browser=HOSTILE,
        os=HOSTILE,
        city=HOSTILE,
        country="<b",
        hostname=HOSTILE,
    )
    event = EventFactory(visit=visit, name=HOSTILE, page=HOSTILE)
    site.name = HOSTILE
    site.save()
    pages = [
        VISITS,
        f"{VISITS}{visit.pk}/change/",
        f"{VISITS}?q={HOSTILE}&browser={HOSTILE}",
        EVENTS,
        f"{EVENTS}{event.pk}/change/",
        "/admin/tracking/site/",
        f"/admin/tracking/site/{site.pk}/change/",
        "/admin/",
    ]
    for page in pages:
        text = staff_client.get(page).text
        assert "alert(&#x27;x&#x27;)" in text
        assert "<script>alert" not in text
        assert 'href="javascript:' not in text


@pytest.mark.not_on_clickhouse
def test_the_detail_page_does_not_ask_more_for_more_events(
    staff_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    visit = VisitFactory()
    for _ in range(3):
        EventFactory(visit=visit)
        with django_assert_num_queries(7):
            staff_client.get(f"{VISITS}{visit.pk}/change/")
