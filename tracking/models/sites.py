import hashlib
import secrets
import uuid
from collections.abc import Collection
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import idna
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.validators import RegexValidator
from django.db import connection, models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tracking.domains import validate_domain
from tracking.models.rules import ExclusionRules
from tracking_project.time_zones import validate_time_zone

if TYPE_CHECKING:
    from accounts.models import User


def token_hash(token: str) -> str:
    """Enough for a secret that is random and long: it cannot be guessed from its hash."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


validate_currency = RegexValidator(
    r"^[A-Z]{3}\Z", _("Give the three letters of a currency, as in EUR.")
)


class SiteQuerySet(models.QuerySet["Site"]):
    def visible_to(self, user: "User | AnonymousUser") -> "SiteQuerySet":
        """The sites whose data this person may see."""
        return self.filter(owner_id=user.pk)

    def hold(self, ids: Collection[int]) -> set[int]:
        """Keep sites and their visits from being deleted until the transaction ends; returns
        those that still exist.

        Whoever stores visits or events holds their sites: the rows have no foreign keys that the
        database would check, one by one, when the transaction ends.
        """
        if not ids:
            return set()
        sites = self.filter(pk__in=ids).order_by("pk").values_list("pk", flat=True)
        if connection.vendor != "postgresql":
            return set(sites)
        # KEY SHARE lets the workers of several hosts store for one site at once, which
        # select_for_update cannot ask for.
        sql, parameters = sites.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} FOR KEY SHARE", parameters)
            return {row[0] for row in cursor.fetchall()}

    def lock(self, pk: int) -> None:
        """Wait for those who hold a site, and keep them out until the transaction ends."""
        list(self.select_for_update().filter(pk=pk).values("pk"))


class Site(ExclusionRules):
    """A website that somebody tracks."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="sites",
        verbose_name=_("owner"),
    )
    domain = models.CharField(
        _("domain"),
        max_length=253,
        validators=[validate_domain],
        help_text=_("As in example.com; an address pasted from the browser will do."),
    )
    # Whose page names only its domain is counted for whoever has had it for longest.
    domain_since = models.DateTimeField(_("domain since"), default=timezone.now, editable=False)
    name = models.CharField(
        _("name"), max_length=100, blank=True, help_text=_("Shown instead of the domain.")
    )
    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        default="UTC",
        validators=[validate_time_zone],
        help_text=_("Days in the reports begin at midnight here."),
    )
    keep_ip = models.BooleanField(
        _("keep IP addresses"),
        default=False,
        help_text=_(
            "Store visitors’ IP addresses with their visits. They are personal data: say so in "
            "your privacy notice."
        ),
    )
    is_paused = models.BooleanField(
        _("paused"),
        default=False,
        editable=False,
        help_text=_("Hits are answered as ever, counted as filtered, and dropped."),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    currency = models.CharField(
        _("currency"),
        max_length=3,
        blank=True,
        validators=[validate_currency],
        help_text=_("Of amounts that come without one, as Matomo’s do. Three letters, as in EUR."),
    )
    counting_host = models.CharField(
        _("host name of its own"),
        max_length=253,
        null=True,
        blank=True,
        unique=True,
        validators=[validate_domain],
        help_text=_(
            "A name of this server, as in example.stats.example.net: GoatCounter’s hits that "
            "arrive there belong to this site."
        ),
        error_messages={"unique": _("Another site has this host name.")},
    )
    token_hash = models.CharField(
        _("hash of the token"), max_length=64, null=True, blank=True, unique=True, editable=False
    )

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ["domain"]
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        permissions = [("operate_site", "Can pause, rebuild, empty and transfer sites")]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "domain"],
                name="site_owner_domain",
                violation_error_message=_("You have added this site already."),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.domain

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> "Site":
        site = super().from_db(*args, **kwargs)
        if "domain" in site.__dict__:
            site._stored_domain = site.domain
        return site

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Another domain is had from now on."""
        if getattr(self, "_stored_domain", self.domain) != self.domain:
            self.domain_since = timezone.now()
        super().save(*args, **kwargs)
        self._stored_domain = self.domain

    def get_absolute_url(self) -> str:
        return reverse("site_dashboard", args=[self.pk])

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def ascii_domain(self) -> str:
        """The domain as browsers send it: `bücher.example` is `xn--bcher-kva.example`."""
        return self.domain if self.domain.isascii() else idna.encode(self.domain).decode()

    def new_token(self) -> str:
        """A secret by which servers report for this site; only its hash is kept."""
        token = secrets.token_urlsafe(32)
        self.token_hash = token_hash(token)
        return token

    def today(self) -> date:
        return self.day_of(timezone.now())

    def day_of(self, moment: datetime) -> date:
        """The day of the site's calendar on which an aware `moment` falls."""
        return moment.astimezone(self.zone).date()
