"""How did a visit come about? Told by its first hit's URL (campaign tags) and referrer.

What a tag says goes before what a click id implies, and both before what the referrer tells;
only where a click id meets a referrer that is known (a YouTube advertisement has Google's) does
the referrer name the source.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import idna
from django.utils.translation import gettext_noop as _

from tracking.collector.hit import printable
from tracking.domains import is_host
from tracking.processing.sources import Kind, Source, directory

REMEMBERED = 5_000
MAX_QUERY = 4096

TAG_LENGTH, SOURCE_LENGTH, REFERRER_LENGTH = 255, 253, 2000


class Channel(StrEnum):
    """The closed set: Google Analytics' default channel groups, and AI assistants.

    “Paid” is what a medium like cpc, ppc or paid-social says, or a click id of an advertisement.
    """

    DIRECT = _("Direct")  # neither referrer nor tags
    ORGANIC_SEARCH = _("Organic Search")
    PAID_SEARCH = _("Paid Search")
    ORGANIC_SOCIAL = _("Organic Social")
    PAID_SOCIAL = _("Paid Social")
    ORGANIC_VIDEO = _("Organic Video")
    PAID_VIDEO = _("Paid Video")
    ORGANIC_SHOPPING = _("Organic Shopping")
    PAID_SHOPPING = _("Paid Shopping")
    AI_ASSISTANTS = _("AI Assistants")
    EMAIL = _("Email")
    DISPLAY = _("Display")
    AFFILIATES = _("Affiliates")
    AUDIO = _("Audio")
    SMS = _("SMS")
    PUSH = _("Push Notifications")
    PAID_OTHER = _("Paid Other")
    REFERRAL = _("Referral")  # a link on any other website
    CAMPAIGN = _("Other Campaigns")  # tags that none of the above understands


ORGANIC = {
    Kind.SEARCH: Channel.ORGANIC_SEARCH,
    Kind.SOCIAL: Channel.ORGANIC_SOCIAL,
    Kind.VIDEO: Channel.ORGANIC_VIDEO,
    Kind.SHOPPING: Channel.ORGANIC_SHOPPING,
    Kind.AI: Channel.AI_ASSISTANTS,
    Kind.EMAIL: Channel.EMAIL,
}
PAID = {
    Kind.SEARCH: Channel.PAID_SEARCH,
    Kind.SOCIAL: Channel.PAID_SOCIAL,
    Kind.VIDEO: Channel.PAID_VIDEO,
    Kind.SHOPPING: Channel.PAID_SHOPPING,
}
PAID_MEDIUM = re.compile(r".*cp.*|ppc|retargeting|paid.*")
SHOPPING_CAMPAIGN = re.compile(r"(?:[^a-df-z]|^)shop|shopping")
# Media that leave no doubt, whatever the source.
CLEAR_MEDIA = {
    **dict.fromkeys(("email", "e-mail", "e_mail", "e mail", "mail", "newsletter"), Channel.EMAIL),
    **dict.fromkeys(("display", "banner", "expandable", "interstitial", "cpm"), Channel.DISPLAY),
    **dict.fromkeys(("affiliate", "affiliates"), Channel.AFFILIATES),
    **dict.fromkeys(("audio", "podcast"), Channel.AUDIO),
    **dict.fromkeys(("push", "web-push", "notification"), Channel.PUSH),
    "sms": Channel.SMS,
}
# Media that say less than a known source does.
VAGUE_MEDIA = {
    "organic": Channel.ORGANIC_SEARCH,
    **dict.fromkeys(
        ("social", "social-network", "social-media", "social_media", "social network",
         "social media", "sm"), Channel.ORGANIC_SOCIAL
    ),
    "video": Channel.ORGANIC_VIDEO,
    **dict.fromkeys(("ai", "llm", "chatbot"), Channel.AI_ASSISTANTS),
    **dict.fromkeys(("referral", "app", "link"), Channel.REFERRAL),
}  # fmt: skip
NEWSLETTER = re.compile(r"newsletter|mailing|\be-?mail")


class Click(NamedTuple):
    """What a click id stands for; a medium only where it is on no other link."""

    source: Source
    medium: str = ""


GOOGLE = Source("Google", Kind.SEARCH)
# Parameters that advertisers, networks and mailers add to links.
CLICK_IDS = {
    "gclid": Click(GOOGLE, "cpc"),
    "gbraid": Click(GOOGLE, "cpc"),
    "wbraid": Click(GOOGLE, "cpc"),
    "dclid": Click(GOOGLE, "display"),
    "msclkid": Click(Source("Bing", Kind.SEARCH), "cpc"),
    "yclid": Click(Source("Yandex", Kind.SEARCH), "cpc"),
    "ttclid": Click(Source("TikTok", Kind.SOCIAL), "cpc"),
    "twclid": Click(Source("X (Twitter)", Kind.SOCIAL), "cpc"),
    "li_fat_id": Click(Source("LinkedIn", Kind.SOCIAL), "cpc"),
    "rdt_cid": Click(Source("Reddit", Kind.SOCIAL), "cpc"),
    "sccid": Click(Source("Snapchat", Kind.SOCIAL), "cpc"),
    "qclid": Click(Source("Quora", Kind.SOCIAL), "cpc"),
    "fbclid": Click(Source("Facebook", Kind.SOCIAL)),
    "igshid": Click(Source("Instagram", Kind.SOCIAL)),
    "igsh": Click(Source("Instagram", Kind.SOCIAL)),
    "mc_cid": Click(Source("Mailchimp", Kind.EMAIL), "email"),
    "mc_eid": Click(Source("Mailchimp", Kind.EMAIL), "email"),
}
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
PARAMETERS = {*UTM, "ref", "source", *CLICK_IDS}


@dataclass(frozen=True, slots=True)
class Acquisition:
    """`source` is as people say it, or a host name; `referrer` is host and path of a page.

    Text is as long as the visit's columns at most; empty where there is nothing to say.
    """

    channel: Channel = Channel.DIRECT
    source: str = ""
    referrer: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_term: str = ""
    utm_content: str = ""


DIRECT = Acquisition()


class Origin(NamedTuple):
    """A page that led here."""

    host: str = ""  # in ASCII
    page: str = ""
    source: Source | None = None


NO_ORIGIN = Origin()


@lru_cache(maxsize=REMEMBERED)
def acquisition(url: str, referrer: str, site_domain: str) -> Acquisition:
    """Never raises, whatever it is given. `site_domain` is in ASCII, as browsers send it."""
    origin = read_origin(referrer[: REFERRER_LENGTH + 100])
    if origin.host and is_internal(origin.host, url, site_domain):
        origin = NO_ORIGIN
    tags = read_tags(url)
    if not tags and not origin.host:
        return DIRECT  # most hits: a visit's second page and those after it
    click = next((CLICK_IDS[key] for key in tags if key in CLICK_IDS), None)
    word = tags.get("utm_source") or tags.get("ref") or tags.get("source") or ""
    if word:
        source = directory().called(word)
    else:
        source = origin.source or (click.source if click else None)
    name = source.name if source else word or readable(origin.host)
    return Acquisition(
        channel_of(tags, click, source, name),
        name.removeprefix("www.")[:SOURCE_LENGTH],
        origin.page,
        *(tags.get(key, "")[:TAG_LENGTH] for key in UTM),
    )


def channel_of(
    tags: Mapping[str, str], click: Click | None, source: Source | None, name: str
) -> Channel:
    medium = tags.get("utm_medium", "").lower()
    implied = click.medium if click else ""
    paid = implied == "cpc" or PAID_MEDIUM.fullmatch(medium)
    if paid and SHOPPING_CAMPAIGN.search(tags.get("utm_campaign", "").lower()):
        return Channel.PAID_SHOPPING
    if paid and source and source.kind in PAID:
        return PAID[source.kind]
    if channel := CLEAR_MEDIA.get(medium) or CLEAR_MEDIA.get(implied):
        return channel
    if paid:
        return Channel.PAID_OTHER
    if source:
        return ORGANIC[source.kind]
    if channel := VAGUE_MEDIA.get(medium):
        return channel
    if tags and NEWSLETTER.search(name.lower()):
        return Channel.EMAIL
    if any(key in tags for key in UTM):
        return Channel.CAMPAIGN
    return Channel.REFERRAL if name else Channel.DIRECT


def read_tags(url: str) -> dict[str, str]:
    """Those parameters of a URL that are known to tell something, keys in lower case."""
    query = url.partition("?")[2].partition("#")[0]
    tags: dict[str, str] = {}
    if query:
        for key, value in parse_qsl(query[:MAX_QUERY]):
            if (key := key.lower()) in PARAMETERS and (value := printable(value)):
                tags.setdefault(key, value)
    return tags


@lru_cache(maxsize=REMEMBERED)
def read_origin(url: str) -> Origin:
    """The page of a referrer without its query, which may hold anything; only of the web, or
    an Android app."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        host = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except (ValueError, idna.IDNAError):
        return NO_ORIGIN
    if parts.scheme not in {"http", "https", "android-app"} or not is_host(host):
        return NO_ORIGIN
    path = "" if parts.path == "/" else printable(parts.path)
    return Origin(
        host,
        f"{readable(host)}{path}"[:REFERRER_LENGTH],
        directory().at(host, path),
    )


def is_internal(host: str, url: str, site_domain: str) -> bool:
    """Does a referrer's host belong to the site, or to the very host that was visited?"""
    host, domain = host.removeprefix("www."), site_domain.removeprefix("www.")
    if host == domain or host.endswith(f".{domain}"):
        return True
    return host == read_origin(url.partition("?")[0][:REFERRER_LENGTH]).host.removeprefix("www.")


def readable(host: str) -> str:
    """`xn--bcher-kva.example` → `bücher.example`."""
    if "xn--" not in host:
        return host
    try:
        return idna.decode(host)
    except (ValueError, idna.IDNAError):
        return host
