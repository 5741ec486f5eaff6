"""Who was it? A number that stands for a visitor for one day, and for nobody afterwards."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from zoneinfo import ZoneInfo

from django.db import connection

from tracking.models import Salt
from tracking.processing.arrivals import Arrival

DAYS_KEPT = 2
ONE_DAY = timedelta(days=1)
QUARTER = 900  # of an hour, in seconds: no zone's midnight lies within one
REMEMBERED = 5_000  # ids: most hits are of somebody who was here a moment ago

Ids = tuple[tuple[date, int], tuple[date, int]]


def visitor_id(site_id: int, ip: str, user_agent: str, salt: bytes) -> int:
    """A keyed hash of site, address and User-Agent, as a signed 64-bit number."""
    person = f"{site_id}\n{ip}\n{user_agent}".encode(errors="replace")
    digest = blake2b(person, key=salt, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def ids_until_now(site_id: int, ip: str, user_agent: str) -> list[int]:
    """What somebody is called on the days of which the salt has not been destroyed."""
    salts = Salt.objects.values_list("value", flat=True)
    return [visitor_id(site_id, ip, user_agent, bytes(salt)) for salt in salts]


class Visitors:
    """Makes visitor ids; remembers the salts it has met."""

    def __init__(self) -> None:
        self._salts: dict[date, bytes] = {}
        self._ids = lru_cache(REMEMBERED)(self.ids)

    def identify(self, arrival: Arrival) -> None:
        """Give the arrival its day, and the ids under which its visit may be found."""
        hit = arrival.hit
        arrival.day = day_of(arrival.site.time_zone, int(hit.time.timestamp()) // QUARTER)
        arrival.visitor_ids = self._ids(hit.site_id, hit.ip, hit.user_agent, arrival.day)

    def ids(self, site_id: int, ip: str, user_agent: str, day: date) -> Ids:
        """Of that day and the day before."""
        before = day - ONE_DAY
        return (
            (day, visitor_id(site_id, ip, user_agent, self.salt(day))),
            (before, visitor_id(site_id, ip, user_agent, self.salt(before))),
        )

    def salt(self, day: date) -> bytes:
        value = self._salts.get(day)
        if value is None:
            # Several hosts may meet a new day at once: whoever comes second reads the first's.
            salt, _created = Salt.objects.get_or_create(day=day)
            value = self._salts[day] = bytes(salt.value)
        return value

    def forget_salts(self, now: datetime) -> int:
        """Destroy the salts of days that ended more than two days ago; returns how many.

        A day is over everywhere twelve hours after it is over in UTC. Days to come have no salt
        unless the clock was wrong.
        """
        today = now.astimezone(UTC).date()
        needed = (today - DAYS_KEPT * ONE_DAY, datetime.now(UTC).date() + 2 * ONE_DAY)
        self._salts.clear()
        self._ids.cache_clear()
        deleted, _ = Salt.objects.exclude(day__range=needed).delete()
        if deleted and connection.vendor == "postgresql" and not connection.in_atomic_block:
            # A deleted row stays in the table's file until something is written over it.
            with connection.cursor() as cursor:
                cursor.execute(f"VACUUM FULL {Salt._meta.db_table}")
        return deleted


@lru_cache(2000)
def day_of(time_zone: str, quarter: int) -> date:
    """The day of a calendar in which a quarter of an hour since 1970 lies."""
    return datetime.fromtimestamp(quarter * QUARTER, ZoneInfo(time_zone)).date()
