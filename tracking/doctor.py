"""What keeps pages from being counted? Looks at what only shows when it is tried: the server
through its proxies, a page with the snippet, the clocks, the mail server.

`tracking.health` looks at the machinery itself; the command `doctor` shows both.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from ipaddress import ip_address
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import requests
from django.conf import settings
from django.core.mail import get_connection
from django.db import connection
from django.utils import timezone
from django.utils.timesince import timesince

from tracking.collector.receivers import door_at, own
from tracking.content_policy import Policy, forbidden
from tracking.health import Sign, State
from tracking.models import Site
from tracking.reporting.overview import last_events
from tracking.snippet import Snippet

SECONDS_OF_PATIENCE = 5
MAX_PAGE_BYTES = 2 << 20
MAX_SITES = 50
QUIET = timedelta(days=1)
MAX_DRIFT = timedelta(seconds=5)
# Addresses that belong to nobody, as somebody would invent them who wants to be someone else.
INVENTED = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
AGENT = {"User-Agent": "Mozilla/5.0 (compatible; tracking doctor)"}


def examine(sites: Iterable[Site], page: str = "") -> Iterator[Sign]:
    chosen = list(sites)
    yield server()
    yield from (last_event(site) for site in chosen[:MAX_SITES])
    if len(chosen) > MAX_SITES:
        text = "%(count)s more sites were not looked at"
        more = {"count": len(chosen) - MAX_SITES}
        advice = "Ask for one of them: --site example.com"
        yield Sign("Sites", text % more, State.WARNING, advice)
    yield clock()
    yield zones(chosen)
    yield mail()
    if page:
        yield from page_signs(page, chosen)


# The server, as a visitor reaches it


def server() -> Sign:
    """How many proxies are there, and whose address does the server see?"""
    title, url = "Server", f"{settings.BASE_URL}/api/event"
    try:
        answer = requests.post(
            url,
            data="{}",
            headers=AGENT | {"X-Debug-Request": "true", "X-Forwarded-For": ", ".join(INVENTED)},
            timeout=SECONDS_OF_PATIENCE,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        text = "%(url)s cannot be reached: %(error)s"
        advice = "Start it, or correct BASE_URL or the proxy before it."
        about = {"url": settings.BASE_URL, "error": type(error).__name__}
        return Sign(title, text % about, State.BAD, advice)
    if answer.status_code != 200:
        text = "%(url)s answers %(status)s"
        advice = "Let the proxy pass every path and method on to this server."
        return Sign(title, text % {"url": url, "status": answer.status_code}, State.BAD, advice)
    return seen(title, answer.text.strip())


def seen(title: str, address: str) -> Sign:
    """A judgement of the address that the server took for this machine's."""
    trusted = settings.TRUSTED_PROXIES
    known = {"url": settings.BASE_URL, "count": trusted, "ip": address}
    text = "{url}, {count} trusted proxies, sees this machine as {ip}".format(**known)
    if address in INVENTED:
        real = trusted - (len(INVENTED) - INVENTED.index(address))
        advice = "Visitors can invent their address. Set TRUSTED_PROXIES=%(count)s"
        return Sign(title, text, State.BAD, advice % {"count": real})
    if not trusted and settings.BASE_URL.startswith("https:"):
        advice = (
            "HTTPS is the work of a proxy, and all visitors have its address. "
            "Set TRUSTED_PROXIES to the number of your proxies."
        )
        return Sign(title, text, State.BAD, advice)
    if is_private(address) and not is_private(urlsplit(settings.BASE_URL).hostname or ""):
        advice = (
            "That is an address of a private network. If a proxy has it, raise TRUSTED_PROXIES."
        )
        return Sign(title, text, State.WARNING, advice)
    return Sign(title, text)


def is_private(host: str) -> bool:
    try:
        return ip_address(host).is_private
    except ValueError:
        return host == "localhost"


# Sites


def last_event(site: Site) -> Sign:
    title, now = (f"Site {site.domain}"), timezone.now()
    moment = last_events([site]).get(site.pk)
    if moment is None:
        advice = "Its install page has the snippet, and shows what became of requests."
        return Sign(title, "no event yet", State.WARNING, advice)
    text = f"last event {timesince(moment, now, depth=1)} ago"
    if moment > now + MAX_DRIFT:
        text = f"last event at {moment.isoformat()}"
        advice = "That is in the future: the clock was wrong then, or is wrong now."
        return Sign(title, text, State.BAD, advice)
    if now - moment > QUIET:
        advice = "Is the snippet still in its pages? Look with --url."
        return Sign(title, text, State.WARNING, advice)
    return Sign(title, text)


# Clocks


def clock() -> Sign:
    """The database's clock beside this machine's."""
    title, here = "Clock", datetime.now(UTC)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
            there = datetime.fromtimestamp(float(cursor.fetchone()[0]), UTC)
        else:
            there = here
    text = here.isoformat(timespec="seconds")
    if abs(there - here) > MAX_DRIFT:
        text = "{here} here, {there} in the database".format(
            here=text,
            there=there.isoformat(timespec="seconds"),
        )
        return Sign(title, text, State.BAD, "Let both keep time, by NTP.")
    return Sign(title, text)


def zones(sites: Iterable[Site]) -> Sign:
    title, unknown = "Time zones", []
    for site in sites:
        try:
            ZoneInfo(site.time_zone)
        except (KeyError, ValueError, OSError):
            unknown.append(f"{site.domain}: {site.time_zone}")
    if unknown:
        advice = "Choose another zone in the site’s settings, or install tzdata."
        return Sign(title, ", ".join(unknown), State.BAD, advice)
    return Sign(title, "known")


# Mail


def mail() -> Sign:
    title = "Mail"
    if not settings.EMAIL_URL:
        advice = "Set EMAIL_URL, so that people can reset their passwords."
        return Sign(title, "is printed to the console", State.WARNING, advice)
    server = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    try:
        mailer = get_connection(timeout=SECONDS_OF_PATIENCE)
        mailer.open()
        mailer.close()
    except (OSError, TypeError) as error:  # of smtplib, too
        text = "%(server)s does not take it: %(error)s"
        about = {"server": server, "error": str(error) or type(error).__name__}
        return Sign(title, text % about, State.BAD, "Correct EMAIL_URL.")
    return Sign(title, (f"{server} takes it"))


# A page with the snippet


class PageReader(HTMLParser):
    """The addresses of a page's scripts and images, and the policies in its meta elements."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.images: list[str] = []
        self.policies: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "script" and "src" in given:
            self.scripts.append(given["src"])
        if tag == "img" and "src" in given:
            self.images.append(given["src"])
        if tag == "meta" and given.get("http-equiv", "").lower() == "content-security-policy":
            self.policies.append(given.get("content", ""))


def page_signs(url: str, sites: Iterable[Site]) -> Iterator[Sign]:
    title = f"Page {url}"
    started = time.monotonic()
    try:
        with requests.get(url, headers=AGENT, timeout=SECONDS_OF_PATIENCE, stream=True) as answer:
            html = answer.raw.read(MAX_PAGE_BYTES, decode_content=True).decode(errors="replace")
    except (requests.RequestException, OSError, ValueError) as error:
        text = f"cannot be read: {type(error).__name__}"
        advice = "Give the whole address, as in https://example.com/; this machine must reach it."
        yield Sign(title, text, State.BAD, advice)
        return
    seconds = time.monotonic() - started
    if answer.status_code != 200:
        text = f"answers {answer.status_code}"
        yield Sign(title, text, State.BAD, "Give the address of a page that is shown.")
        return
    yield Sign(title, "read in {seconds} s".format(seconds=f"{seconds:.1f}"))
    page = PageReader()
    page.feed(html)
    yield snippet_sign(page, sites)
    headers = answer.headers.get("Content-Security-Policy", "").split(",")
    site = site_of(answer.url, sites)
    yield policy_sign(
        [Policy.read(answer.url, text) for text in (*headers, *page.policies) if text.strip()], site
    )


def snippet_sign(page: PageReader, sites: Iterable[Site]) -> Sign:
    """By the id of a site, since script and pixel may have an address of the website's own; else
    by an address of ours that takes the hits of another tracker's script."""
    title, host = "Snippet", urlsplit(settings.BASE_URL).netloc
    ids = [str(site.public_id) for site in sites]
    for address in (*page.scripts, *page.images):
        if any(public_id in address for public_id in ids):
            return Sign(title, address)
    for script in page.scripts:
        parts = urlsplit(script)
        door, _ = door_at(parts.path) if parts.netloc == host else (None, "")
        if door and door.respond is own.tracker:
            advice = "Paste the snippet of the site's install page."
            return Sign(title, f"no site here has the id in {script}", State.WARNING, advice)
        if door:
            return Sign(title, script)
    advice = "Paste the snippet of its install page. A tag manager may add it later."
    return Sign(title, "no script of this server", State.WARNING, advice)


def site_of(url: str, sites: Iterable[Site]) -> Site | None:
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    found = list(sites)
    return next((site for site in found if site.ascii_domain == host), found[0] if found else None)


def policy_sign(policies: list[Policy], site: Site | None) -> Sign:
    title = "Content-Security-Policy"
    if not policies:
        return Sign(title, "none")
    if site is None:
        advice = "Add a site first."
        return Sign(title, "not looked at", State.WARNING, advice)
    snippet = Snippet(site.public_id, settings.BASE_URL, site.domain)
    needs = {
        "script-src-elem": snippet.script_url,
        "connect-src": snippet.endpoint,
        "img-src": snippet.pixel_url,
    }
    refused = forbidden(policies, needs)
    if not refused:
        return Sign(title, "lets the snippet work")
    host = "{0.scheme}://{0.netloc}".format(urlsplit(settings.BASE_URL))
    names = ", ".join(name.removesuffix("-elem") for name in refused)
    if list(refused.items()) == [("script-src-elem", True)]:
        advice = "Give the script element the page’s nonce, or add %(host)s to script-src."
        text = "asks scripts for a nonce or a hash"
        return Sign(title, text, State.WARNING, advice % {"host": host})
    advice = f"Add {host} to {names}"
    return Sign(title, "keeps the snippet from working", State.BAD, advice)
