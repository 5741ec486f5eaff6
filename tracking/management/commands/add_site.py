from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from accounts.models import User
from tracking.forms.sites import SiteForm
from tracking.models import Site
from tracking.snippet import Snippet
from tracking_project.commands import DatabaseCommand


class Command(DatabaseCommand):
    help = "Adds a site, and prints its ids and the snippet for its pages."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("domain", help="As in example.com; a pasted address will do.")
        parser.add_argument("--owner", metavar="EMAIL", required=True, help="Whose site it is.")
        parser.add_argument("--name", default="", help="Shown instead of the domain.")
        parser.add_argument(
            "--time-zone", metavar="ZONE", help="As in Europe/Berlin; the owner's, when not given."
        )

    def handle(
        self, *, domain: str, owner: str, name: str, time_zone: str | None, **options: Any
    ) -> None:
        try:
            person = User.objects.get_by_natural_key(owner)
        except User.DoesNotExist:
            raise CommandError(f"Nobody has an account with the address {owner}.") from None
        form = SiteForm(
            {"domain": domain, "name": name, "time_zone": time_zone or person.time_zone},
            instance=Site(owner=person),
        )
        if not form.is_valid():
            raise CommandError("\n".join(str(e) for errors in form.errors.values() for e in errors))
        site = form.save()
        self.stdout.write(f"Site:      {site.domain}")
        self.stdout.write(f"Id:        {site.pk}")
        self.stdout.write(f"Public id: {site.public_id}\n\n")
        self.stdout.write(Snippet(site.public_id, settings.BASE_URL, site.domain).script)
