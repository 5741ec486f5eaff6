"""How django-allauth behaves here."""

import logging
from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.core import context as current
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.setup import is_set_up
from tracking_project.client_ip import client_ip

logger = logging.getLogger(__name__)


def registration_open() -> bool:
    """May a stranger make an account? Never before the server has an owner."""
    return settings.REGISTRATION_OPEN and is_set_up()


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account is not active."),
        "email_password_mismatch": _(
            "E-mail address and password do not match. Check both, or set a new password."
        ),
        "email_taken": _(
            "There is an account with this e-mail address already. Log in, or set a new password."
        ),
        "enter_current_password": _("This is not your current password. Type it again."),
        "incorrect_password": _("This is not your password. Type it again."),
        "too_many_login_attempts": _(
            "Too many failed attempts. Wait five minutes, then try again."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return registration_open()

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request.META)

    def is_safe_url(self, url: str) -> bool:
        # allauth's own also takes every name of ALLOWED_HOSTS, so that a link to
        # stats.example.com could lead a person on to whatever runs on their own localhost.
        request = current.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        # Links in mails begin with BASE_URL, never with what a request claims as its host.
        try:
            super().send_mail(template_prefix, email, {**context, "base_url": settings.BASE_URL})
        except (OSError, SMTPException):
            # What was done is done (an account made, say); its mail can be asked for again.
            logger.exception("A mail could not be sent.")
            messages.error(
                current.request,
                gettext(
                    "The mail could not be sent. Try again later, or ask whoever runs this server."
                ),
            )

    def send_confirmation_mail(
        self, request: HttpRequest, emailconfirmation: EmailConfirmation, signup: bool
    ) -> None:
        # Who wants an address that belongs to another account sees no difference.
        address = emailconfirmation.email_address
        holders = User.objects.filter(email__iexact=address.email)
        if holders.exclude(pk=address.user_id).exists():
            self.send_account_already_exists_mail(address.email)
        else:
            super().send_confirmation_mail(request, emailconfirmation, signup)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        # allauth asks only its own table, which lacks people made in the back office or a shell;
        # and it is not alone: whoever writes the address first has it.
        try:
            with transaction.atomic():
                person = User.objects.filter(pk=email_address.user_id)
                person.update(email=email_address.email)
        except IntegrityError:
            template = "account/messages/email_confirmation_failed.txt"
            self.add_message(request, messages.ERROR, template, {"email": email_address.email})
            return False
        return bool(super().confirm_email(request, email_address))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("profile")
