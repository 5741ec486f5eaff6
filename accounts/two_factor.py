"""How django-allauth's second factor behaves here: codes of an authenticator app, and recovery
codes for when it is not at hand."""

from base64 import urlsafe_b64encode
from hashlib import blake2b

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base import forms as code_forms
from allauth.mfa.totp import forms as app_forms
from cryptography.fernet import Fernet
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.forms import LabelledMixin


class TwoFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps the keys of the apps encrypted: they cannot be hashed, and a copy of the database
    alone shall open no account."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code is not right, or no longer. Type the one shown now."),
        "unverified_email": _("Confirm your e-mail address first: follow the link in our mail."),
    }

    def encrypt(self, text: str) -> str:
        return cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return cipher().decrypt(encrypted_text.encode()).decode()


def cipher() -> Fernet:
    key = blake2b(b"two-factor " + settings.SECRET_KEY.encode(), digest_size=32).digest()
    return Fernet(urlsafe_b64encode(key))


CODE = {"code": _("Code")}


class ActivateForm(LabelledMixin, app_forms.ActivateTOTPForm):  # type: ignore[misc]
    labels = CODE


class AuthenticateForm(LabelledMixin, code_forms.AuthenticateForm):  # type: ignore[misc]
    labels = CODE


class ReauthenticateForm(LabelledMixin, code_forms.ReauthenticateForm):  # type: ignore[misc]
    labels = CODE
