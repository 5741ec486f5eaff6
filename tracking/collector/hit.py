"""What a tracked page reported: the one plain object behind every receiver."""

from dataclasses import dataclass
from datetime import datetime

PAGEVIEW = "pageview"


@dataclass(slots=True, frozen=True)
class Hit:
    """A page view or a custom event as it arrived, before anything is looked up.

    Text is cut to the lengths of the columns it goes to and free of NUL. `url` is whatever the
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
