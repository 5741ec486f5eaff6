import argparse
import logging
from datetime import date
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from tracking.models import Site, StaleDay
from tracking.reporting import rollups
from tracking.routers import events_are_in_clickhouse
from tracking_project.commands import DatabaseCommand

logger = logging.getLogger(__name__)


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a day as in 2026-03-31.") from None


class Command(DatabaseCommand):
    help = (
        "Reckon the figures of days that are over, so that reports are quick. The worker does that "
        "by itself; without options this does what is due now."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--site", metavar="DOMAIN", help="Of this site only.")
        parser.add_argument("--from", type=day, metavar="DAY", dest="first")
        parser.add_argument("--to", type=day, metavar="DAY", dest="last")
        parser.add_argument(
            "--check",
            action="store_true",
            help="Change nothing; tell where what is stored differs from visits and events.",
        )

    def handle(
        self,
        *,
        site: str | None,
        first: date | None,
        last: date | None,
        check: bool,
        verbosity: int,
        **options: Any,
    ) -> None:
        self.is_quiet = not verbosity
        if events_are_in_clickhouse():
            self.stdout.write("ClickHouse answers from visits and events; nothing is reckoned.")
            return None
        if check:
            return self.check_days(list(self.days(site, first, last)))
        if not (site or first or last):
            stale = StaleDay.objects.due(timezone.now())
        else:
            stale = [self.noted(*one) for one in self.days(site, first, last)]
        done = [self.reckon(one) for one in self.progress(stale)]
        if verbosity:
            self.stdout.write(f"Reckoned {done.count(True)} days.")
        if failed := done.count(None):
            raise CommandError(f"{failed} days could not be reckoned; the log says why.")

    def reckon(self, stale: StaleDay) -> bool | None:
        """None of a day that cannot be reckoned: it must not hold up the others."""
        try:
            return rollups.reckon(stale)
        except Exception:
            logger.exception("%s of %s could not be reckoned", stale, stale.site)
            return None

    def days(self, domain: str | None, first: date | None, last: date | None) -> Any:
        sites = Site.objects.filter(**({"domain": domain} if domain else {}))
        if not sites:
            raise CommandError(f"There is no site {domain}." if domain else "There is no site yet.")
        for site in sites:
            for one in rollups.closed_days(site, first, last):
                yield site, one

    def noted(self, site: Site, day: date) -> StaleDay:
        StaleDay.objects.note(site, [day])
        return StaleDay.objects.select_related("site").get(site=site, day=day)

    def check_days(self, days: list[tuple[Site, date]]) -> None:
        wrong = [
            f"{site} on {day}: {', '.join(found)}"
            for site, day in self.progress(days)
            if (found := rollups.differences(site, day))
        ]
        for line in wrong:
            self.stdout.write(line)
        if wrong:
            raise CommandError(
                f"{len(wrong)} of {len(days)} days differ. Reckon them again: manage.py rollup "
                "--site … --from … --to …"
            )
        self.stdout.write(f"{len(days)} days are as their visits and events say.")

    def progress(self, days: list[Any]) -> Any:
        return tqdm(days, unit=" days", disable=self.is_quiet or None)
