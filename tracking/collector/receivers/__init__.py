"""One module for each tracker whose requests are understood, our own among them.

Each has two halves. In the request a door finds the site, checks size and shape, puts a record
into the queue and answers as the tracker's own server would. In the worker `read_hit` takes the
record apart.
"""

from collections.abc import Callable
from typing import NamedTuple

from django.conf import settings

from tracking.collector.answers import Answer, Environ, Refusal, as_json
from tracking.collector.hit import Hit
from tracking.collector.intake import Read
from tracking.collector.receivers import own
from tracking.spool import Record


class Door(NamedTuple):
    """`respond(environ, read, rest of the path)` answers None when the path is not its own."""

    respond: Callable[[Environ, Read, str], Answer | None]
    refuse: Callable[[Environ, Refusal], Answer] = as_json


# By the first segment of the path. What is on pages already goes on working at /t/, whatever
# else TRACKER_PREFIX says.
DOORS = {
    "t": Door(own.tracker),
    settings.TRACKER_PREFIX: Door(own.tracker),
    "sites": Door(own.visit),
}

# By the name that a receiver has in the queue.
READERS: dict[str, Callable[[Record], Hit]] = {
    "": own.read_hit,
}


def read_hit(record: Record) -> Hit:
    return READERS[record.receiver](record)
