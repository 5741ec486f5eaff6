"""What people paste into their pages."""

import json
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.utils.html import escape

from tracking.domains import is_loopback
from tracking.models import Site

# Of a browser: what says of itself that it is curl is left out as a bot.
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

MATOMO = """<script>
  var _paq = window._paq = window._paq || [];
  _paq.push(["trackPageView"]);
  _paq.push(["enableLinkTracking"]);
  (function() {{
    var u = "{base}/";
    _paq.push(["setTrackerUrl", u + "matomo.php"]);
    _paq.push(["setSiteId", "{number}"]);
    var d = document, g = d.createElement("script"), s = d.getElementsByTagName("script")[0];
    g.async = true; g.src = u + "matomo.js"; s.parentNode.insertBefore(g, s);
  }})();
</script>"""


@dataclass(frozen=True)
class Snippet:
    """HTML that reports the views of a page to the site `public_id` of this installation."""

    public_id: UUID
    base_url: str
    domain: str

    @property
    def script(self) -> str:
        # Pages on a developer's machine do not count, unless they are the site itself.
        local = " data-local" if is_loopback(self.domain) else ""
        return (
            f'<script defer src="{self.script_url}"{local}></script>\n'
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
        return f"curl {self.endpoint} \\\n  -A '{USER_AGENT}' \\\n  -d '{body}'"

    def batch_request(self, token: str, site: Site) -> str:
        """A command that reports as a server does that has a token."""
        hit = {
            "url": f"https://{site.ascii_domain}/welcome",
            "event": "Sign-up",
            "ip": "203.0.113.7",
            "user_agent": USER_AGENT,
        }
        return (
            f"curl {self.endpoint}/batch \\\n  -H 'Authorization: Bearer {token}' \\\n"
            f"  -d '{json.dumps([hit])}'"
        )

    @property
    def injected(self) -> str:
        """For tag managers, which write elements anew and forget their attributes."""
        return (
            "<script>\n(function (page) {\n"
            '  var script = page.createElement("script");\n'
            f'  script.src = "{self.script_url}";\n'
            "  page.head.appendChild(script);\n"
            "})(document);\n</script>"
        )

    def in_dialects(self, number: int) -> dict[str, str]:
        """What the pages of other trackers carry, with this installation in it."""
        base, domain, public_id = self.base_url, self.domain, self.public_id
        return {
            "plausible": f'<script defer data-domain="{domain}"\n'
            f'        src="{base}/js/script.js"></script>',
            "umami": f'<script defer src="{base}/script.js"\n'
            f'        data-website-id="{public_id}"></script>',
            "goatcounter": f'<script data-goatcounter="{base}/{domain}/count"\n'
            f'        async src="{base}/count.js"></script>',
            "matomo": MATOMO.format(base=base, number=number),
            "shynet": f'<noscript><img src="{base}/{public_id}/pixel.gif" alt=""></noscript>\n'
            f'<script defer src="{base}/{public_id}/script.js"></script>',
        }

    @property
    def endpoint(self) -> str:
        return f"{self.base_url}/{settings.TRACKER_PREFIX}/{self.public_id}"

    @property
    def script_url(self) -> str:
        name = settings.TRACKER_SCRIPT_NAME
        return f"{self.endpoint}/{name}.js" if name else f"{self.endpoint}.js"

    @property
    def pixel_url(self) -> str:
        return f"{self.endpoint}.gif"


def base_url(request: HttpRequest) -> str:
    """Where tracked pages reach this installation.

    That is BASE_URL. While it still names this very machine, as on a fresh installation, the
    address under which the reader sees the page is better, since it works for at least one.
    """
    if urlsplit(settings.BASE_URL).hostname == "localhost":
        return f"{request.scheme}://{request.get_host()}"
    return str(settings.BASE_URL)
