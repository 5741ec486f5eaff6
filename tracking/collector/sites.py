"""Which sites exist? Known in the memory of each web process, so that a hit asks no database."""

import logging
import os
import threading
import time

from django.conf import settings
from django.db import DatabaseError, connection

from tracking.models import Site

logger = logging.getLogger(__name__)

# A site that is not known may have been added a moment ago. Looking costs a query, so that a
# flood of requests for sites that do not exist is not looked at one by one.
SECONDS_BETWEEN_LOOKS = 0.05


class SiteDirectory:
    """Numbers of the sites, by public id (as in URLs, a string) and by number (an int)."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._numbers: dict[str | int, int] | None = None
        self._looked = float("-inf")
        self._loading = threading.Lock()
        self._refresher: threading.Thread | None = None

    def find(self, key: str | int) -> int | None:
        """The site's number; None when there is no such site.

        Raises DatabaseError when the site is not known and the database cannot tell.
        """
        numbers = self._numbers
        if numbers is None or not settings.COLLECTOR_SITES_SECONDS:
            numbers = self._load()
        number = numbers.get(key)
        if number is None and time.monotonic() - self._looked > SECONDS_BETWEEN_LOOKS:
            self._looked = time.monotonic()
            return self.refresh().get(key)
        return number

    def refresh(self) -> dict[str | int, int]:
        """Ask the database for all sites; raises DatabaseError."""
        numbers: dict[str | int, int] = {}
        try:
            for number, public_id in Site.objects.order_by().values_list("pk", "public_id"):
                numbers[str(public_id)] = numbers[number] = number
        except DatabaseError:
            connection.close()
            raise
        self._numbers = numbers
        return numbers

    def _load(self) -> dict[str | int, int]:
        """The first request of a process waits until all sites are known."""
        with self._loading:
            numbers = self._numbers
            if numbers is None or not settings.COLLECTOR_SITES_SECONDS:
                numbers = self.refresh()
            if self._refresher is None and settings.COLLECTOR_SITES_SECONDS:
                self._refresher = threading.Thread(target=self._keep_refreshing, daemon=True)
                self._refresher.start()
            return numbers

    def _keep_refreshing(self) -> None:
        # While the database is away the sites that are known go on being known.
        while True:
            time.sleep(settings.COLLECTOR_SITES_SECONDS)
            try:
                self.refresh()
            except DatabaseError as error:
                logger.warning("The list of sites could not be refreshed: %s", error)


directory = SiteDirectory()


# A forked process has the memory of its parent, but not its threads.
os.register_at_fork(after_in_child=directory.reset)
