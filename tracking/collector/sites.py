"""Which sites exist? Known in the memory of each web process, so that a hit asks no database."""

import logging
import os
import threading
import time

from django.conf import settings
from django.db import DatabaseError, connection

from tracking.models import Site

logger = logging.getLogger(__name__)

# A site that nobody knows yet may have been added a moment ago: worth a look, but not for
# each of a flood of requests for a site that does not exist.
SECONDS_BETWEEN_LOOKS = 1.0


class SiteDirectory:
    """Numbers of the sites, by public id (as in URLs, a string) and by number (an int)."""

    def __init__(self) -> None:
        self._numbers: dict[str | int, int] = {}
        self._refreshed = float("-inf")
        self._refresher: threading.Thread | None = None

    def find(self, key: str | int) -> int | None:
        """The site's number; None when there is no such site.

        Raises DatabaseError when the site is not known and the database cannot tell.
        """
        if self._is_due(key):
            self.refresh()
        return self._numbers.get(key)

    def refresh(self) -> None:
        numbers: dict[str | int, int] = {}
        try:
            for number, public_id in Site.objects.order_by().values_list("pk", "public_id"):
                numbers[str(public_id)] = numbers[number] = number
        except DatabaseError:
            connection.close()
            raise
        self._numbers = numbers
        self._refreshed = time.monotonic()

    def _is_due(self, key: str | int) -> bool:
        if not settings.COLLECTOR_SITES_SECONDS:
            return True
        if self._refresher is None:
            self._refresher = threading.Thread(target=self._keep_refreshing, daemon=True)
            self._refresher.start()
        return (
            key not in self._numbers and time.monotonic() - self._refreshed > SECONDS_BETWEEN_LOOKS
        )

    def _keep_refreshing(self) -> None:
        # While the database is away the sites that are known go on being known.
        while True:
            time.sleep(settings.COLLECTOR_SITES_SECONDS)
            try:
                self.refresh()
            except DatabaseError as error:
                logger.warning("The list of sites could not be refreshed: %s", error)


directory = SiteDirectory()


def _forget_threads() -> None:
    directory._refresher = None


os.register_at_fork(after_in_child=_forget_threads)
