"""What was not counted, by reason; and which crawlers came for what."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.db.models import Count, Max, Sum

from tracking.models import CrawlerDay, ExcludedDay, Reason, Site


@dataclass(frozen=True)
class ReasonCount:
    """How many hits a reason kept from being counted; `beyond` are too many to be kept, too."""

    reason: Reason
    hits: int
    beyond: int
    share: float  # of the hits that were not counted
    width: float  # of the bar, in percent


def reasons(site: Site, first: date, last: date) -> list[ReasonCount]:
    """The reasons of these days, the most frequent first."""
    rows = (
        ExcludedDay.objects.filter(site=site, day__range=(first, last))
        .values("reason")
        .annotate(all_hits=Sum("hits"), all_kept=Sum("kept"))
    )
    found = {Reason(row["reason"]): (row["all_hits"], row["all_kept"]) for row in rows}
    total = sum(hits for hits, _ in found.values())
    greatest = max((hits for hits, _ in found.values()), default=0)
    return [
        ReasonCount(
            reason,
            hits,
            beyond=hits - kept if reason.is_kept else 0,
            share=hits / total,
            width=round(100 * hits / greatest, 1),
        )
        for reason, (hits, kept) in sorted(found.items(), key=lambda item: (-item[1][0], item[0]))
        if hits
    ]


@dataclass(frozen=True)
class CrawlerRow:
    """A crawler, or a page that one asked for.

    `name` is empty where a crawler tells none, and for pages beyond those that are noted.
    """

    name: str
    hits: int
    last: datetime
    width: float  # of the bar, in percent
    is_ai: bool = False
    pages: int = 0


def crawlers(site: Site, first: date, last: date, *, is_ai: bool | None = None) -> list[CrawlerRow]:
    """Who came, the most frequent first."""
    rows = CrawlerDay.objects.filter(site=site, day__range=(first, last))
    if is_ai is not None:
        rows = rows.filter(is_ai=is_ai)
    found = rows.values_list("crawler", "is_ai").annotate(
        all_hits=Sum("hits"), latest=Max("last"), pages=Count("page", distinct=True)
    )
    return with_bars(
        CrawlerRow(name, hits, latest, 0, is_ai, pages)
        for name, is_ai, hits, latest, pages in found
    )


def pages_of(site: Site, first: date, last: date, crawler: str) -> list[CrawlerRow]:
    """What a crawler asked for, the most frequent first."""
    rows = CrawlerDay.objects.filter(site=site, day__range=(first, last), crawler=crawler)
    found = rows.values_list("page").annotate(all_hits=Sum("hits"), latest=Max("last"))
    return with_bars(CrawlerRow(page, hits, latest, 0) for page, hits, latest in found)


def with_bars(rows: Iterable[CrawlerRow]) -> list[CrawlerRow]:
    ordered = sorted(rows, key=lambda row: (-row.hits, row.name))
    return [replace(row, width=round(100 * row.hits / ordered[0].hits, 1)) for row in ordered]
