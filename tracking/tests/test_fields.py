from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.db import connection
from django.db.models import Max

from tracking.models import Visit
from tracking.models.fields import day_number, day_of, milliseconds, moment_of
from tracking.tests.factories import VisitFactory

MOMENT = datetime(2026, 3, 29, 1, 59, 59, 999_000, tzinfo=UTC)


@pytest.mark.parametrize("moment", [MOMENT, datetime(1969, 12, 31, 23, tzinfo=UTC)])
def test_moments_survive_as_numbers(moment: datetime) -> None:
    assert moment_of(milliseconds(moment)) == moment


def test_days_survive_as_numbers() -> None:
    assert [day_of(day_number(day)) for day in (date(1969, 1, 1), date(2028, 2, 29))] == [
        date(1969, 1, 1),
        date(2028, 2, 29),
    ]


@pytest.mark.django_db
def test_python_sees_moments_and_days_on_every_database() -> None:
    east = MOMENT.astimezone(timezone(timedelta(hours=9)))
    VisitFactory(started_at=east, day=date(2026, 3, 29))
    visit = Visit.objects.get(started_at=MOMENT, day=date(2026, 3, 29))
    assert (visit.started_at, visit.day) == (MOMENT, date(2026, 3, 29))
    assert Visit.objects.filter(started_at__gt=MOMENT).count() == 0
    assert Visit.objects.filter(started_at__gte=MOMENT, day__lte=date(2026, 3, 29)).count() == 1
    assert Visit.objects.aggregate(Max("started_at"), Max("day")) == {
        "started_at__max": MOMENT,
        "day__max": date(2026, 3, 29),
    }


@pytest.mark.not_on_clickhouse
@pytest.mark.django_db
def test_sqlite_keeps_numbers() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("Other databases have types of their own.")
    VisitFactory(started_at=MOMENT, day=date(2026, 3, 29))
    with connection.cursor() as cursor:
        cursor.execute("SELECT started_at, day, typeof(day) FROM tracking_visit")
        assert cursor.fetchone() == (1774749599999, 20541, "integer")
