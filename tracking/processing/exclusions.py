"""Which hits are not counted, and why not: each step answers with its reason, or with None.

They stand in the list of the worker, in its order. What a hit met of a list (a network, a path,
the name of a crawler) is noted in `arrival.rule`.
"""

from collections import Counter
from datetime import datetime

from tracking.collector.hit import DO_NOT_TRACK, GLOBAL_PRIVACY_CONTROL, OPTED_OUT
from tracking.models import Reason
from tracking.processing.acquisition import read_origin
from tracking.processing.arrivals import Arrival
from tracking.processing.crawlers import crawler
from tracking.processing.datacentres import datacentre

# A network as small as this would tell an address nearly as well as the address itself.
MOST_OF_AN_ADDRESS = ("/25", "/26", "/27", "/28", "/29", "/30", "/31")
MAX_REFERRER = 2100


# By which a visitor has asked not to be tracked.
HEADERS = {DO_NOT_TRACK: "DNT: 1", GLOBAL_PRIVACY_CONTROL: "Sec-GPC: 1"}


def paused(arrival: Arrival) -> Reason | None:
    return Reason.PAUSED if arrival.site.is_paused else None


def invalid(arrival: Arrival) -> Reason | None:
    return None if arrival.hit.url and arrival.page else Reason.INVALID


def opted_out(arrival: Arrival) -> Reason | None:
    return Reason.OPTED_OUT if arrival.hit.objection == OPTED_OUT else None


def asked_not_to_be_tracked(arrival: Arrival) -> Reason | None:
    if arrival.hit.objection and arrival.rules.honours_do_not_track:
        arrival.rule = HEADERS[arrival.hit.objection]
        return Reason.DO_NOT_TRACK
    return None


def prefetched(arrival: Arrival) -> Reason | None:
    return Reason.PREFETCH if arrival.hit.prefetch else None


def sent_by_a_program(arrival: Arrival) -> Reason | None:
    found = crawler(arrival.hit.user_agent)
    if found is None:
        return Reason.BOT if arrival.hit.automated else None
    arrival.rule = found.name
    return Reason.AI_CRAWLER if found.is_ai else Reason.BOT


def from_an_excluded_ip(arrival: Arrival) -> Reason | None:
    networks = arrival.rules.ips
    if not networks or (network := networks.find(arrival.hit.ip)) is None:
        return None
    if "/" in network and not network.endswith(MOST_OF_AN_ADDRESS):
        arrival.rule = network
    return Reason.IP


def from_a_datacentre(arrival: Arrival) -> Reason | None:
    if arrival.rules.excludes_datacentres and (found := datacentre(arrival.hit.ip)):
        arrival.rule = found
        return Reason.DATACENTRE
    return None


def on_a_host_not_allowed(arrival: Arrival) -> Reason | None:
    """A mere path names no host; its sender is taken at their word."""
    hosts, host = arrival.rules.allowed_hosts, arrival.hostname
    if hosts and host and hosts.find(host) is None:
        arrival.rule = host
        return Reason.HOST
    return None


def of_an_excluded_page(arrival: Arrival) -> Reason | None:
    if path := arrival.rules.paths.find(arrival.page):
        arrival.rule = path
        return Reason.PATH
    return None


def sent_by_spam(arrival: Arrival) -> Reason | None:
    if not arrival.hit.referrer:
        return None
    rules, host = arrival.rules, read_origin(arrival.hit.referrer[:MAX_REFERRER]).host
    if spammer := rules.referrers.find(host) or rules.known_spammers.find(host):
        arrival.rule = spammer
        return Reason.SPAM
    return None


def from_an_excluded_country(arrival: Arrival) -> Reason | None:
    country = arrival.geodata.country
    if country in arrival.rules.countries:
        arrival.rule = country
        return Reason.COUNTRY
    return None


class RateLimit:
    """Counts the hits of each visitor by the minutes of the clock, in the memory of one worker.

    A batch that is not stored is processed again: its hits count once it is, see `keep`.
    """

    MINUTES_REMEMBERED = 2

    def __init__(self) -> None:
        self._minutes: dict[int, Counter[int]] = {}
        self._batch: dict[tuple[int, int], int] = {}

    def begin(self) -> None:
        self._batch.clear()

    def exceeded(self, arrival: Arrival) -> Reason | None:
        limit = arrival.rules.hits_a_minute
        if limit is None:
            return None
        minute, visitor = key = minute_of(arrival.hit.time), arrival.visitor_ids[0][1]
        self._batch[key] = hits = self._batch.get(key, 0) + 1
        if before := self._minutes.get(minute):
            hits += before[visitor]
        return Reason.RATE_LIMIT if hits > limit else None

    def keep(self) -> None:
        for (minute, visitor), hits in self._batch.items():
            self._minutes.setdefault(minute, Counter())[visitor] += hits
        self._batch.clear()
        for minute in sorted(self._minutes)[: -self.MINUTES_REMEMBERED]:
            del self._minutes[minute]


def minute_of(moment: datetime) -> int:
    return int(moment.timestamp()) // 60
