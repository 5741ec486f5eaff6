"""Hits that were not counted are counted after all, or forgotten.

A restored hit goes where it would have gone: to its visitor, whose ids were made while the
address was known, on its own day, into the visit that was within reach.
"""

from collections import Counter
from datetime import date

from django.db import transaction
from django.db.models import F, QuerySet

from tracking.models import CrawlerDay, ExcludedDay, ExcludedHit, Label, Reason, Site
from tracking.processing import excluded
from tracking.processing.acquisition import acquisition
from tracking.processing.arrivals import Arrival
from tracking.processing.open_visits import stored_visits
from tracking.processing.rules import rules_of
from tracking.processing.sessions import sessionize
from tracking.processing.user_agent import parse

AT_ONCE = 2_000


def restore(site: Site, hits: QuerySet[ExcludedHit]) -> int:
    """Count these hits after all, those that can be; returns how many there were."""
    restorable = hits.filter(
        site=site, reason__in=[reason for reason in Reason if reason.is_restorable]
    ).order_by("time", "pk")
    restored = 0
    while some := list(restorable[:AT_ONCE]):
        restored += restore_some(site, some)
    return restored


def restore_some(site: Site, hits: list[ExcludedHit]) -> int:
    arrivals = [arrival_of(site, hit) for hit in hits]
    labels = Label.objects.ids(text for arrival in arrivals for text in arrival.texts())
    for arrival in arrivals:
        arrival.labels = labels
    stored = stored_visits()
    stored.reopen(arrivals)
    with transaction.atomic():
        Site.objects.lock(site.pk)  # no worker shall look for the same visits meanwhile
        kept = ExcludedHit.objects.filter(pk__in=[hit.pk for hit in hits]).select_for_update()
        here = {hit.pk: hit for hit in kept.defer("arrival")}  # somebody may have been faster
        restored = [one for one in arrivals if one.id in here]
        sessions = sessionize(restored, stored)
        stored.save(restored, sessions)
        uncount(site, list(here.values()))
        excluded.note(sessions.unplaced, (), {site.pk})
        ExcludedHit.objects.filter(pk__in=here).delete()
    return len(here)


def arrival_of(site: Site, hit: ExcludedHit) -> Arrival:
    """What the steps of the worker made of it, but for its reason."""
    kept = excluded.decode(hit.arrival)
    arrival = Arrival(hit.pk, kept.hit, site, kept.hostname, kept.page, rules_of(site))
    arrival.user_agent = parse(kept.hit.user_agent)
    arrival.geodata = kept.geodata
    arrival.acquisition = acquisition(kept.hit.url, kept.hit.referrer, site.ascii_domain)
    arrival.day = hit.day
    arrival.visitor_ids = kept.visitor_ids
    return arrival


def uncount(site: Site, hits: list[ExcludedHit]) -> None:
    """What is counted is no longer among what is not."""
    days = Counter[tuple[date, str]]((hit.day, hit.reason) for hit in hits)
    for (day, reason), number in days.items():
        ExcludedDay.objects.filter(site=site, day=day, reason=reason).update(
            hits=F("hits") - number, kept=F("kept") - number
        )
    ExcludedDay.objects.filter(site=site, hits=0).delete()
    pages = Counter(
        (hit.day, hit.rule, hit.reason == Reason.AI_CRAWLER, hit.page[: excluded.MAX_PAGE])
        for hit in hits
        if hit.reason in (Reason.AI_CRAWLER, Reason.BOT)
    )
    for (day, crawler, is_ai, page), number in pages.items():
        CrawlerDay.objects.filter(
            site=site, day=day, crawler=crawler, is_ai=is_ai, page=page, hits__gte=number
        ).update(hits=F("hits") - number)
    CrawlerDay.objects.filter(site=site, hits=0).delete()
