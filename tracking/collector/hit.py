"""What a tracked page reported: the one plain object behind every receiver."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

PAGEVIEW = "pageview"
MAX_PARAMETERS = 100


@dataclass(slots=True)
class Hit:
    """A page view or a custom event as it arrived, before anything is looked up.

    Texts are printable: free of NUL and other control characters. `url` is whatever the
    page gave: a full URL or a path. `referrer` is the page that led there, empty if unknown.
    """

    site_id: int
    time: datetime  # aware, UTC
    ip: str
    user_agent: str
    url: str
    referrer: str = ""
    name: str = PAGEVIEW
    prefetch: bool = False

    @property
    def is_pageview(self) -> bool:
        return self.name == PAGEVIEW


def parse_parameters(text: str) -> dict[str, str]:
    """The fields of a query string or form; none at all of one with too many to be a hit's."""
    try:
        pairs = parse_qsl(text, errors="replace", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return {}
    return {name: value.strip() for name, value in pairs}


def printable(text: str) -> str:
    """Without NUL, other control characters and halves of surrogate pairs."""
    if text.isprintable():
        return text.strip()
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
