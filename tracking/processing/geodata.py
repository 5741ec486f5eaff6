"""Where is an IP address? Answered by a city file on disk, else by a web service, else not at all.

City files of MaxMind (GeoLite2, GeoIP2) and of DB-IP are read alike, and so are those of
ip-location-db, whose records are flat like a web service's answers.
"""

import json
import logging
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from hashlib import blake2b
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import maxminddb
import msgspec
import requests
from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from urllib3.exceptions import HTTPError

from tracking.collector.hit import printable
from tracking.processing.watched_file import WatchedFile
from tracking_project.client_ip import is_ipv4

logger = logging.getLogger(__name__)
encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Geodata:
    """A place as far as it is known; empty text where it is not."""

    city: str = ""
    postal_code: str = ""
    region: str = ""
    country: str = ""  # ISO 3166-1 alpha-2
    latitude: Decimal | None = None
    longitude: Decimal | None = None


NOWHERE = Geodata()
LONGEST_ADDRESS = len("0000:0000:0000:0000:0000:ffff:255.255.255.255")


def get_geodata(ip: str) -> Geodata:
    """Never raises: that a place is not known must not cost a visit."""
    if len(ip) > LONGEST_ADDRESS:
        return NOWHERE
    if locate := city_file().current():
        return locate(ip)
    if settings.GEOIP_URL and (address := public_address(ip)):
        return service_at(settings.GEOIP_URL).locate(str(address))
    return NOWHERE


def public_address(ip: str) -> IPv4Address | IPv6Address | None:
    """The address, if it is one that somebody out there may have."""
    try:
        address = ip_address(ip)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address if address.is_global and not address.is_multicast else None


# The first numbers of IPv4 networks that are, or hold one that is, for special purposes.
SPECIAL = {0, 10, 100, 127, 169, 172, 192, 198, 203, *range(224, 256)}


def is_surely_public(ip: str) -> bool:
    """True of most IPv4 addresses, without the 10 µs that it takes to tell of all."""
    return is_ipv4(ip) and int(ip[: ip.index(".")]) not in SPECIAL


# A file


Locate = Callable[[str], Geodata]


class CityFile(WatchedFile[Locate]):
    """What finds an address in the file."""

    REMEMBERED = 5_000  # most hits are of somebody who was here a moment ago

    def open(self) -> Locate | None:
        try:
            reader = maxminddb.open_database(self.path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            logger.error("The city file %s cannot be read: %s", self.path, error)
            return None
        newest_version = reader.metadata().ip_version
        places = Places()

        @lru_cache(maxsize=self.REMEMBERED)
        def locate(ip: str) -> Geodata:
            address = ip if is_surely_public(ip) else public_address(ip)
            # Asking a file of IPv4 addresses for another one would raise.
            if address is None or (newest_version == 4 and isinstance(address, IPv6Address)):
                return NOWHERE
            try:
                return places.of(reader.get(address))
            except (ValueError, maxminddb.InvalidDatabaseError) as error:
                logger.error("The city file %s is damaged: %s", self.path, error)
                return NOWHERE

        return locate


@cache  # since settings are slow, and every hit asks
def city_file() -> CityFile:
    return city_file_at(settings.GEOIP_PATH)


@receiver(setting_changed)
def forget_city_file(**_: object) -> None:
    city_file.cache_clear()


@lru_cache(maxsize=4)
def city_file_at(path: Path) -> CityFile:
    return CityFile(path)


# A web service


class GeodataService:
    """A web service like Free GeoIP, which answers JSON for an address put into its URL.

    Each address is asked for once a day at most. So that it does not hold up the visits, a
    service that fails repeatedly is left alone for a while, and waiting for a slow one takes
    `SHARE` of the time at most, after a burst: other visits then have no place.
    """

    TIMEOUT = 2.0
    MAX_BYTES = 64 << 10
    BURST = 2.0
    SHARE = 0.5
    REMEMBERED = 20_000
    SECONDS_REMEMBERED = 86_400.0
    FAILURES_BORNE = 3
    SECONDS_LEFT_ALONE = 60.0

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._answers: OrderedDict[str, tuple[float, Geodata]] = OrderedDict()
        self._failures = 0
        self._resume_at = 0.0
        self._patience, self._patience_of = self.BURST, monotonic()  # seconds left, as of when

    def locate(self, ip: str) -> Geodata:
        now = monotonic()
        asked_at, place = self._answers.get(ip, (-math.inf, NOWHERE))
        if now - asked_at < self.SECONDS_REMEMBERED or now < self._resume_at:
            return place
        gained = (now - self._patience_of) * self.SHARE
        self._patience, self._patience_of = min(self.BURST, self._patience + gained), now
        if self._patience <= 0:
            return place
        try:
            place = self.ask(ip)
        except (requests.RequestException, HTTPError, ValueError, RecursionError) as error:
            self.note_failure(error)
            return place
        finally:
            self._patience -= monotonic() - now
        self._failures = 0
        self._answers[ip] = now, place
        self._answers.move_to_end(ip)
        if len(self._answers) > self.REMEMBERED:
            self._answers.popitem(last=False)
        return place

    def ask(self, ip: str) -> Geodata:
        deadline = monotonic() + self.TIMEOUT
        body = bytearray()
        with self._session.get(
            self.url.replace("{ip}", ip), timeout=self.TIMEOUT, stream=True
        ) as response:
            if response.status_code == HTTPStatus.NOT_FOUND:
                return NOWHERE
            response.raise_for_status()
            # What has arrived, not a piece of a certain size, which may come however slowly.
            while piece := response.raw.read1(self.MAX_BYTES, decode_content=True):
                body += piece
                if monotonic() > deadline:
                    raise requests.Timeout("The answer takes too long.")
                if len(body) > self.MAX_BYTES:
                    raise ValueError("The answer is too long.")
        return from_record(json.loads(body))

    def note_failure(self, error: Exception) -> None:
        """The log gets neither the visitor's address nor a key that may be part of the URL."""
        self._failures += 1
        response = getattr(error, "response", None)
        reason = type(error).__name__ if response is None else response.status_code
        message = "The geodata service at %s failed: %s."
        if self._failures >= self.FAILURES_BORNE:
            self._failures = 0
            self._resume_at = monotonic() + self.SECONDS_LEFT_ALONE
            message += f" It is left alone for {self.SECONDS_LEFT_ALONE:.0f} seconds."
        logger.warning(message, urlsplit(self.url).hostname, reason)


@lru_cache(maxsize=4)
def service_at(url: str) -> GeodataService:
    return GeodataService(url)


# Reading what they answer


# What Free GeoIP, its many likes and ip-location-db call a field.
FLAT_KEYS = {
    "city": ("city", "city_name"),
    "postal_code": ("postcode", "zip_code", "zipcode", "postal_code", "postal", "zip"),
    "region": ("region_name", "regionName", "state1", "state", "region"),
    "country": ("country_code", "countryCode", "country_iso", "country"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "lng"),
}


class Places:
    """What records come to: one for each city, and not for each visitor of it.

    A record is known again by its digest: itself it takes up to two kilobytes.
    """

    REMEMBERED = 20_000

    def __init__(self) -> None:
        self._known: dict[bytes, Geodata] = {}

    def of(self, record: object) -> Geodata:
        try:
            key = blake2b(encode(record), digest_size=16).digest()
        except OverflowError:  # a number of 128 bits
            return from_record(record)
        place = self._known.get(key)
        if place is None:
            place = from_record(record)
            if len(self._known) < self.REMEMBERED:
                self._known[key] = place
        return place


def from_record(record: object) -> Geodata:
    """Raises ValueError for what is no record at all."""
    if record is None:
        return NOWHERE
    if not isinstance(record, Mapping):
        raise ValueError("The answer is not an object.")
    nested = any(isinstance(record.get(key), Mapping) for key in ("country", "city", "location"))
    fields = from_nested(record) if nested else from_flat(record)
    latitude = degrees(fields["latitude"], 90)
    longitude = degrees(fields["longitude"], 180)
    if latitude is None or longitude is None or latitude == longitude == 0:
        latitude = longitude = None  # zeros stand for a place that is not known
    country = text(fields["country"], 3).upper()
    return Geodata(
        city=text(fields["city"], 100),
        postal_code=text(fields["postal_code"], 20),
        region=text(fields["region"], 100),
        country=country if len(country) == 2 and country.isascii() and country.isalpha() else "",
        latitude=latitude,
        longitude=longitude,
    )


def from_flat(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        field: next((value for key in keys if (value := record.get(key)) is not None), None)
        for field, keys in FLAT_KEYS.items()
    }


def from_nested(record: Mapping[str, Any]) -> dict[str, Any]:
    """MaxMind's shape, which DB-IP follows."""
    location = part(record, "location")
    subdivisions = record.get("subdivisions")
    # The first one is the largest: England, not Bracknell Forest.
    largest = subdivisions[0] if isinstance(subdivisions, list) and subdivisions else {}
    return {
        "city": name(part(record, "city")),
        "postal_code": part(record, "postal").get("code"),
        "region": name(largest),
        "country": part(record, "country").get("iso_code"),
        "latitude": location.get("latitude"),
        "longitude": location.get("longitude"),
    }


def part(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = record.get(key)
    return value if isinstance(value, Mapping) else {}


def name(place: object) -> object:
    names = part(place, "names") if isinstance(place, Mapping) else {}
    return names.get("en") or next(iter(names.values()), None)


def text(value: object, length: int) -> str:
    is_text = isinstance(value, str | int) and not isinstance(value, bool)
    return printable(str(value))[:length] if is_text else ""


def degrees(value: Any, limit: int) -> Decimal | None:
    """With four decimal places: eleven metres, which is more than anybody can know."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return Decimal(f"{number:.4f}") if abs(number) <= limit else None
