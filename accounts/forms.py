from collections.abc import Mapping
from typing import Any, ClassVar, cast

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.setup import create_owner
from tracking_project.time_zones import time_zone_choices

EMAIL_LABEL = _("E-mail address")
PASSWORD_HELP = _("At least 10 characters. A few unrelated words make a good password.")
NEW_PASSWORDS = {"password1": _("New password"), "password2": _("New password, once more")}
EMAIL_TAKEN = {"unique": _("There is an account with this e-mail address already.")}


class LabelledMixin:
    """allauth's forms in our words, without placeholders and without links inside of fields."""

    labels: ClassVar[Mapping[str, Any]] = {}
    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = self.labels.get(name, field.label)
            field.help_text = PASSWORD_HELP if name == "password1" else ""
            field.widget.attrs.pop("placeholder", None)


class LoginForm(LabelledMixin, allauth_forms.LoginForm):  # type: ignore[misc]
    labels = {"login": EMAIL_LABEL}


class SignupForm(LabelledMixin, allauth_forms.SignupForm):  # type: ignore[misc]
    labels = {"email": EMAIL_LABEL}
    field_order = ["name", "email", "password1"]

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )

    @transaction.atomic
    def save(self, request: HttpRequest) -> User:
        user: User = super().save(request)
        return user

    def custom_signup(self, request: HttpRequest, user: User) -> None:
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])


class ChangePasswordForm(LabelledMixin, allauth_forms.ChangePasswordForm):  # type: ignore[misc]
    labels = {"oldpassword": _("Current password"), **NEW_PASSWORDS}


class SetPasswordForm(LabelledMixin, allauth_forms.SetPasswordForm):  # type: ignore[misc]
    labels = NEW_PASSWORDS


class ResetPasswordForm(LabelledMixin, allauth_forms.ResetPasswordForm):  # type: ignore[misc]
    labels = {"email": EMAIL_LABEL}


class ResetPasswordKeyForm(LabelledMixin, allauth_forms.ResetPasswordKeyForm):  # type: ignore[misc]
    labels = NEW_PASSWORDS


class ReauthenticateForm(LabelledMixin, allauth_forms.ReauthenticateForm):  # type: ignore[misc]
    """Asks a signed-in person for the password; counts failures like the log-in page."""


class SetupForm(forms.ModelForm):
    """Makes the owner of a fresh server."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=PASSWORD_HELP,
    )

    class Meta:
        model = User
        fields = ["name", "email"]
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "email": forms.EmailInput(attrs={"autocomplete": "email"}),
        }
        error_messages = {"email": EMAIL_TAKEN}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True

    def _post_clean(self) -> None:
        # After the model's own checks, so that the password can be compared with name and e-mail.
        super()._post_clean()  # type: ignore[misc]
        if password := self.cleaned_data.get("password"):
            try:
                validate_password(password, self.instance)
            except forms.ValidationError as error:
                self.add_error("password", error)

    @transaction.atomic
    def save(self, commit: bool = True) -> User:
        return create_owner(self.instance.email, self.cleaned_data["password"], self.instance.name)


class ProfileForm(forms.ModelForm):
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=time_zone_choices,
        help_text=_("Times are shown as they read on a clock there."),
    )
    current_password = forms.CharField(
        label=_("Current password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_("Needed only for another e-mail address."),
    )

    class Meta:
        model = User
        fields = ["name", "time_zone", "email"]
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "email": forms.EmailInput(attrs={"autocomplete": "email"}),
        }
        error_messages = {"email": EMAIL_TAKEN}

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.current_email = self.instance.email

    @property
    def new_email(self) -> str | None:
        email = User.normalize_username(self.cleaned_data.get("email", ""))
        return email if email not in ("", self.current_email) else None

    def clean_current_password(self) -> str:
        """Whoever finds a browser logged in shall not take the account over by a new address."""
        password: str = self.cleaned_data["current_password"]
        user = cast(User, self.request.user)
        if not self.new_email:
            return ""
        if not user.has_usable_password():
            raise forms.ValidationError(
                gettext("Set a password first, then change your e-mail address.")
            )
        if not password:
            raise forms.ValidationError(
                gettext("Type your password to change your e-mail address.")
            )
        if not get_adapter().reauthenticate(user, password):
            raise get_adapter().validation_error("enter_current_password")
        return password

    def validate_unique(self) -> None:
        # With mail, only the owner of an address is told that it has an account.
        if not settings.EMAIL_URL:
            super().validate_unique()

    def save(self, commit: bool = True) -> Any:
        if not (new_email := self.new_email):
            return super().save(commit)
        if not settings.EMAIL_URL:
            with transaction.atomic():
                self.instance.emailaddress_set.all().delete()
                self.instance.emailaddress_set.create(email=new_email, primary=True)
                return super().save(commit)
        # The old address stays in force until the new one has been confirmed.
        self.instance.email = self.current_email
        user = super().save(commit)
        user.emailaddress_set.exclude(email__in=[self.current_email, new_email]).delete()
        EmailAddress.objects.add_email(self.request, user, new_email, confirm=True)
        return user
