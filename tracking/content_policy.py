"""What a page's Content-Security-Policy lets our snippet do there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

# Where a directive is missing, the next of these counts.
INSTEAD = {
    "script-src-elem": ("script-src", "default-src"),
    "connect-src": ("default-src",),
    "img-src": ("default-src",),
}
# With these in it, a script needs more than an address.
MARKS = ("'nonce-", "'strict-dynamic'", "'sha")
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Policy:
    """Of one header or meta element; the sources of each directive."""

    page: str
    directives: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, page: str, text: str) -> "Policy":
        directives: dict[str, tuple[str, ...]] = {}
        for part in text.split(";"):
            name, *sources = part.split() or [""]
            directives.setdefault(name.lower(), tuple(source.lower() for source in sources))
        return cls(page, directives)

    def sources(self, directive: str) -> tuple[str, ...] | None:
        """None: nothing is said, everything is allowed."""
        for name in (directive, *INSTEAD[directive]):
            if name in self.directives:
                return self.directives[name]
        return None

    def allows(self, directive: str, url: str) -> bool:
        sources = self.sources(directive)
        return sources is None or any(
            matches(source, urlsplit(url), urlsplit(self.page)) for source in sources
        )

    def asks_for_a_mark(self, directive: str) -> bool:
        return any(source.startswith(MARKS) for source in self.sources(directive) or ())


def matches(source: str, url: SplitResult, page: SplitResult) -> bool:
    """Does a source expression allow an address, on that page?"""
    if source == "'self'":
        return (url.scheme, url.netloc) == (page.scheme, page.netloc)
    if source.startswith("'"):
        return False
    if source == "*":
        return True
    if source.endswith(":"):
        return source[:-1] in (url.scheme, "http")
    wanted = urlsplit(source if "://" in source else f"//{source}")
    host, port = wanted.netloc.rpartition("@")[2], ""
    if ":" in host:
        host, _, port = host.rpartition(":")
    return (
        (not wanted.scheme or wanted.scheme in (url.scheme, "http"))
        and is_host_of(host, url.hostname or "")
        and (port in ("*", str(port_of(url))) if port else port_of(url) in PORTS.values())
        and (wanted.path in ("", "/") or is_path_of(wanted.path, url.path))
    )


def is_host_of(pattern: str, host: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def is_path_of(pattern: str, path: str) -> bool:
    return path.startswith(pattern) if pattern.endswith("/") else path == pattern


def port_of(url: SplitResult) -> int | None:
    return url.port or PORTS.get(url.scheme)


def forbidden(policies: Iterable[Policy], needs: Mapping[str, str]) -> dict[str, bool]:
    """Those directives that do not allow what is needed (an address each), and whether one asks
    for a mark, such as a nonce, instead."""
    found: dict[str, bool] = {}
    for policy in policies:
        for directive, url in needs.items():
            if not policy.allows(directive, url):
                found[directive] = found.get(directive, False) or policy.asks_for_a_mark(directive)
    return found
