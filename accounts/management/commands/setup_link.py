from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import reverse

from accounts.setup import is_set_up, setup_token


class Command(BaseCommand):
    help = "Prints the link that makes the owner's account; nothing once there is an owner."

    def handle(self, *args: Any, **options: Any) -> None:
        if is_set_up():
            return
        link = settings.BASE_URL + reverse("setup", args=[setup_token()])
        self.stdout.write(f"\n  Make the owner's account here:\n  {self.style.SUCCESS(link)}\n\n")
