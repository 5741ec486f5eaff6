"""Which rows questions are about: days of sites that share a calendar."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from tracking.models import Site
from tracking.reporting.clickhouse import sql
from tracking.reporting.period import DAY, Period, midnight

SECOND = timedelta(seconds=1)
# A visit goes on over midnight; one that does so for longer than this is a machine's, and may
# be missed where it goes beyond the period.
LONGEST_VISIT = 7 * DAY
# `day` is that of the site's time zone when the hit came; it may have had another one since.
OTHER_ZONES = 2 * DAY


@dataclass(frozen=True)
class Scope:
    sites: tuple[Site, ...]
    zone: ZoneInfo
    period: Period

    @classmethod
    def all_of(cls, sites: Sequence[Site], period: Period) -> "list[Scope]":
        zones = dict.fromkeys(site.zone for site in sites)
        return [
            cls(tuple(site for site in sites if site.zone == zone), zone, period.seen_from(zone))
            for zone in zones
        ]

    @cached_property
    def start(self) -> datetime:
        """Of what is counted."""
        if self.period.since:
            return whole_second(self.period.since)
        return midnight(self.period.first, self.zone)

    @cached_property
    def end(self) -> datetime:
        end = midnight(self.period.last + DAY, self.zone)
        if self.period.cutoff and self.period.cutoff < end:
            return whole_second(self.period.cutoff)
        return end

    def span(self, before: timedelta, after: timedelta) -> list[str]:
        """The part of the tables in which rows of these days, and so long around, are."""
        first, last = earlier(self.period.first, before), self.period.last + after
        return [
            sql.one_of("site_id", [site.pk for site in self.sites]),
            f"day BETWEEN {sql.day(first)} AND {sql.day(last)}",
        ]

    @property
    def around(self) -> list[str]:
        """Visits and events that have to do with the period at all."""
        return self.span(LONGEST_VISIT, LONGEST_VISIT)

    @property
    def visits(self) -> list[str]:
        """Where visits are that began in the period."""
        return self.span(OTHER_ZONES, OTHER_ZONES)

    @property
    def events(self) -> list[str]:
        """Where events are that happened in the period, and those of visits that began in it."""
        return self.span(OTHER_ZONES, LONGEST_VISIT)

    @property
    def began(self) -> list[str]:
        """True of visits that count, and of their events: those that began in the period; of
        what is live, any of late."""
        if self.period.since:
            return between("started_at", midnight(self.period.first - DAY, self.zone), self.end)
        return between("started_at", self.start, self.end)

    @property
    def happened(self) -> list[str]:
        """True of events that count by themselves."""
        return between("time", self.start, self.end)

    @property
    def linked(self) -> list[str]:
        """True of events that make their visits count; live ones are those of now."""
        return [*self.began, *(self.happened if self.period.since else [])]


def between(column: str, start: datetime, end: datetime) -> list[str]:
    return [f"{column} >= {sql.moment(start)}", f"{column} < {sql.moment(end)}"]


def whole_second(moment: datetime) -> datetime:
    """The second that runs at the moment is counted in."""
    return moment if not moment.microsecond else moment.replace(microsecond=0) + SECOND


def earlier(first: date, by: timedelta) -> date:
    """ClickHouse's days begin in 1970."""
    return max(first, date(1970, 1, 1) + by) - by
