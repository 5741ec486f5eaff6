"""A site's exclusions, made ready for being asked a thousand times a second."""

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from tracking.models import Site
from tracking.rules.hosts import Hosts
from tracking.rules.lines import entries
from tracking.rules.networks import Networks
from tracking.rules.paths import Paths

SPAMMERS = Path(__file__).parent / "data" / "referrer-spammers.txt"
REMEMBERED = 1_000  # sites


@dataclass(frozen=True, slots=True)
class Rules:
    ips: Networks
    paths: Paths
    countries: frozenset[str]
    referrers: Hosts
    known_spammers: Hosts
    allowed_hosts: Hosts
    honours_do_not_track: bool
    excludes_datacentres: bool
    hits_a_minute: int | None


def rules_of(site: Site) -> Rules:
    """Made anew only when the site has others than before."""
    return compiled(
        site.excluded_ips,
        site.excluded_paths,
        site.excluded_countries,
        site.excluded_referrers,
        site.excludes_spam,
        site.allowed_hosts,
        site.honours_do_not_track,
        site.excludes_datacentres,
        site.hits_a_minute,
    )


@lru_cache(maxsize=REMEMBERED)
def compiled(
    ips: str,
    paths: str,
    countries: str,
    referrers: str,
    excludes_spam: bool,
    allowed_hosts: str,
    honours_do_not_track: bool,
    excludes_datacentres: bool,
    hits_a_minute: int | None,
) -> Rules:
    return Rules(
        ips=Networks(entries(ips)),
        paths=Paths(entries(paths)),
        countries=frozenset(entries(countries)),
        referrers=Hosts(entries(referrers), with_subdomains=True),
        known_spammers=known_spammers() if excludes_spam else Hosts(),
        allowed_hosts=Hosts(entries(allowed_hosts)),
        honours_do_not_track=honours_do_not_track,
        excludes_datacentres=excludes_datacentres,
        hits_a_minute=hits_a_minute,
    )


@cache
def known_spammers() -> Hosts:
    return Hosts(SPAMMERS.read_text(encoding="utf-8").split(), with_subdomains=True)
