"""Is everything well? What the machinery says of itself, with a judgement and advice.

Of this host: with several web hosts each has its own queue, worker and disk.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import maxminddb
from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma, naturaltime
from django.db import OperationalError, connections
from django.db.models import QuerySet, Sum
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from tracking import spool
from tracking.clickhouse.tables import TABLES
from tracking.models import Event, ExcludedDay, QueueFile, Reason, Site, StaleDay
from tracking.processing.backlog import LOCK
from tracking.routers import EVENTS_DB_ALIAS, events_are_in_clickhouse, is_clickhouse_away
from tracking_project.recent_errors import recent_errors

SAMPLE_BYTES = 1 << 20
SILENT_WORKER = timedelta(minutes=1)
LATE_HIT = timedelta(minutes=1)
OLD_CITY_FILE = timedelta(days=75)  # they come out once a month
FEW_DAYS = 100  # as many as sites, when their day has just ended
LITTLE_SPACE = 5 << 30
NO_SPACE = 1 << 30


class State(StrEnum):
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"

    @property
    def label(self) -> str:
        return str(LABELS[self])


LABELS = {State.GOOD: _("Fine"), State.WARNING: _("Look at it"), State.BAD: _("Act")}


@dataclass(frozen=True)
class Sign:
    """One thing that was looked at; `advice` says what to do where all is not well."""

    title: str
    value: str
    state: State = State.GOOD
    advice: str = ""


@dataclass
class Waiting:
    """What is in the queue and not stored; `hits` is an estimate if there is a lot of it."""

    bytes: int = 0
    hits: int = 0
    is_exact: bool = True
    oldest: datetime | None = None


@dataclass(frozen=True)
class HitsToday:
    """What became of the hits of today, in the reader's time zone; reasons go by days of sites."""

    stored: int | None  # None while the database of events does not answer
    waiting: int
    filtered: list[tuple[Reason, int]]

    @property
    def accepted(self) -> int | None:
        if self.stored is None:
            return None
        return self.stored + self.waiting + sum(hits for _reason, hits in self.filtered)


@dataclass(frozen=True)
class CityFile:
    kind: str
    built: datetime


@dataclass(frozen=True)
class Health:
    signs: list[Sign] = field(default_factory=list)

    @property
    def problems(self) -> list[Sign]:
        """The worst first."""
        found = [sign for sign in self.signs if sign.state is not State.GOOD]
        return sorted(found, key=lambda sign: sign.state is not State.BAD)


def health() -> Health:
    checks: tuple[Callable[[datetime], Sign], ...] = (
        worker,
        queue,
        events_database if events_are_in_clickhouse() else rollups,
        disk,
        errors,
        places,
    )
    now = timezone.now()
    return Health([check(now) for check in checks])


def worker(now: datetime) -> Sign:
    title, heartbeat = gettext("Worker"), last_heartbeat()
    advice = gettext("Start it: manage.py process_hits. Until then hits wait in the queue.")
    if heartbeat is None:
        return Sign(title, gettext("has not run yet"), State.BAD, advice)
    if now - heartbeat > SILENT_WORKER:
        value = gettext("last at work %(ago)s") % {"ago": naturaltime(heartbeat)}
        return Sign(title, value, State.BAD, advice)
    return Sign(title, gettext("at work"))


def last_heartbeat() -> datetime | None:
    """When the worker last looked for hits."""
    try:
        return datetime.fromtimestamp((settings.SPOOL_DIR / LOCK).stat().st_mtime, UTC)
    except FileNotFoundError:
        return None


def queue(now: datetime) -> Sign:
    title, found = gettext("Queue"), waiting(settings.SPOOL_DIR)
    if not found.hits or found.oldest is None:
        return Sign(title, gettext("empty"))
    text = ngettext(
        "%(about)s%(count)s hit is waiting, of %(ago)s",
        "%(about)s%(count)s hits are waiting, the oldest of %(ago)s",
        found.hits,
    ) % {
        "about": "" if found.is_exact else gettext("about") + " ",
        "count": intcomma(found.hits),
        "ago": naturaltime(found.oldest),
    }
    if found.bytes > settings.QUEUE_MAX_BYTES * 0.8:
        advice = gettext("It is nearly full: then hits are refused. See whether the worker runs.")
        return Sign(title, text, State.BAD, advice)
    if now - found.oldest > LATE_HIT:
        return Sign(title, text, State.WARNING, gettext("The worker does not keep up, or stands."))
    return Sign(title, text)


def waiting(folder: Path) -> Waiting:
    """What a look at the beginning of each file's part that is not stored tells of it."""
    found = Waiting()
    paths = spool.files(folder)
    positions = dict(
        QueueFile.objects.filter(name__in=[path.name for path in paths]).values_list(
            "name", "position"
        )
    )
    for path in paths:
        try:
            with path.open("rb") as file:
                start = positions.get(path.name, 0)
                left = path.stat().st_size - start
                file.seek(start)
                sample = file.read(SAMPLE_BYTES)
        except FileNotFoundError:
            continue  # stored meanwhile
        complete = sample[: sample.rfind(b"\n") + 1]
        if not complete:
            continue
        hits = complete.count(b"\n")
        found.bytes += left
        if left > len(sample):
            found.is_exact = False
            hits = round(hits * left / len(complete))
        found.hits += hits
        if moment := time_of(complete.partition(b"\n")[0]):
            found.oldest = min(found.oldest or moment, moment)
    return found


def time_of(line: bytes) -> datetime | None:
    try:
        return datetime.fromtimestamp(spool.decode(line).time, UTC)
    except (ValueError, OverflowError):  # what msgspec raises is a ValueError too
        return None


def hits_today() -> HitsToday:
    start = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    stored = Event.objects.filter(
        # Every event has a site; naming them lets the database use its index on site and time.
        site__in=list(Site.objects.order_by().values_list("pk", flat=True)),
        day__gte=start.date() - timedelta(days=1),
        time__gte=start,
    )
    days = ExcludedDay.objects.filter(day=start.date()).values_list("reason")
    filtered = days.annotate(number=Sum("hits")).order_by("-number", "reason")
    return HitsToday(
        stored=counted(stored),
        waiting=waiting(settings.SPOOL_DIR).hits,
        filtered=[(Reason(reason), number) for reason, number in filtered],
    )


def counted(events: QuerySet[Event]) -> int | None:
    try:
        return events.count()
    except OperationalError as error:
        if is_clickhouse_away(error):
            return None
        raise


def events_database(now: datetime) -> Sign:
    title = gettext("Visits and events in ClickHouse")
    try:
        with connections[EVENTS_DB_ALIAS].cursor() as cursor:
            cursor.execute("SELECT version()")
            [version] = cursor.fetchone()
            for table in TABLES:
                cursor.execute(f'SELECT 1 FROM "{table}" LIMIT 1')  # noqa: S608
    except OperationalError:
        advice = gettext("See whether it runs. Until then hits wait in the queue.")
        return Sign(title, gettext("does not answer"), State.BAD, advice)
    return Sign(title, gettext("answers, version %(version)s") % {"version": version})


def disk(now: datetime) -> Sign:
    usage = shutil.disk_usage(settings.DATA_DIR)
    text = gettext("%(free)s of %(total)s free") % {
        "free": filesizeformat(usage.free),
        "total": filesizeformat(usage.total),
    }
    title = gettext("Disk of DATA_DIR")
    advice = gettext("Make room, or move DATA_DIR: when it is full no hit can be kept.")
    if usage.free < NO_SPACE:
        return Sign(title, text, State.BAD, advice)
    return (
        Sign(title, text, State.WARNING, advice) if usage.free < LITTLE_SPACE else Sign(title, text)
    )


def rollups(now: datetime) -> Sign:
    """Days that are over, and whose figures are still read from their visits and events."""
    title, count = gettext("Rollups"), len(StaleDay.objects.due(now))
    if not count:
        return Sign(title, gettext("up to date"))
    text = ngettext("%(count)s day behind", "%(count)s days behind", count)
    value = text % {"count": f"{count:,}"}
    if count <= FEW_DAYS:
        return Sign(title, value)
    advice = gettext("The worker catches up by itself; manage.py rollup does it now.")
    return Sign(title, value, State.WARNING, advice)


def errors(now: datetime) -> Sign:
    recent = recent_errors()
    count = len(recent.errors)
    title = gettext("Errors in 24 hours")
    if not count:
        return Sign(title, gettext("none"))
    text = intcomma(count) if recent.all_kept else gettext("more than %(count)s") % {"count": count}
    return Sign(title, text, State.WARNING, gettext("The last ones are listed below."))


def places(now: datetime) -> Sign:
    title, file = gettext("Visitors’ places"), city_file()
    if file is None:
        if settings.GEOIP_URL:
            return Sign(title, gettext("asked of a web service"))
        advice = gettext("Download a city file: manage.py update_geoip.")
        return Sign(title, gettext("not known"), State.WARNING, advice)
    age = now - file.built
    text = gettext("%(kind)s, %(age)s old") % {
        "kind": file.kind,
        "age": timesince(file.built, now, depth=1),
    }
    if age > OLD_CITY_FILE:
        advice = gettext("Download a newer one: manage.py update_geoip.")
        return Sign(title, text, State.WARNING, advice)
    return Sign(title, text)


def city_file() -> CityFile | None:
    """What the file that visitors are located by says of itself; None without a usable one."""
    try:
        with maxminddb.open_database(settings.GEOIP_PATH) as reader:
            metadata = reader.metadata()
    except (OSError, ValueError, maxminddb.InvalidDatabaseError):
        return None
    return CityFile(metadata.database_type, datetime.fromtimestamp(metadata.build_epoch, UTC))
