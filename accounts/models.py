from collections.abc import Collection
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tracking_project.time_zones import validate_time_zone


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    @transaction.atomic
    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.create_user(
            email, password, **{"is_staff": True, "is_superuser": True, **fields}
        )
        # Who commands the server need not prove an address by mail, which may not work yet.
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
        return user

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email__iexact=email)


class User(AbstractBaseUser, PermissionsMixin):
    """A person: known by e-mail address, called by name."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", validators=[validate_time_zone]
    )
    is_staff = models.BooleanField(
        _("staff"), default=False, help_text=_("May open the back office (/admin/).")
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Clear this instead of deleting the account.")
    )
    date_joined = models.DateTimeField(_("date joined"), default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_any_case"),
        ]
        permissions = [("operate_user", "Can deactivate users and mail them password links")]

    def __str__(self) -> str:
        return self.get_full_name()

    @classmethod
    def normalize_username(cls, username: str) -> str:
        """Every form stores addresses in lower case: logging in looks for that."""
        return super().normalize_username(username).lower()

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Leaves the address, in lower case by now, to its field, which finds clearer words."""
        super().validate_constraints({*(exclude or ()), "email"})

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] or self.email.split("@")[0]

    def is_last_superuser(self) -> bool:
        """Would the server, without this person, have nobody who may manage it?

        Asks the database, whatever a form may have written into this object by now.
        """
        superusers = User.objects.filter(is_superuser=True)
        others = superusers.filter(is_staff=True, is_active=True).exclude(pk=self.pk)
        return superusers.filter(pk=self.pk).exists() and not others.exists()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)
