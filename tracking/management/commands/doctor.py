import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from tracking import doctor
from tracking.health import Sign, State, health
from tracking.models import Site
from tracking_project.commands import DatabaseCommand

WORDS = {State.GOOD: "OK", State.WARNING: "WARNING", State.BAD: "ERROR"}
EXIT_CODES = {State.GOOD: 0, State.WARNING: 1, State.BAD: 2}


class Command(DatabaseCommand):
    help = (
        "Looks for what keeps pages from being counted, and says how to mend it. "
        "Exit code: 0 when all is well, 1 with warnings, 2 with errors."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--site", metavar="DOMAIN", help="Look at this site alone.")
        parser.add_argument("--url", metavar="PAGE", help="A page that should carry the snippet.")

    def handle(self, *, site: str | None, url: str | None, **options: Any) -> None:
        sites = Site.objects.order_by("pk")
        if site:
            sites = sites.filter(domain=site)
            if not sites:
                raise CommandError(f"There is no site {site}.")
        signs = [*health().signs, *doctor.examine(sites, url or "")]
        for sign in signs:
            self.stdout.write(line(sign), self.style_of(sign))
        worst = max(EXIT_CODES[sign.state] for sign in signs)
        if worst:
            sys.exit(worst)

    def style_of(self, sign: Sign) -> Any:
        return {State.GOOD: None, State.WARNING: self.style.WARNING, State.BAD: self.style.ERROR}[
            sign.state
        ]


def line(sign: Sign) -> str:
    text = f"{WORDS[sign.state]:<8}{sign.title}: {sign.value}"
    return f"{text}\n        → {sign.advice}" if sign.advice else text
