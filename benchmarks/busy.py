"""The web server's application with two pages that take their time: what hits must bear."""

import time
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from tracking_project.wsgi import application as tracking

SECONDS = 0.3


def wait() -> None:
    """As for a database."""
    time.sleep(SECONDS)


def compute() -> None:
    end = time.thread_time() + SECONDS
    while time.thread_time() < end:
        sum(range(1000))


PAGES = {"/waiting": wait, "/computing": compute}


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    page = PAGES.get(environ["PATH_INFO"])
    if page is None:
        return tracking(environ, start_response)
    page()
    start_response("200 OK", [("Content-Length", "0")])
    return []
