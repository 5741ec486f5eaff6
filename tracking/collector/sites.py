"""Which sites exist? Known in the memory of each web process, so that a hit asks no database.

A list in DATA_DIR tells a process that starts while the database is away.
"""

import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import Error, connection
from django.db.models import Q

from tracking.domains import clean_domain
from tracking.models import Site

logger = logging.getLogger(__name__)

# A site that is not known may have been added a moment ago, so that the database is asked; not
# again for this long, however often a page asks for a site that has been deleted.
SECONDS_UNKNOWN = 1.0
MAX_UNKNOWN = 10_000
MAX_KEY = 300
# How long a request waits for another one's question, before it gives up.
SECONDS_OF_PATIENCE = 0.1

# A public id, as in URLs; a number; a domain; a token's hash and the host name of a site, both
# with what they are before them.
Key = str | int
TOKEN, HOST = "token:", "host:"


class SitesUnavailable(Exception):
    """Whether there is such a site cannot be told at the moment."""


class SiteDirectory:
    """Numbers of the sites, by all that a request may call them.

    A domain that several people have is the site of whoever had it first.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._numbers: dict[Key, int] | None = None
        self._unknown: dict[Key, float] = {}  # until when
        self._asking = threading.Lock()
        self._refresher: threading.Thread | None = None

    def find(self, key: Key) -> int | None:
        """The site's number; None when there is no such site.

        Raises SitesUnavailable for a site that is not known, when the database cannot tell.
        """
        numbers = self._numbers
        if numbers is None:
            numbers = self._load()
        number = numbers.get(key)
        if number is None and self._unknown.get(key, 0.0) < time.monotonic():
            number = self._look_up(key)
        return number

    def refresh(self) -> dict[Key, int]:
        """Ask the database for all sites; raises a database error."""
        try:
            sites = list(Site.objects.order_by("domain_since", "pk").only(*COLUMNS))
        except Error:
            connection.close()
            raise
        numbers: dict[Key, int] = {}
        for site in sites:
            for key in keys_of(site):
                numbers.setdefault(key, site.pk)
        if numbers != self._numbers:
            self._remember(numbers)
            write_list(numbers)
        return numbers

    def _remember(self, numbers: dict[Key, int]) -> None:
        # Without a thread that follows changes every request asks anew, as in tests.
        self._numbers = numbers if settings.COLLECTOR_SITES_SECONDS else None

    def _load(self) -> dict[Key, int]:
        """The first request of a process waits until all sites are known."""
        with self._asking:
            numbers = self._numbers
            if numbers is None:
                try:
                    numbers = self.refresh()
                except Error as error:
                    numbers = read_list()
                    if not numbers:
                        raise SitesUnavailable from error
                    self._remember(numbers)
            if self._refresher is None and settings.COLLECTOR_SITES_SECONDS:
                self._refresher = threading.Thread(target=self._keep_refreshing, daemon=True)
                self._refresher.start()
            return numbers

    def _look_up(self, key: Key) -> int | None:
        if isinstance(key, str) and len(key) > MAX_KEY:
            return None
        # One question at a time: while the database hangs, requests for unknown sites must
        # not take all threads from those for known ones.
        if not self._asking.acquire(timeout=SECONDS_OF_PATIENCE):
            raise SitesUnavailable
        try:
            question = question_for(key)
            sites = Site.objects.order_by("domain_since", "pk").values_list("pk", flat=True)
            number = sites.filter(question).first() if question else None
        except Error as error:
            connection.close()
            raise SitesUnavailable from error
        finally:
            self._asking.release()
        if number is None:
            if len(self._unknown) >= MAX_UNKNOWN:
                self._unknown.clear()
            self._unknown[key] = time.monotonic() + SECONDS_UNKNOWN
        return number

    def _keep_refreshing(self) -> None:
        # While the database is away the sites that are known go on being known.
        while True:
            time.sleep(settings.COLLECTOR_SITES_SECONDS)
            try:
                self.refresh()
            except Exception as error:
                logger.warning("The list of sites could not be refreshed: %s", error)


UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
COLUMNS = ("public_id", "domain", "domain_since", "counting_host", "token_hash")


def keys_of(site: Site) -> Iterator[Key]:
    yield from (site.pk, str(site.public_id), site.domain, site.ascii_domain)
    if site.counting_host:
        yield HOST + site.counting_host
    if site.token_hash:
        yield TOKEN + site.token_hash


def question_for(key: Key) -> Q | None:
    """How to ask for the site of a key; None where none can have it."""
    if isinstance(key, int):
        return Q(pk=key)
    if key.startswith(TOKEN):
        return Q(token_hash=key.removeprefix(TOKEN))
    if UUID_TEXT.fullmatch(key):
        return Q(public_id=key)
    try:
        domain = clean_domain(key.removeprefix(HOST))
    except ValidationError:
        return None
    return Q(counting_host=domain) if key.startswith(HOST) else Q(domain=domain)


def list_path() -> Path:
    path: Path = settings.DATA_DIR / "sites.json"
    return path


def write_list(numbers: dict[Key, int]) -> None:
    draft = list_path().with_suffix(f".{os.getpid()}.tmp")
    try:
        draft.touch(mode=0o600)  # it has the hashes of tokens
        draft.write_bytes(msgspec.json.encode([[key, number] for key, number in numbers.items()]))
        draft.replace(list_path())
    except OSError as error:
        logger.warning("The list of sites could not be written: %s", error)


def read_list() -> dict[Key, int]:
    """What was last written; nothing if that cannot be read."""
    try:
        return dict(msgspec.json.decode(list_path().read_bytes(), type=list[tuple[Key, int]]))
    except (OSError, msgspec.DecodeError):
        return {}


directory = SiteDirectory()

# A forked process has the memory of its parent, but not its threads.
os.register_at_fork(after_in_child=directory.reset)
