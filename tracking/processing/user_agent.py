"""What does a User-Agent header say of browser, operating system and device?

ua-parser knows the browsers; here its names become the ones people say, and the kind of device
is told. What browsers no longer tell stays unknown: Windows 11 calls itself 10, iPads call
themselves Macs (unless told otherwise), Android names 10 and macOS 10.15 whatever is installed.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from django.utils.translation import gettext_noop as _
from ua_parser import Domain, load_lazy_builtins
from ua_parser.regex import Resolver

REMEMBERED = 10_000
# Longer ones than this are not sent by browsers.
MAX_LENGTH = 1000

BROWSERS = {
    "Apple Mail": "Safari",  # a mere WebKit view, of whatever app
    "Chrome Mobile": "Chrome",
    "Chrome Mobile WebView": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "DuckDuckGo Mobile": "DuckDuckGo",
    "Edge Mobile": "Edge",
    "Epiphany": "GNOME Web",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Google": "Google app",
    "IE": "Internet Explorer",
    "IE Mobile": "Internet Explorer",
    "MiuiBrowser": "Mi Browser",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari",
    "Opera Mobile": "Opera",
    "Opera Tablet": "Opera",
    "Opera Touch": "Opera",
    "QQ Browser Mobile": "QQ Browser",
    "VivoBrowser": "Vivo Browser",
    "Yandex Browser": "Yandex",
}
# What stands in their version's place is that of WebKit, which has been the same for years.
WITHOUT_VERSION = {"Apple Mail", "Epiphany"}

OPERATING_SYSTEMS = {
    "ATV OS X": "tvOS",
    "Chrome OS": "ChromeOS",
    "Chromecast Android": "Chromecast",
    "Chromecast Fuchsia": "Chromecast",
    "Chromecast Linux": "Chromecast",
    "Mac OS": "macOS",
    "Mac OS X": "macOS",
    "Other": "",
    "Symbian OS": "Symbian",
    "Web0S": "webOS",
}

LINUX_DISTRIBUTIONS = {
    "Arch Linux", "CentOS", "Debian", "Fedora", "Gentoo", "Kubuntu", "Linux", "Linux Mint",
    "Lubuntu", "Mageia", "Mandriva", "Red Hat", "Slackware", "SUSE", "Ubuntu", "VectorLinux",
    "openSUSE",
}  # fmt: skip

# In this order: a television runs Android too, a tablet is what an Android that is not mobile
# is (so Google asks the makers of browsers), and nearly everything calls itself Linux.
DEVICES = (
    (
        _("TV"),
        r"\bTV\b|[Ss]mart-?TV|SMART-TV|Apple ?TV|Google ?TV|HbbTV|BRAVIA|Web0S|NetCast|CrKey|Roku|"
        r"\bAFT\w+|Viera|PlayStation|Xbox|Nintendo",
    ),
    (
        _("Tablet"),
        r"iPad|PlayBook|\bTablet\b(?! PC)|Kindle|\bKF[A-Z]{2,}|Silk/(?!.*Mobile)|"
        r"Android(?!.*(?:Mobi|VR ))",
    ),
    (_("Mobile"), r"Mobi|iPhone|iPod|Windows Phone|BlackBerry|\bBB10\b|Opera Mini|KAIOS|J2ME|Symb"),
    (_("Desktop"), r"Windows NT|Macintosh|X11|CrOS|Linux (?:x86_64|i686|aarch64)"),
)


@dataclass(frozen=True, slots=True)
class UserAgent:
    """Empty text where something is not known; versions as “17.4” or “153”."""

    browser: str = ""
    browser_version: str = ""
    os: str = ""
    os_version: str = ""
    device: str = ""


def parse(text: str) -> UserAgent:
    return parse_short(text[:MAX_LENGTH])


@lru_cache(maxsize=REMEMBERED)
def parse_short(text: str) -> UserAgent:
    # Browsers send ASCII; the parser, which is not Python's, refuses half a surrogate pair.
    text = text.encode("ascii", "replace").decode()
    result = resolver()(text, Domain.USER_AGENT | Domain.OS)
    browser, os = result.user_agent, result.os
    numbered = browser is not None and browser.family not in WITHOUT_VERSION
    os_name = name_of_os(os.family) if os else ""
    return UserAgent(
        browser=BROWSERS.get(browser.family, browser.family)[:60] if browser else "",
        browser_version=version(browser.major, browser.minor) if browser and numbered else "",
        os=os_name,
        # ChromeOS gives the number of a build, which nobody knows it by.
        os_version=version(os.major, os.minor) if os and os_name != "ChromeOS" else "",
        device=device(text),
    )


@cache
def resolver() -> Resolver:
    return Resolver(load_lazy_builtins())


def name_of_os(family: str) -> str:
    if family in LINUX_DISTRIBUTIONS:
        return "GNU/Linux"
    return OPERATING_SYSTEMS.get(family, family)[:60]


def version(major: str | None, minor: str | None) -> str:
    """“17.4”, but “153” for 153.0: browsers with a yearful of releases have no minor ones."""
    if not major:
        return ""
    return (f"{major}.{minor}" if minor and minor != "0" else major)[:20]


def device(text: str) -> str:
    return next((name for name, pattern in compiled_devices() if pattern.search(text)), "")


@cache
def compiled_devices() -> list[tuple[str, re.Pattern[str]]]:
    return [(name, re.compile(pattern)) for name, pattern in DEVICES]
