"""A new city file in the place of the old one: downloaded, unpacked, tried, then swapped in."""

import gzip
import os
import shutil
import tarfile
import zlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, NamedTuple
from urllib.parse import urlsplit

import maxminddb
import requests
from tqdm import tqdm

from tracking.processing.geodata import NOWHERE, from_record

DB_IP_URL = "https://download.db-ip.com/free/dbip-city-lite-{month:%Y-%m}.mmdb.gz"
DB_IP_ATTRIBUTION = "IP geolocation by DB-IP (https://db-ip.com), licensed under CC BY 4.0."
MAXMIND_URL = (
    "https://download.maxmind.com/app/geoip_download"
    "?edition_id=GeoLite2-City&suffix=tar.gz&license_key={key}"
)
TIMEOUTS = (10, 60)  # seconds to connect, and to wait for the next bytes
BLOCK = 1 << 20
RECORDS_TRIED = 10_000


class DownloadError(Exception):
    """Nothing has been changed; the message is for whoever asked for the file."""


class Release(NamedTuple):
    """What a city file was made of, for those who want to know."""

    kind: str
    built: date


def db_ip_urls(today: date) -> list[str]:
    """This month's file, and last month's for the days until this month's is there."""
    last_month = today.replace(day=1) - timedelta(days=1)
    return [DB_IP_URL.format(month=month) for month in (today, last_month)]


def maxmind_url(license_key: str) -> str:
    return MAXMIND_URL.format(key=license_key)


def update_city_file(path: Path, urls: Sequence[str]) -> Release:
    """Put the first of `urls` that exists at `path`: a city file, as it is, in .gz or in .tar.gz.

    `path` is replaced in one instant, or stays as it was and DownloadError is raised.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Beside the file, since only within a file system a name can be replaced in an instant.
        with TemporaryDirectory(dir=path.parent, prefix=".update_geoip-") as folder:
            download, city_file = Path(folder, "download"), Path(folder, "city.mmdb")
            fetch_first(urls, download)
            unpack(download, city_file)
            release = try_out(city_file)
            swap_in(city_file, path)
    except OSError as error:
        raise DownloadError(f"{path} could not be written: {error.strerror or error}.") from error
    return release


def fetch_first(urls: Sequence[str], target: Path) -> None:
    for url in urls:
        if fetch(url, target):
            return
    raise DownloadError(f"{host(urls[0])} has no such file (404). Is the address right?")


def fetch(url: str, target: Path) -> bool:
    """Download with a progress bar; False if there is nothing at this address."""
    try:
        with requests.get(url, stream=True, timeout=TIMEOUTS) as response:
            if response.status_code == HTTPStatus.NOT_FOUND:
                return False
            response.raise_for_status()
            size = int(response.headers.get("Content-Length") or 0) or None
            with (
                target.open("wb") as file,
                tqdm(total=size, unit="B", unit_scale=True, desc=host(url), disable=None) as bar,
            ):
                for block in response.iter_content(BLOCK):
                    bar.update(file.write(block))
    except requests.ConnectionError:
        raise DownloadError(
            f"{host(url)} could not be reached. Is there a way to the internet?"
        ) from None
    except requests.RequestException as error:
        # Not the error's own text: it quotes the URL, of which a licence key may be a part.
        answer = error.response
        reason = type(error).__name__ if answer is None else f"it answered {answer.status_code}"
        raise DownloadError(f"The download from {host(url)} failed: {reason}.") from None
    return True


def host(url: str) -> str:
    return urlsplit(url).hostname or "the server"


def unpack(download: Path, city_file: Path) -> None:
    try:
        if tarfile.is_tarfile(download):
            with tarfile.open(download) as archive:
                copy(member_of(archive), city_file)
        elif is_gzip(download):
            with gzip.open(download) as unzipped:
                copy(unzipped, city_file)
        else:
            download.rename(city_file)
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise DownloadError(f"The file that was downloaded cannot be unpacked: {error}.") from error


def is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def member_of(archive: tarfile.TarFile) -> IO[bytes]:
    """The city file in an archive as MaxMind ships it, among licence and folder."""
    for member in archive:
        if member.name.endswith(".mmdb") and (file := archive.extractfile(member)):
            return file
    raise DownloadError("The archive that was downloaded holds no .mmdb file.")


def copy(source: IO[bytes] | gzip.GzipFile, target: Path) -> None:
    with target.open("wb") as file:
        shutil.copyfileobj(source, file, BLOCK)


def try_out(city_file: Path) -> Release:
    """Does it open, and does it know places?"""
    try:
        with maxminddb.open_database(city_file) as reader:
            about = reader.metadata()
            knows_places = any(
                from_record(record) != NOWHERE for _, record in islice(reader, RECORDS_TRIED)
            )
    except (ValueError, maxminddb.InvalidDatabaseError) as error:
        raise DownloadError(f"What was downloaded is no city file: {error}") from error
    if not knows_places:
        raise DownloadError(
            f"What was downloaded ({about.database_type}) knows no places. It must be a database "
            "of cities."
        )
    return Release(about.database_type, datetime.fromtimestamp(about.build_epoch, UTC).date())


def swap_in(new: Path, path: Path) -> None:
    with new.open("rb") as file:
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
