"""The collector: a request of a tracked page comes in, a hit is in the queue, an answer goes out.

`collect` is the one function behind both doors: the WSGI wrapper (`tracking.collector.wsgi`),
which answers before Django is even asked, and the view (`tracking.views.collect`), which is asked
where Django is served without it, as by `runserver`.
"""

import logging
from http import HTTPStatus

from tracking.collector import refusals
from tracking.collector.answers import Answer, Environ, Refusal
from tracking.collector.intake import Read
from tracking.collector.receivers import door_at
from tracking.collector.sites import SitesUnavailable

logger = logging.getLogger(__name__)

UNAVAILABLE = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "Try again in a while.", Retry_After="10")


def collect(environ: Environ, read: Read) -> Answer | None:
    """Answer a request to the collector; None when the path is not the collector's.

    `environ` is a WSGI environ (or `request.META`), `read(n)` gives up to n bytes of the body.
    """
    door, rest = door_at(environ["PATH_INFO"])
    if door is None:
        return None
    try:
        return door.respond(environ, read, rest)
    except Refusal as refusal:
        refusals.note(environ, refusal)
        return door.refuse(environ, refusal)
    except (OSError, SitesUnavailable):
        # Whatever could not be kept must not be answered with success: senders may try again.
        logger.exception("A hit could not be accepted.")
        refusals.note(environ, UNAVAILABLE)
        return door.refuse(environ, UNAVAILABLE)
