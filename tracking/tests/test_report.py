"""What the address of a report says."""

from datetime import UTC, date, datetime

import pytest
from django.http import QueryDict

from tracking.models import Site
from tracking.reporting.period import Interval, Preset
from tracking.tests.factories import VisitFactory
from tracking.views.report import Report
from tracking.views.wording import range_in_words

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def report(site: Site, query: str = "") -> Report:
    return Report(site, QueryDict(query), NOW)


def test_without_anything_it_is_of_the_last_30_days(site: Site) -> None:
    usual = report(site)
    assert (usual.preset, usual.label, usual.phrase) == (
        Preset.THIRTY_DAYS,
        "Last 30 days",
        "in the last 30 days",
    )
    assert (usual.metric.name, usual.filters, usual.problems) == ("visitors", (), [])
    assert usual.comparison == usual.period.previous()
    assert usual.comparison_label == "period before"


@pytest.mark.parametrize(
    ("query", "first", "last", "label"),
    [
        ("period=today", date(2026, 3, 10), date(2026, 3, 10), "Today"),
        ("period=month&on=2026-02-11", date(2026, 2, 1), date(2026, 2, 28), "February 2026"),
        ("period=year&on=2025-02-11", date(2025, 1, 1), date(2025, 12, 31), "2025"),
        (
            "period=custom&first=2026-02-27&last=2026-03-05",
            date(2026, 2, 27),
            date(2026, 3, 5),
            "27 February – 5 March 2026",
        ),
    ],
)
def test_it_names_a_period(site: Site, query: str, first: date, last: date, label: str) -> None:
    found = report(site, query)
    assert (found.period.first, found.period.last, found.label) == (first, last, label)
    assert found.problems == []


def test_all_time_begins_with_the_first_visit(site: Site) -> None:
    VisitFactory(site=site, started_at=datetime(2025, 5, 6, 12, tzinfo=UTC))
    found = report(site, "period=all")
    assert found.period.first == date(2025, 5, 6)
    assert found.comparison is None


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("period=<b>", "There is no period “<b>”."),
        ("interval=century", "There is no interval “century”."),
        ("metric=luck", "There is no figure “luck”."),
        ("compare=luck", "There is no comparison “luck”."),
        (
            "period=custom&first=2026-03-05&last=2026-03-01",
            "The period ends before it begins.",
        ),
        ("period=custom&first=soon&last=2026-03-01", "Enter a valid date."),
        ("period=month&on=0001-01-01", "0001-01-01 lies outside of what can be reported on."),
        ("f=luck,is,good", "There is no dimension “luck”."),
        ("f=page", "“page” is not a filter: it needs a dimension, an operator and a value."),
        ("compare=custom", "Say with which days to compare."),
    ],
)
def test_what_is_wrong_is_said_and_answered_by_the_usual(
    site: Site, query: str, problem: str
) -> None:
    found = report(site, query)
    assert problem in found.problems
    assert len(found.problems) == 1
    assert found.period.days > 0


def test_intervals_that_do_not_fit_are_not_taken(site: Site) -> None:
    assert report(site, "period=30d&interval=hour").period.interval is Interval.DAY
    found = report(site, "period=7d&interval=hour")
    assert found.period.interval is Interval.HOUR
    assert [(str(one.label), one.is_current) for one in found.intervals] == [
        ("Hour", True),
        ("Day", False),
    ]


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("period=7d", date(2026, 2, 25), date(2026, 3, 3)),
        ("period=7d&compare=year", date(2025, 3, 4), date(2025, 3, 10)),
        ("period=7d&compare=year&weekdays=on", date(2025, 3, 5), date(2025, 3, 11)),
        (
            "period=7d&compare=custom&compare_first=2026-01-01&compare_last=2026-01-07",
            date(2026, 1, 1),
            date(2026, 1, 7),
        ),
    ],
)
def test_it_says_what_to_compare_with(site: Site, query: str, first: date, last: date) -> None:
    comparison = report(site, query).comparison
    assert comparison
    assert (comparison.first, comparison.last) == (first, last)


def test_nothing_may_be_compared(site: Site) -> None:
    assert report(site, "compare=none").comparison is None


def test_addresses_keep_the_rest_of_the_state(site: Site) -> None:
    found = report(site, "period=7d&f=page,is,/a&f=country,is,NP&page=3&q=x&sources=channel")
    assert found.address(period="30d") == (
        "?period=30d&f=page,is,/a&f=country,is,NP&sources=channel"
    )
    assert [(chip.text, chip.without) for chip in found.chips] == [
        ("Page is /a", "?period=7d&f=country,is,NP&sources=channel"),
        ("Country is Nepal", "?period=7d&f=page,is,/a&sources=channel"),
    ]


def test_filters_can_be_joined_and_parted(site: Site) -> None:
    both = report(site, "f=page,is,/a&f=country,is_not,NP,CH")
    assert both.joined == "?f=page,is,/a%3Bcountry,is_not,NP,CH"
    assert both.parted == ""

    either = report(site, both.joined[1:])
    assert [chip.text for chip in either.chips] == [
        "Page is /a or Country is not Nepal or Switzerland"
    ]
    assert either.joined == ""
    assert either.parted == "?f=page,is,/a&f=country,is_not,NP,CH"


def test_it_leads_to_the_periods_beside_it(site: Site) -> None:
    assert report(site, "period=7d").earlier == "?period=custom&first=2026-02-25&last=2026-03-03"
    assert report(site, "period=7d").later == ""
    assert report(site, "period=month").earlier == "?period=month&on=2026-02-01"
    assert report(site, "period=yesterday").later == (
        "?period=custom&first=2026-03-10&last=2026-03-10"
    )


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2026, 3, 3), date(2026, 3, 3), "3 March 2026"),
        (date(2026, 3, 3), date(2026, 3, 9), "3–9 March 2026"),
        (date(2026, 2, 27), date(2026, 3, 5), "27 February – 5 March 2026"),
        (date(2025, 12, 30), date(2026, 1, 5), "30 December 2025 – 5 January 2026"),
    ],
)
def test_ranges_are_written_as_people_do(first: date, last: date, text: str) -> None:
    assert range_in_words(first, last) == text
