import errno
import os
import socket
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from accounts.setup import is_set_up


class Command(BaseCommand):
    help = (
        "Bring the database and the static files up to date, then run the processes of the "
        "Procfile (web server and worker) until stopped by Ctrl-C or SIGTERM."
    )

    def handle(self, **options: Any) -> None:
        os.umask(0o077)  # what is made from here on, by all processes, is for their user alone
        require_free(settings.SERVER_HOST, settings.SERVER_PORT)
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        self.stdout.write(f"\n  Tracking is at {settings.BASE_URL} – press Ctrl-C to stop it.\n")
        if not is_set_up():
            call_command("setup_link")
        self.stdout.flush()
        os.chdir(settings.BASE_DIR)
        os.execv(sys.executable, [sys.executable, "-m", "tracking_project.processes"])  # noqa: S606


def require_free(host: str, port: int) -> None:
    """Two servers would share a port without a word: granian listens with SO_REUSEPORT."""
    try:
        [(family, kind, _, _, address), *_] = socket.getaddrinfo(
            host, None, type=socket.SOCK_STREAM
        )
        with socket.socket(family, kind) as probe:
            # As servers do: connections that were closed a minute ago are no hindrance.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address[0], port, *address[2:]))
    except (OSError, OverflowError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise CommandError(
                f"Port {port} of {host} is taken. Stop what listens there, or choose another: "
                f"make run PORT={port + 1}"
            ) from None
        raise CommandError(f"Nothing can listen on port {port} of {host}: {error}") from None
