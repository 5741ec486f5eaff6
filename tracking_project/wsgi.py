import contextlib
import gc
import os
import sys
from pathlib import Path

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracking_project.settings")
django_application = get_wsgi_application()

from django.db import connections  # noqa: E402  (needs Django set up)
from django.urls import get_resolver  # noqa: E402

from tracking.collector.wsgi import with_collector  # noqa: E402
from tracking.routers import EVENTS_DB_ALIAS, events_are_in_clickhouse  # noqa: E402

# A page that computes keeps the interpreter this long from a thread with a hit (5 ms by default,
# several times for each). Linux would wake the one that waits as much later.
sys.setswitchinterval(0.00005)
with contextlib.suppress(OSError):
    Path("/proc/self/timerslack_ns").write_text("1000")

# All pages are loaded now, so that the first visitor does not wait for it. What is loaded stays:
# looking through it for garbage would keep hits waiting for 50 ms each time.
get_resolver().url_patterns  # noqa: B018
if events_are_in_clickhouse():
    connections[EVENTS_DB_ALIAS]  # loads its driver, and connects to nothing
gc.collect()
gc.freeze()

application = with_collector(django_application)
