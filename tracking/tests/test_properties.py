"""Which properties a report can be told apart by."""

from datetime import timedelta

from django.utils import timezone

from tracking.models import Site
from tracking.reporting.period import Period
from tracking.reporting.properties import names_of
from tracking.tests.factories import EventFactory, SiteFactory, VisitFactory


def test_those_of_the_site_s_own_events_in_the_period(site: Site) -> None:
    other = SiteFactory.create()
    now, today = timezone.now(), site.today()
    for of, days_ago, props in (
        (site, 1, {"plan": "Pro", "color": "red"}),
        (site, 2, {"size": "L"}),
        (site, 30, {"old": "yes"}),
        (other, 1, {"secret": "x"}),
    ):
        visit = VisitFactory.create(site=of, started_at=now - timedelta(days=days_ago))
        EventFactory.create(visit=visit, name="Bought", props=props)
    period = Period(today - timedelta(days=7), today, site.zone)
    assert names_of(site, period) == ["color", "plan", "size"]


def test_no_events_have_none(site: Site) -> None:
    assert names_of(site, Period(site.today(), site.today(), site.zone)) == []
