from typing import Any

from django.conf import settings
from django.urls import reverse

from accounts.setup import is_set_up, setup_token
from tracking_project.commands import DatabaseCommand


class Command(DatabaseCommand):
    help = "Prints the link that makes the owner's account, while there is no owner."

    def handle(self, *args: Any, **options: Any) -> None:
        if is_set_up():
            self.stdout.write("This server has its owner already.")
            return
        link = settings.BASE_URL + reverse("setup", args=[setup_token()])
        self.stdout.write(f"\n  Make the owner's account here:\n  {self.style.SUCCESS(link)}\n\n")
