import argparse
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.urls import reverse
from tqdm import tqdm

from accounts.models import User
from tracking.demo.traffic import MAX_EVENTS, Traffic
from tracking.domains import clean_domain
from tracking.models import DailyStat, DayColumn, Event, OpenVisit, Site, StaleDay, Visit
from tracking.reporting.rollups import reckon
from tracking_project.commands import DatabaseCommand


def number_up_to(limit: int) -> Any:
    def number(text: str) -> int:
        if not (text.isdecimal() and 0 < int(text) <= limit):
            raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to {limit}.")
        return int(text)

    return number


class Command(DatabaseCommand):
    help = (
        "Fill a site with made-up visits, to see what the reports look like. The site is added "
        "if it does not exist."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        # Twice what the dashboard opens with, which compares it with the period before.
        parser.add_argument(
            "--days", type=number_up_to(3650), default=60, help="How many, today included."
        )
        parser.add_argument("--events", type=number_up_to(MAX_EVENTS), default=100_000)
        parser.add_argument("--site", metavar="DOMAIN", default="demo.example.com")
        parser.add_argument(
            "--owner", metavar="EMAIL", help="Whose site it is; without it, the first superuser's."
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="The same number gives the same visits."
        )
        present = parser.add_mutually_exclusive_group()
        present.add_argument(
            "--append", action="store_true", help="Add to the visits that the site has already."
        )
        present.add_argument(
            "--replace",
            action="store_true",
            help="Delete all visits that the site has already, real ones too.",
        )

    def handle(
        self,
        *,
        days: int,
        events: int,
        site: str,
        owner: str | None,
        seed: int,
        append: bool,
        replace: bool,
        **options: Any,
    ) -> None:
        now = datetime.now(UTC)
        target = self.find_or_add_site(site, owner, since=now - timedelta(days=days))
        if replace:
            delete_visits(target)
        elif not append and target.visits.exists():
            raise CommandError(
                f"{target.domain} has visits already. Add to them with --append, or delete them "
                "with --replace."
            )
        with tqdm(total=events, unit=" events", desc=target.domain, disable=None) as progress:
            try:
                for count in Traffic(target, now, days, events, seed).store():
                    progress.update(count)
            except Site.DoesNotExist as error:
                raise CommandError(str(error)) from None
        due = [stale for stale in StaleDay.objects.due(now) if stale.site == target]
        for stale in tqdm(due, "reckoning", unit=" days", disable=None):
            reckon(stale)
        self.stdout.write(
            f"Stored {events} events on {target.domain}, site {target.pk}. See them at"
        )
        self.stdout.write(settings.BASE_URL + reverse("site_dashboard", args=[target.pk]))

    def find_or_add_site(self, text: str, email: str | None, since: datetime) -> Site:
        try:
            domain = clean_domain(text)
        except ValidationError as error:
            raise CommandError(error.message % error.params) from None
        owner = self.find_owner(email) if email else None
        sites = Site.objects.filter(domain=domain, **({"owner": owner} if owner else {}))
        if len(sites) > 1:
            raise CommandError(f"Several people track {domain}. Say whose is meant with --owner.")
        if sites:
            return sites[0]
        owner = owner or User.objects.filter(is_superuser=True, is_active=True).first()
        if owner is None:
            raise CommandError(
                f"Say whose site {domain} is with --owner, or make a superuser first: "
                "manage.py createsuperuser."
            )
        return Site.objects.create(
            owner=owner, domain=domain, time_zone=owner.time_zone, created_at=since
        )

    def find_owner(self, email: str) -> User:
        try:
            return User.objects.get_by_natural_key(email)
        except User.DoesNotExist:
            raise CommandError(f"Nobody has an account with the address {email}.") from None


def delete_visits(site: Site) -> None:
    """By one statement a table: Django would read all rows before it deletes them."""
    with transaction.atomic():
        Site.objects.lock(site.pk)
        for model in (Event, Visit, OpenVisit, DailyStat, DayColumn, StaleDay):
            rows = model._default_manager.filter(site=site)
            rows._raw_delete(rows.db)
