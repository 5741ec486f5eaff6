"""A website in a real browser, and a collector of another origin that notes what reaches it."""

import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tracking.collector.script import TRACKER
from tracking.tests.service import wait_for

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Headless Chromium says so in its User-Agent, and is left out as the bot that it is.
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
# Names for tests: the script does not report what happens on localhost.
NAMES = "--host-resolver-rules=MAP *.example 127.0.0.1"

Sent = dict[str, Any]


class Website:
    """Pages at http://site.example, the collector at http://stats.example: one server, two origins.

    `pages` holds their HTML by path; `headers` are sent with each of them.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://site.example:{port}"
        self.script_url = f"http://stats.example:{port}/t/0b9b0a2c.js"
        self.pages: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.sent: list[Sent] = []
        self.asked: list[str] = []
        self.is_down = False

    def script(self, attributes: str = "") -> str:
        return f'<script defer src="{self.script_url}" {attributes}></script>'

    def page(
        self, path: str = "/", attributes: str = "", body: str = "", head: str = ""
    ) -> "Website":
        """Put a page that includes the script at `path`."""
        self.pages[path] = (
            f"<!doctype html><title>Page {path}</title>{head}{self.script(attributes)}"
            f"<body>{body}</body>"
        )
        return self

    def all(self, *events: str) -> list[Sent]:
        """What was sent up to now, of these events."""
        return [sent for sent in self.sent if sent["event"] in events]

    def wait(self, number: int, *events: str) -> list[Sent]:
        """As soon as so many have been sent."""
        wait_for(lambda: len(self.all(*events)) >= number, 10)
        return self.all(*events)

    def views(self, number: int) -> list[str]:
        """The pages of the page views, as soon as there are so many."""
        return [sent["page"] for sent in self.wait(number, "pageview")]


class Handler(http.server.BaseHTTPRequestHandler):
    website: Website

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.website.asked.append(path)
        if path.startswith("/t/"):
            self.answer(200, TRACKER.body, {"Content-Type": "text/javascript; charset=utf-8"})
        elif path in self.website.pages:
            html = {"Content-Type": "text/html; charset=utf-8"}
            self.answer(200, self.website.pages[path].encode(), html | self.website.headers)
        else:
            self.answer(404, b"", {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.website.is_down:
            self.close_connection = True
            return
        if self.path.startswith("/t/"):
            self.website.sent.append(json.loads(body))
        self.answer(202, b"", {"Access-Control-Allow-Origin": self.headers["Origin"] or "*"})

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def website() -> Iterator[Website]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        Handler.website = running = Website(server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield running
        server.shutdown()
