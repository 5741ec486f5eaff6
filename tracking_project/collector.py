"""An application that takes hits and does nothing else: for processes that serve busy sites.

It does without pages, and so without their threads: with one alone, hits do not wait for each
other's turns. What it keeps is read by the same worker.
"""

import gc
import os
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracking_project.settings")
django.setup(set_prefix=False)

from tracking.collector.wsgi import with_collector  # noqa: E402  (needs Django set up)


def nothing_here(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    body = b"Hits are taken here, and nothing else is served.\n"
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    start_response("404 Not Found", headers)
    return [body]


# What is loaded stays: looking through it for garbage would keep a hit in a hundred waiting.
gc.collect()
gc.freeze()

application = with_collector(nothing_here)
