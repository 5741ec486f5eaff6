from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db.models import Max

from accounts.models import User
from accounts.tests.factories import UserFactory
from tracking.demo.traffic import Traffic
from tracking.models import Event, QueueFile, Site, Visit
from tracking.models.fields import MILLISECOND
from tracking.processing.numbering import event_id
from tracking.reporting.period import Period, Preset
from tracking.tests.factories import EventFactory, SiteFactory

# A Wednesday; 23:05 on the clock of New York's site.
NOW = datetime(2026, 7, 16, 3, 5, tzinfo=UTC)
GAP = timedelta(minutes=30)


def seed(site: Site, now: datetime = NOW, days: int = 7, events: int = 3000, seed: int = 1) -> None:
    assert sum(Traffic(site, now, days, events, seed).store()) == events


@pytest.fixture
def new_york(db: None) -> Site:
    return SiteFactory(domain="bücher.example", time_zone="America/New_York")


# The visits


def test_a_visit_is_what_its_events_say(new_york: Site) -> None:
    seed(new_york)
    assert Event.objects.count() == 3000
    events: defaultdict[int, list[Event]] = defaultdict(list)
    for event in Event.objects.order_by("time", "id"):
        events[event.visit_id].append(event)
    visits = Visit.objects.in_bulk()
    assert visits.keys() == events.keys()
    for visit in visits.values():
        own = events[visit.pk]
        views = [event for event in own if event.is_pageview]
        assert {event.visitor_id for event in own} == {visit.visitor_id}
        assert {event.site_id for event in own} == {visit.site_id} == {new_york.pk}
        assert {event.hostname for event in own} == {visit.hostname} == {"xn--bcher-kva.example"}
        assert [event.day for event in own] == [new_york.day_of(event.time) for event in own]
        assert (visit.pk, visit.started_at, visit.ended_at) == (
            own[0].pk,
            own[0].time,
            max(event.time + event.engaged * MILLISECOND for event in own),
        )
        assert visit.day == new_york.day_of(visit.started_at)
        assert visit.duration == (visit.ended_at - visit.started_at) // MILLISECOND
        assert (visit.pageviews, visit.events) == (len(views), len(own))
        assert visit.is_bounce == (len(own) == 1)
        assert (visit.entry_page, visit.exit_page) == (views[0].page, views[-1].page)
        assert all(b.time - a.time < GAP for a, b in pairwise(own))


def test_visitors_who_come_back_do_so_later_on_the_same_day(new_york: Site) -> None:
    seed(new_york)
    visits: defaultdict[int, list[Visit]] = defaultdict(list)
    for visit in Visit.objects.order_by("started_at"):
        visits[visit.visitor_id].append(visit)
    returned = [several for several in visits.values() if len(several) > 1]
    assert len(returned) > 50
    for several in returned:
        assert len({(one.day, one.city, one.browser, one.os) for one in several}) == 1
        assert all(b.started_at - a.ended_at > GAP for a, b in pairwise(several))


@pytest.mark.parametrize(
    ("zone", "now"),
    [
        ("America/New_York", NOW),
        ("UTC", datetime(2026, 7, 16, tzinfo=UTC)),  # not a second of today is over
        ("UTC", datetime(2026, 7, 16, 0, 0, 1, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 3, 30, 12, tzinfo=UTC)),  # clocks went forward
        ("Europe/Berlin", datetime(2026, 10, 26, 12, tzinfo=UTC)),  # and back
        ("Pacific/Kiritimati", NOW),
    ],
)
def test_nothing_lies_in_the_future_or_before_the_first_day(
    zone: str, now: datetime, db: None
) -> None:
    site = SiteFactory(time_zone=zone)
    seed(site, now, days=3, events=1000)
    times = Event.objects.values_list("time", flat=True)
    assert max(times) <= now
    assert site.day_of(min(times)) == site.day_of(now) - timedelta(days=2)
    for visit in Visit.objects.all():
        assert visit.day == site.day_of(visit.started_at)


def test_a_single_day_that_has_just_begun_is_filled_too(db: None) -> None:
    site = SiteFactory()
    now = datetime(2026, 7, 16, 0, 0, 1, tzinfo=UTC)
    seed(site, now, days=1, events=50)
    assert Event.objects.aggregate(last=Max("time"))["last"] <= now


def contents() -> list[tuple[Any, ...]]:
    """All that is stored of visits and events, besides their numbers."""
    numbers = {"id", "visitor_id", "site_id", "visit_id"}
    return [
        tuple(value for field, value in sorted(row.items()) if field not in numbers)
        for model in (Visit, Event)
        for row in model.objects.order_by("id").values()
    ]


def test_the_same_seed_gives_the_same_visits(new_york: Site) -> None:
    found = []
    for number in (1, 1, 2):
        seed(new_york, events=300, seed=number)
        found.append(contents())
        Event.objects.all().delete()
        Visit.objects.all().delete()
    assert found[0] == found[1] != found[2]


def test_numbers_are_nobody_elses(new_york: Site) -> None:
    before = QueueFile.objects.create(folder="0" * 32, name="before")
    seed(new_york, events=300)
    seed(new_york, events=300)
    after = QueueFile.objects.create(folder="0" * 32, name="after")
    ids = set(Event.objects.values_list("id", flat=True))
    assert len(ids) == 600
    assert event_id(before, (1 << 31) - 1) < min(ids)
    assert max(ids) < event_id(after, 0)
    assert QueueFile.objects.count() == 2


def test_the_visits_are_believable(new_york: Site) -> None:
    seed(new_york, days=28, events=20_000)
    visits = list(Visit.objects.all())
    assert 0.42 < sum(visit.is_bounce for visit in visits) / len(visits) < 0.5
    weekdays = Counter(visit.day.weekday() for visit in visits)
    assert weekdays[5] < weekdays[1] * 0.75 > weekdays[6]
    hours = Counter(visit.started_at.astimezone(new_york.zone).hour for visit in visits)
    assert hours[3] * 4 < hours[10]
    half_time = new_york.day_of(NOW) - timedelta(days=14)
    assert sum(visit.day > half_time for visit in visits) > len(visits) * 0.52
    pages = Counter(visit.entry_page for visit in visits)
    assert pages.most_common(1)[0][0] == "/"
    assert len({visit.country for visit in visits}) > 40
    assert all(visit.latitude and visit.longitude and visit.city for visit in visits)
    assert {"Chrome", "Safari", "Firefox", "Edge"} < {visit.browser for visit in visits}
    assert {visit.device for visit in visits} == {"Desktop", "Mobile", "Tablet", "TV"}
    assert {visit.channel for visit in visits} >= {
        "Direct",
        "Organic Search",
        "Organic Social",
        "AI Assistants",
        "Email",
        "Paid Search",
        "Referral",
    }
    campaigns = {visit.utm_campaign for visit in visits}
    assert campaigns == {"", "brand", "version-3"}
    names = {event.name for event in Event.objects.all()}
    assert names == {"pageview", "Signup", "Download", "Newsletter", "Contact form"}


# The command


@time_machine.travel(NOW, tick=False)
def test_the_site_is_added_for_the_first_superuser(
    staff: User, stranger: User, capsys: pytest.CaptureFixture[str]
) -> None:
    staff.time_zone = "Asia/Tokyo"
    staff.save()
    UserFactory(is_superuser=True)
    call_command("seed_demo", days=3, events=200)
    site = Site.objects.get()
    assert (site.owner, site.domain, site.time_zone) == (staff, "demo.example.com", "Asia/Tokyo")
    assert site.created_at == NOW - timedelta(days=3)
    assert Event.objects.filter(site=site).count() == 200
    assert capsys.readouterr().out == (
        f"Stored 200 events on demo.example.com, site {site.pk}. See them at\n"
        f"http://localhost:8000/sites/{site.pk}/\n"
    )


@time_machine.travel(NOW, tick=False)
def test_usually_the_dashboard_has_a_period_before_to_compare_with(site: Site) -> None:
    call_command("seed_demo", events=2000, site=site.domain)
    period = Period.of(Preset.THIRTY_DAYS, site.zone, NOW)
    days = set(Visit.objects.values_list("day", flat=True))
    assert min(days) == site.day_of(period.previous().start)


@pytest.mark.usefixtures("staff")
def test_the_site_is_added_for_the_owner_who_is_named(owner: User) -> None:
    call_command(
        "seed_demo", events=10, site="https://www.Shop.example/", owner="Owner@Example.com"
    )
    assert [(site.owner, site.domain) for site in Site.objects.all()] == [(owner, "shop.example")]


def test_a_site_that_is_there_is_used(site: Site) -> None:
    call_command("seed_demo", events=10, site=site.domain)
    assert Event.objects.filter(site=site).count() == 10
    assert Site.objects.count() == 1


def test_visits_that_are_there_are_added_to_or_replaced_only_when_told(site: Site) -> None:
    elsewhere = EventFactory()
    call_command("seed_demo", events=10, site=site.domain)
    message = (
        r"example\.com has visits already\. Add to them with --append, or delete them with "
        r"--replace\."
    )
    with pytest.raises(CommandError, match=message):
        call_command("seed_demo", events=10, site=site.domain)
    assert Event.objects.filter(site=site).count() == 10
    call_command("seed_demo", events=20, site=site.domain, append=True)
    assert Event.objects.filter(site=site).count() == 30
    call_command("seed_demo", events=5, site=site.domain, replace=True)
    assert Event.objects.filter(site=site).count() == 5
    assert sum(Visit.objects.filter(site=site).values_list("events", flat=True)) == 5
    assert Event.objects.filter(pk=elsewhere.pk).exists()


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "Say whose site demo.example.com is with --owner, or make a superuser first"),
        (["--owner", "nobody@example.com"], "Nobody has an account with the address nobody@"),
        (["--site", "no domain"], "“no domain” is not a domain. Give it as in example.com."),
        (["--events", "0"], "0 is not a number from 1 to 2147483647."),
        (["--events", "many"], "many is not a number from 1 to 2147483647."),
        (["--days", "-1"], "-1 is not a number from 1 to 3650."),
        (["--append", "--replace"], "not allowed with argument"),
    ],
)
def test_what_is_wrong_is_told(options: list[str], complaint: str) -> None:
    with pytest.raises(CommandError) as error:
        call_command("seed_demo", *options)
    assert complaint in str(error.value)
    assert not Site.objects.exists()


def test_a_domain_that_several_people_track_needs_an_owner(owner: User, stranger: User) -> None:
    for person in (owner, stranger):
        SiteFactory(owner=person, domain="shared.example")
    with pytest.raises(CommandError, match=r"Several people track shared\.example\."):
        call_command("seed_demo", site="shared.example")
    call_command("seed_demo", events=10, site="shared.example", owner=stranger.email)
    shared = Site.objects.get(owner=stranger)
    assert Event.objects.filter(site=shared).count() == 10
