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
from tracking.collector.receivers import (
    goatcounter,
    matomo,
    own,
    plausible,
    shynet,
    umami,
)
from tracking.spool import Record


class Door(NamedTuple):
    """`respond(environ, read, rest of the path)` answers None when the path is not its own."""

    respond: Callable[[Environ, Read, str], Answer | None]
    refuse: Callable[[Environ, Refusal], Answer] = as_json


# By the first segment of the path. What is on pages already goes on working at /t/, whatever
# else TRACKER_PREFIX says.
FIRST = {
    "t": Door(own.tracker),
    settings.TRACKER_PREFIX: Door(own.tracker),
    "sites": Door(own.visit),
    "js": Door(plausible.script),
}
# By the whole path.
WHOLE = {
    "api/event": Door(plausible.event, plausible.refuse),
    "api/send": Door(umami.send, umami.refuse),
    "api/batch": Door(umami.batch, umami.refuse),
    "script.js": Door(umami.script),
    "count": Door(goatcounter.count, goatcounter.refuse),
    "count.js": Door(goatcounter.script),
    "api/v0/count": Door(goatcounter.api, goatcounter.refuse_api),
    "matomo.php": Door(matomo.track, matomo.refuse),
    "piwik.php": Door(matomo.track, matomo.refuse),
    "matomo.js": Door(matomo.script),
    "piwik.js": Door(matomo.script),
}
# By the last segment, where a site stands before it.
LAST = {
    "count": Door(goatcounter.count_of_path, goatcounter.refuse),
    "pixel.gif": Door(shynet.pixel),
    "script.js": Door(shynet.script),
}

# By the name that a receiver has in the queue.
READERS: dict[str, Callable[[Record], Hit]] = {
    "": own.read_hit,
    plausible.NAME: plausible.read_hit,
    umami.NAME: umami.read_hit,
    goatcounter.NAME: goatcounter.read_hit,
    matomo.NAME: matomo.read_hit,
    shynet.NAME: shynet.read_hit,
}


def door_at(path: str) -> tuple[Door | None, str]:
    """Who answers at a path, and the rest of it as the door wants to have it."""
    first, _, rest = path[1:].partition("/")
    if door := FIRST.get(first):
        return door, rest
    if door := WHOLE.get(path[1:]):
        return door, ""
    return LAST.get(rest.rpartition("/")[2]), path[1:]


def read_hit(record: Record) -> Hit:
    return READERS[record.receiver](record)
