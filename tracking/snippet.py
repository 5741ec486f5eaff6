"""What people paste into their pages."""

import json
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.utils.html import escape

# Of a browser: what says of itself that it is curl is left out as a bot.
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass(frozen=True)
class Snippet:
    """HTML that reports the views of a page to the site `public_id` of this installation."""

    public_id: UUID
    base_url: str

    @property
    def script(self) -> str:
        return (
            f'<script defer src="{self.base_url}/t/{self.public_id}.js"></script>\n'
            f"<noscript>{self.pixel}</noscript>"
        )

    @property
    def pixel(self) -> str:
        # Browsers tell another host only the origin of the page, unless asked for all of it.
        return (
            f'<img src="{self.pixel_url}" alt="" hidden '
            'referrerpolicy="no-referrer-when-downgrade">'
        )

    def pixel_for(self, **parameters: str) -> str:
        """A pixel that says by itself what happened, for where no Referer is sent."""
        source = escape(f"{self.pixel_url}?{urlencode(parameters)}")
        return f'<img src="{source}" alt="" width="1" height="1">'

    def request_for(self, url: str, event: str) -> str:
        """A command that reports as a server would, on behalf of a visitor's browser."""
        body = json.dumps({"url": url, "event": event})
        return f"curl {self.base_url}/t/{self.public_id} \\\n  -A '{USER_AGENT}' \\\n  -d '{body}'"

    @property
    def pixel_url(self) -> str:
        return f"{self.base_url}/t/{self.public_id}.gif"


def base_url(request: HttpRequest) -> str:
    """Where tracked pages reach this installation.

    That is BASE_URL. While it still names this very machine, as on a fresh installation, the
    address under which the reader sees the page is better, since it works for at least one.
    """
    if urlsplit(settings.BASE_URL).hostname == "localhost":
        return f"{request.scheme}://{request.get_host()}"
    return str(settings.BASE_URL)
