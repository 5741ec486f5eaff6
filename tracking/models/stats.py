"""What is reckoned of closed days, so that reports need not read all rows again.

Visits and events are the truth; all of this can be thrown away and made anew.
"""

import secrets
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import models
from django.db.models.signals import pre_delete, pre_save
from django.dispatch import receiver

from tracking.models.fields import DayField
from tracking.models.sites import Site
from tracking.models.visits import Visit
from tracking.routers import events_are_in_clickhouse

# A visit's last hits may still be on their way when its day is over.
GRACE = timedelta(minutes=2)


class ReckonedDay(models.Model):
    """`data` is packed by `tracking.reporting.columns`."""

    pk = models.CompositePrimaryKey("site", "day", "name")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = DayField()
    name = models.CharField(max_length=40)
    data = models.BinaryField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name} on {self.day}"


class DailyStat(ReckonedDay):
    """A day's figures for each value of the dimension `name`; of all values, if that is empty."""


class DayColumn(ReckonedDay):
    """One column of a day's visits or events, as `visit.country`, to count under filters."""


def new_token() -> int:
    return secrets.randbits(62)


class StaleDayQuerySet(models.QuerySet["StaleDay"]):
    def note(self, site: Site, days: Iterable[date]) -> None:
        """Something on these days has changed: read them from visits and events until they are
        reckoned anew. Belongs into the transaction that changes them."""
        self.note_all({site: days})

    def note_visits(self, site: Site, spans: Iterable[tuple[datetime, datetime]]) -> None:
        """Note the days of visits that began and ended at these moments."""
        days: set[date] = set()
        for started_at, ended_at in spans:
            first, last = site.day_of(started_at), site.day_of(ended_at)
            days.update(first + timedelta(days=n) for n in range((last - first).days + 1))
        self.note(site, days)

    def note_all(self, days: Mapping[Site, Iterable[date]]) -> None:
        if events_are_in_clickhouse():
            return  # it reads them as fast as they are
        over: list[StaleDay] = []
        running: list[StaleDay] = []
        for site, noted in days.items():
            today = site.today()
            for day in noted:
                (over if day < today else running).append(StaleDay(site=site, day=day))
        # In order, so that two workers never wait for each other in a circle. A day that still
        # runs is not reckoned yet: that it is noted is enough, and nobody waits for anybody.
        for some in (over, running):
            some.sort(key=lambda stale: (stale.site_id, stale.day))
        self.bulk_create(running, ignore_conflicts=True)
        self.bulk_create(
            over, update_conflicts=True, unique_fields=["site", "day"], update_fields=["token"]
        )

    def due(self, now: datetime) -> "list[StaleDay]":
        """Those that are over, the latest first."""
        stale = self.select_related("site").order_by("-day", "site")
        return [one for one in stale if one.day < one.site.day_of(now - GRACE)]


class StaleDay(models.Model):
    """A day of a site that has visits or events, and is not reckoned as it is now.

    The token changes with each change: it tells whether what was reckoned is still true.
    """

    pk = models.CompositePrimaryKey("site", "day")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = DayField()
    token = models.BigIntegerField(default=new_token)

    objects = StaleDayQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.day}"


@receiver(pre_delete, sender=Visit)
def note_deleted_visit(instance: Visit, **kwargs: Any) -> None:
    """With a visit go its events."""
    span = instance.started_at, instance.ended_at
    StaleDay.objects.note_visits(instance.site, [span])


@receiver(pre_save, sender=Site)
def note_another_time_zone(instance: Site, raw: bool, using: str, **kwargs: Any) -> None:
    """With the time zone all days of a site begin at other moments."""
    if raw or instance.pk is None:
        return
    stored = Site.objects.using(using).filter(pk=instance.pk).first()
    if stored and stored.time_zone != instance.time_zone:
        known = (DailyStat.objects.filter(name=""), StaleDay.objects.all())
        days = {
            day
            for rows in known
            for day in rows.using(using).filter(site=instance).values_list("day", flat=True)
        }
        around = {day + timedelta(days=shift) for day in days for shift in (-1, 0, 1)}
        StaleDay.objects.using(using).note(instance, sorted(around))
