"""What the demo's visitors are made of: where they are, what they use, what led them to the site
and what they read there. Each table gives values with their weights."""

import csv
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from tracking.processing.acquisition import Acquisition, acquisition
from tracking.processing.geodata import Geodata
from tracking.processing.user_agent import UserAgent, parse

PAGES = {
    "/": 30,
    "/features": 9,
    "/pricing": 9,
    "/docs/": 8,
    "/docs/getting-started": 8,
    "/docs/install": 6,
    "/docs/api": 4,
    "/docs/faq": 2,
    "/download": 6,
    "/blog/": 4,
    "/blog/five-years-without-cookies": 5,
    "/blog/postgres-in-anger": 4,
    "/blog/what-we-learned-from-10000-visitors": 3,
    "/blog/a-small-team-a-long-roadmap": 2,
    "/blog/version-3-is-here": 2,
    "/changelog": 2,
    "/customers": 2,
    "/about": 2,
    "/contact": 1.5,
    "/login": 3,
    "/jobs": 0.8,
    "/privacy": 0.5,
    "/imprint": 0.3,
}

# What people do on a page besides reading it: event and its probability.
ACTIONS = {
    "/pricing": ("Signup", 0.12),
    "/download": ("Download", 0.4),
    "/contact": ("Contact form", 0.2),
    "/blog/five-years-without-cookies": ("Newsletter", 0.05),
    "/blog/version-3-is-here": ("Newsletter", 0.08),
}

# What is told of an event: a name with its values and their weights.
PROPS = {
    "Signup": ("plan", {"Free": 14, "Team": 5, "Business": 1}),
    "Download": ("platform", {"Linux": 8, "macOS": 5, "Windows": 7}),
    "Newsletter": ("form", {"footer": 2, "article": 5}),
}
PRICES = {"Team": Decimal("49.00"), "Business": Decimal("199.00")}  # by plan, in euros

PAGEVIEWS = {1: 48, 2: 19, 3: 12, 4: 8, 5: 5, 6: 4, 8: 3, 11: 1.5, 16: 0.5}

HOME = {"/": 8, "/features": 1, "/pricing": 1}
READING = {page: weight for page, weight in PAGES.items() if page.startswith(("/docs/", "/blog/"))}
SEARCHED = {"/": 12, **READING}
STORY = {"/blog/five-years-without-cookies": 8, "/blog/postgres-in-anger": 3, "/": 2}
LANDING = {"/pricing": 5, "/features": 4, "/": 2}
RELEASE = {"/blog/version-3-is-here": 6, "/changelog": 2, "/": 1}


class Way(NamedTuple):
    """A way to the site: tags of the link, the page that has it, and where it leads to."""

    weight: float
    tags: str
    referrer: str
    entries: Mapping[str, float]  # page → weight

    def acquisition(self, domain: str) -> Acquisition:
        return acquisition(f"https://{domain}/?{self.tags}", self.referrer, domain)


WAYS = [
    Way(300, "", "", HOME | READING),
    Way(260, "", "https://www.google.com/", SEARCHED),
    Way(25, "", "https://www.google.de/", SEARCHED),
    Way(28, "", "https://www.bing.com/", SEARCHED),
    Way(24, "", "https://duckduckgo.com/", SEARCHED),
    Way(6, "", "https://search.brave.com/", SEARCHED),
    Way(6, "", "https://www.ecosia.org/", SEARCHED),
    Way(4, "", "https://yandex.ru/", SEARCHED),
    Way(5, "", "https://search.yahoo.com/", SEARCHED),
    Way(30, "utm_source=chatgpt.com", "https://chatgpt.com/", READING),
    Way(9, "", "https://www.perplexity.ai/", READING),
    Way(8, "", "https://claude.ai/", READING),
    Way(5, "", "https://gemini.google.com/", READING),
    Way(55, "", "https://news.ycombinator.com/", STORY),
    Way(22, "", "https://t.co/x7Kq2", STORY),
    Way(26, "", "https://www.reddit.com/r/selfhosted/", STORY),
    Way(6, "", "android-app://com.reddit.frontpage/", STORY),
    Way(18, "", "https://www.linkedin.com/", STORY),
    Way(10, "", "https://l.facebook.com/", HOME),
    Way(9, "", "https://fosstodon.org/", STORY),
    Way(7, "", "https://bsky.app/", STORY),
    Way(12, "", "https://www.youtube.com/", HOME),
    Way(34, "", "https://github.com/awesome-selfhosted/awesome-selfhosted", HOME),
    Way(6, "", "https://lobste.rs/", STORY),
    Way(8, "", "https://www.djangoproject.com/", HOME),
    Way(12, "", "https://alternativeto.net/software/demo/", HOME),
    Way(5, "", "https://mail.google.com/", HOME),
    Way(14, "ref=producthunt", "https://www.producthunt.com/", LANDING),
    Way(45, "utm_source=newsletter&utm_medium=email&utm_campaign=version-3", "", RELEASE),
    Way(
        32,
        "utm_source=google&utm_medium=cpc&utm_campaign=brand&utm_term=web+analytics&gclid=x",
        "https://www.google.com/",
        LANDING,
    ),
    Way(
        13,
        "utm_source=linkedin&utm_medium=paid-social&utm_campaign=version-3&utm_content=video",
        "https://www.linkedin.com/",
        LANDING,
    ),
    Way(9, "utm_source=devweekly&utm_medium=sponsor&utm_campaign=version-3", "", LANDING),
]

BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
WINDOWS, LINUX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "Mozilla/5.0 (X11; Linux x86_64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X)"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K)"

USER_AGENTS = {
    f"{WINDOWS} {BLINK} Chrome/153.0.0.0 Safari/537.36": 170,
    f"{WINDOWS} {BLINK} Chrome/152.0.0.0 Safari/537.36": 50,
    f"{WINDOWS} {BLINK} Chrome/153.0.0.0 Safari/537.36 Edg/153.0.0.0": 62,
    f"{WINDOWS} {BLINK} Chrome/151.0.0.0 Safari/537.36 OPR/135.0.0.0": 12,
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:156.0) Gecko/20100101 Firefox/156.0": 36,
    "Mozilla/5.0 (Windows NT 6.1; Win64; x64; rv:115.0) Gecko/20100101 Firefox/115.0": 2,
    f"{MAC} {BLINK} Chrome/153.0.0.0 Safari/537.36": 90,
    f"{MAC} {WEBKIT} Version/26.6 Safari/605.1.15": 62,
    f"{MAC} {WEBKIT} Version/18.6 Safari/605.1.15": 12,
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:156.0) Gecko/20100101 Firefox/156.0": 18,
    f"{LINUX} {BLINK} Chrome/153.0.0.0 Safari/537.36": 26,
    "Mozilla/5.0 (X11; Linux x86_64; rv:156.0) Gecko/20100101 Firefox/156.0": 28,
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {BLINK} Chrome/152.0.0.0 Safari/537.36": 7,
    f"{IPHONE} {WEBKIT} Version/26.6 Mobile/15E148 Safari/604.1": 150,
    f"{IPHONE} {WEBKIT} Version/18.7 Mobile/15E148 Safari/604.1": 36,
    f"{IPHONE} {WEBKIT} CriOS/153.0.8010.24 Mobile/15E148 Safari/604.1": 18,
    f"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) {WEBKIT} Version/18.6 Mobile/15E148 "
    "Safari/604.1": 12,
    f"{ANDROID} {BLINK} Chrome/153.0.0.0 Mobile Safari/537.36": 145,
    f"{ANDROID} {BLINK} Chrome/150.0.0.0 Mobile Safari/537.36": 26,
    f"{ANDROID} {BLINK} SamsungBrowser/30.0 Chrome/143.0.0.0 Mobile Safari/537.36": 22,
    "Mozilla/5.0 (Android 15; Mobile; rv:156.0) Gecko/156.0 Firefox/156.0": 9,
    f"Mozilla/5.0 (Linux; Android 14; SM-X710) {BLINK} Chrome/153.0.0.0 Safari/537.36": 10,
    f"Mozilla/5.0 (Web0S; Linux/SmartTV) {BLINK} Chrome/94.0.4606.128 Safari/537.36": 1,
}

# From midnight on, by the clock of the site; the days from Monday on.
HOURS = (
    25, 16, 11, 9, 9, 13, 28, 52, 88, 112, 122, 124, 112, 118, 124, 122, 116, 108, 104, 106, 108,
    100, 76, 46,
)  # fmt: skip
WEEKDAYS = (1.0, 1.06, 1.05, 1.02, 0.92, 0.6, 0.66)


SCREENS = {
    "Desktop": {"1920x1080": 40, "1440x900": 14, "1536x864": 16, "2560x1440": 14, "1728x1117": 9},
    "Mobile": {"390x844": 22, "393x873": 18, "412x915": 20, "360x800": 16, "430x932": 10},
    "Tablet": {"820x1180": 5, "800x1280": 4, "1024x1366": 2},
    "TV": {"1920x1080": 1},
}
# Of most browsers in a country; elsewhere people read English.
LANGUAGES = {
    "AT": "de-AT", "AU": "en-AU", "BR": "pt-BR", "CA": "en-CA", "CH": "de-CH", "CN": "zh-CN",
    "CZ": "cs-CZ", "DE": "de-DE", "DK": "da-DK", "ES": "es-ES", "FI": "fi-FI", "FR": "fr-FR",
    "GB": "en-GB", "IT": "it-IT", "JP": "ja-JP", "KR": "ko-KR", "MX": "es-MX", "NL": "nl-NL",
    "NO": "nb-NO", "PL": "pl-PL", "PT": "pt-PT", "RU": "ru-RU", "SE": "sv-SE", "TR": "tr-TR",
}  # fmt: skip
READS_ENGLISH = 0.12  # the share of the others there


def title(page: str) -> str:
    """“Getting started · Docs”: what stands on the tab of a page."""
    parts = [part.replace("-", " ").capitalize() for part in page.split("/") if part]
    return " · ".join(reversed(parts)) or "Home"


def places() -> dict[Geodata, float]:
    with Path(__file__).with_name("cities.csv").open(encoding="utf-8") as file:
        return {
            Geodata(
                row["city"],
                row["postal_code"],
                row["region"],
                row["country"],
                Decimal(row["latitude"]),
                Decimal(row["longitude"]),
            ): float(row["weight"])
            for row in csv.DictReader(file)
        }


def user_agents() -> dict[UserAgent, float]:
    return {parse(text): weight for text, weight in USER_AGENTS.items()}
