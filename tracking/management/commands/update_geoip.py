import logging
import signal
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tracking.processing.geodata_download import (
    DB_IP_ATTRIBUTION,
    DownloadError,
    db_ip_urls,
    maxmind_url,
    update_city_file,
)


class Command(BaseCommand):
    help = (
        "Download a database of cities to GEOIP_PATH, so that visits get their place: DB-IP's free "
        "one of this month, or MaxMind's GeoLite2 when MAXMIND_LICENSE_KEY is set. A running "
        "worker uses it within seconds. Run this once a month."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--url", help="Take this file instead: .mmdb, .mmdb.gz or .tar.gz, of DB-IP or MaxMind."
        )

    def handle(self, *args: Any, url: str | None, **options: Any) -> None:
        # Ended by a supervisor or a shutdown, it must tidy up behind itself as after Ctrl-C.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        # At DEBUG the HTTP client logs whole URLs, and with them the licence key.
        logging.getLogger("urllib3").setLevel(logging.INFO)
        if url:
            urls = [url]
        elif settings.MAXMIND_LICENSE_KEY:
            urls = [maxmind_url(settings.MAXMIND_LICENSE_KEY)]
        else:
            urls = db_ip_urls(datetime.now(UTC).date())
        try:
            release = update_city_file(settings.GEOIP_PATH, urls)
        except DownloadError as error:
            raise CommandError(f"{error} {self.what_is_left()}") from None
        self.stdout.write(f"{settings.GEOIP_PATH} is {release.kind} of {release.built} now.")
        if "db-ip.com" in urls[0] or release.kind.startswith("DBIP"):
            self.stdout.write(DB_IP_ATTRIBUTION)

    def what_is_left(self) -> str:
        if settings.GEOIP_PATH.exists():
            return "The city file is as it was."
        return (
            f"There is no city file yet: put one at {settings.GEOIP_PATH}, or set GEOIP_PATH to "
            "where one is."
        )
