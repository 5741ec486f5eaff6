"""Is an address one of a data centre? By a list of networks, and by who runs the network.

The list is a text file of the administrator: a network (CIDR) or the number of an autonomous
system (AS16509) on each line. Numbers say something only where there is a file that tells them
by address, such as GeoLite2-ASN or that of DB-IP; then those of well-known hosting companies,
in `data/datacentres.txt`, count as well.
"""

import logging
import re
from functools import cache, lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import maxminddb
from django.conf import settings
from django.core.exceptions import ValidationError

from tracking.processing.watched_file import WatchedFile
from tracking.rules.lines import entries
from tracking.rules.networks import Networks, clean_network

logger = logging.getLogger(__name__)

WELL_KNOWN = Path(__file__).parent / "data" / "datacentres.txt"
SYSTEM = re.compile(r"AS(\d{1,10})", re.IGNORECASE)
NUMBER_KEYS = ("autonomous_system_number", "asn")


class Datacentres(NamedTuple):
    networks: Networks
    systems: frozenset[int]


def read_datacentres(path: Path) -> Datacentres:
    """A line that is neither network nor number is named in the log, and left out."""
    networks, systems = [], set()
    for entry in entries(path.read_text(encoding="utf-8", errors="replace")):
        if match := SYSTEM.fullmatch(entry):
            systems.add(int(match[1]))
            continue
        try:
            networks.append(clean_network(entry))
        except ValidationError:
            logger.error("%s has a line that is no network: %s", path, entry[:100])
    return Datacentres(Networks(networks), frozenset(systems))


class DatacentreFile(WatchedFile[Datacentres]):
    def open(self) -> Datacentres | None:
        try:
            return read_datacentres(self.path)
        except OSError as error:
            logger.error("The list of data centres cannot be read: %s", error)
            return None


class SystemFile(WatchedFile[maxminddb.Reader]):
    """Tells by address which autonomous system it belongs to."""

    def open(self) -> maxminddb.Reader | None:
        try:
            return maxminddb.open_database(self.path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            logger.error("The file of autonomous systems cannot be read: %s", error)
            return None

    def number_of(self, ip: str) -> int | None:
        if (reader := self.current()) is None:
            return None
        try:
            record = reader.get(ip_address(ip))
        except (ValueError, maxminddb.InvalidDatabaseError):
            return None
        numbers = (record.get(key) for key in NUMBER_KEYS) if isinstance(record, dict) else ()
        return next((number for number in numbers if isinstance(number, int)), None)


def datacentre(ip: str) -> str | None:
    """The network, or the number of the system, by which an address is one of a data centre."""
    listed = datacentre_file_at(settings.DATACENTRES_PATH).current()
    if listed and (network := listed.networks.find(ip)):
        return network
    number = system_file_at(settings.ASN_PATH).number_of(ip)
    if number is not None and (
        number in well_known().systems or (listed and number in listed.systems)
    ):
        return f"AS{number}"
    return None


def is_known() -> bool:
    """Is there anything to tell data centres by?"""
    return any(
        file.current() is not None
        for file in (
            datacentre_file_at(settings.DATACENTRES_PATH),
            system_file_at(settings.ASN_PATH),
        )
    )


@cache
def well_known() -> Datacentres:
    return read_datacentres(WELL_KNOWN)


@lru_cache(maxsize=4)
def datacentre_file_at(path: Path) -> DatacentreFile:
    return DatacentreFile(path)


@lru_cache(maxsize=4)
def system_file_at(path: Path) -> SystemFile:
    return SystemFile(path)
