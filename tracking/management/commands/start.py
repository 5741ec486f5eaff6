import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = (
        "Bring the database and the static files up to date, then run the processes of the "
        "Procfile (web server and worker) until stopped by Ctrl-C or SIGTERM."
    )

    def handle(self, **options: Any) -> None:
        os.umask(0o077)  # what is made from here on, by all processes, is for their user alone
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        self.stdout.write(f"\n  Tracking is at {settings.BASE_URL} – press Ctrl-C to stop it.\n")
        call_command("setup_link")
        self.stdout.flush()
        # honcho would let .env override what the caller set; Django reads it by itself.
        honcho = Path(sys.executable).with_name("honcho")
        os.chdir(settings.BASE_DIR)
        os.execv(honcho, [str(honcho), "--env", os.devnull, "start"])  # noqa: S606
