"""What becomes of hits that are not counted: their number is kept, and for some days they are.

Both are written in the transaction that stores the batch: it is as exact as what is counted.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from django.db import connection, models
from django.db.models import Count

from tracking.collector.hit import Hit
from tracking.models import CrawlerDay, ExcludedDay, ExcludedHit, Reason, Site
from tracking.processing import store
from tracking.processing.arrivals import MAX_TEXT, Arrival
from tracking.processing.geodata import Geodata
from tracking.processing.store import bare
from tracking.processing.visitor import QUARTER, day_of

DAYS_KEPT = 7
DAYS_OF_CRAWLERS = 400
# Of a site, a day and a reason; further ones are only counted. A flood must not fill the disk.
MAX_KEPT = 5_000
# Of a site and a day; what crawlers ask for beyond is counted without the page.
MAX_CRAWLER_PAGES = 1_000
MAX_PAGE = 500

Cell = tuple[int, date, Reason]  # of a table of counts: site, day, reason
CrawlerKey = tuple[int, date, str, bool, str]  # site, day, crawler, whether of AI, page


class KeptArrival(msgspec.Struct):
    """The hit without its address, and what could not be found out again without that."""

    hit: Hit
    hostname: str
    page: str
    geodata: Geodata
    visitor_ids: tuple[tuple[date, int], tuple[date, int]]


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(KeptArrival).decode


def cell_of(arrival: Arrival) -> Cell:
    assert arrival.reason is not None  # noqa: S101
    site, moment = arrival.site, arrival.hit.time.timestamp()
    return site.pk, day_of(site.time_zone, int(moment) // QUARTER), arrival.reason


def to_keep(excluded: Collection[Arrival]) -> list[Arrival]:
    """Those for which there is room."""
    cells = {cell_of(arrival) for arrival in excluded}
    if not cells:
        return []
    found = ExcludedDay.objects.filter(
        site__in={site for site, _, _ in cells}, day__in={day for _, day, _ in cells}
    )
    kept: Counter[Cell] = Counter()
    for site, day, reason, number in found.values_list("site_id", "day", "reason", "kept"):
        kept[site, day, Reason(reason)] = number
    chosen = []
    for arrival in excluded:
        cell = cell_of(arrival)
        if cell[2].is_kept and kept[cell] < MAX_KEPT:
            kept[cell] += 1
            chosen.append(arrival)
    return chosen


def note(excluded: Iterable[Arrival], kept: Iterable[Arrival], sites: Collection[int]) -> None:
    """Count the excluded hits of these sites, and keep those that shall be."""
    hits = Counter(cell_of(arrival) for arrival in excluded if arrival.site.pk in sites)
    rows = [excluded_hit(arrival) for arrival in kept if arrival.site.pk in sites]
    kept_of = Counter((row.site_id, row.day, row.reason) for row in rows)
    store.insert(ExcludedHit, rows)
    add(
        ExcludedDay,
        ("site_id", "day", "reason"),
        ("hits", "kept"),
        [(*cell, number, kept_of[cell]) for cell, number in sorted(hits.items())],
    )
    note_crawlers([one for one in excluded if one.site.pk in sites and is_crawler(one)])


def excluded_hit(arrival: Arrival) -> ExcludedHit:
    hit, agent = arrival.hit, arrival.user_agent
    hit.ip = ""
    kept = KeptArrival(hit, arrival.hostname, arrival.page, arrival.geodata, arrival.visitor_ids)
    return bare(
        ExcludedHit,
        id=arrival.id,
        site_id=arrival.site.pk,
        day=arrival.day,
        time=hit.time,
        reason=arrival.reason,
        rule=arrival.rule[:500],
        page=arrival.page or hit.url[:MAX_TEXT],
        name=hit.name,
        source=arrival.acquisition.source,
        country=arrival.geodata.country,
        browser=agent.browser,
        os=agent.os,
        device=agent.device,
        user_agent=hit.user_agent[:1000],
        arrival=encode(kept),
    )


# Crawlers


def is_crawler(arrival: Arrival) -> bool:
    return arrival.reason in (Reason.AI_CRAWLER, Reason.BOT)


def note_crawlers(arrivals: Sequence[Arrival]) -> None:
    """Count which crawler asked for which page, and when last."""
    hits: Counter[CrawlerKey] = Counter()
    last: dict[CrawlerKey, datetime] = {}
    for arrival in arrivals:
        site, day, reason = cell_of(arrival)
        key = (site, day, arrival.rule, reason is Reason.AI_CRAWLER, arrival.page[:MAX_PAGE])
        hits[key] += 1
        last[key] = max(last.get(key, arrival.hit.time), arrival.hit.time)
    for key in too_many_pages(hits):
        rest = (*key[:4], "")
        hits[rest] += hits.pop(key)
        last[rest] = max(last.get(rest, last[key]), last[key])
    add(
        CrawlerDay,
        ("site_id", "day", "crawler", "is_ai", "page"),
        ("hits",),
        [(*key, number, last[key]) for key, number in sorted(hits.items())],
        latest="last",
    )


def too_many_pages(keys: Collection[CrawlerKey]) -> list[CrawlerKey]:
    """Those of which a new row would be one too many for its site and day."""
    if not keys:
        return []
    new: defaultdict[tuple[int, date], list[CrawlerKey]] = defaultdict(list)
    for key in keys:
        if key[4]:
            new[key[:2]].append(key)
    rows = CrawlerDay.objects.filter(
        site__in={site for site, _ in new}, day__in={day for _, day in new}
    )
    noted = {
        (site, day): number
        for site, day, number in rows.values_list("site", "day").annotate(number=Count("pk"))
    }
    excess = []
    for (site, day), asked in new.items():
        room = MAX_CRAWLER_PAGES - noted.get((site, day), 0)
        if len(asked) > room:
            here = rows.filter(site=site, day=day).values_list("crawler", "is_ai", "page")
            known = set(here)
            excess += [key for key in asked if key[2:] not in known][max(0, room) :]
    return excess


# Tables of counts


def add(
    model: type[models.Model],
    keys: Sequence[str],
    counts: Sequence[str],
    rows: Sequence[Sequence[Any]],
    latest: str = "",
) -> None:
    """Add to the counts of these rows, which begin at nothing.

    By one statement a row, in the order of the rows: two hosts can do it at once, and neither
    waits for the other for ever.
    """
    if not rows:
        return
    quote, table = connection.ops.quote_name, connection.ops.quote_name(model._meta.db_table)
    columns = [*keys, *counts, *([latest] if latest else [])]
    changes = [f"{quote(name)} = {table}.{quote(name)} + excluded.{quote(name)}" for name in counts]
    if latest:
        old, new = f"{table}.{quote(latest)}", f"excluded.{quote(latest)}"
        changes.append(f"{quote(latest)} = CASE WHEN {new} > {old} THEN {new} ELSE {old} END")
    sql = (
        f"INSERT INTO {table} ({', '.join(map(quote, columns))}) "  # noqa: S608
        f"VALUES ({', '.join(['%s'] * len(columns))}) "
        f"ON CONFLICT ({', '.join(map(quote, keys))}) DO UPDATE SET {', '.join(changes)}"
    )
    by_column = {field.column: field for field in model._meta.concrete_fields}
    fields = [by_column[name] for name in columns]
    with connection.cursor() as cursor:
        cursor.executemany(
            sql,
            [
                [
                    field.get_db_prep_save(value, connection)
                    for field, value in zip(fields, row, strict=True)
                ]
                for row in rows
            ],
        )


def forget_old(now: datetime) -> None:
    """Hits are kept for a week, what crawlers did for somewhat more than a year."""
    sites = Site.objects.order_by()
    ExcludedHit.objects.filter(site__in=sites, time__lt=now - timedelta(days=DAYS_KEPT)).delete()
    first = now.date() - timedelta(days=DAYS_OF_CRAWLERS)
    CrawlerDay.objects.filter(site__in=sites, day__lt=first).delete()
