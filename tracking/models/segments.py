from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tracking.models.sites import Site

if TYPE_CHECKING:
    from accounts.models import User


class SegmentQuerySet(models.QuerySet["Segment"]):
    def visible_to(self, user: "User | AnonymousUser") -> "SegmentQuerySet":
        """One's own segments, and those for everyone, of the sites that one may see."""
        return self.filter(
            Q(author_id=user.pk) | Q(is_shared=True), site__in=Site.objects.visible_to(user)
        )


class Segment(models.Model):
    """Filters of a site's reports under a name."""

    site = models.ForeignKey(
        Site, on_delete=models.CASCADE, related_name="segments", verbose_name=_("site")
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        editable=False,
        related_name="segments",
        verbose_name=_("author"),
    )
    name = models.CharField(_("name"), max_length=60)
    filters = models.JSONField(
        _("filters"), editable=False, help_text=_("As they stand in a report’s address.")
    )
    is_shared = models.BooleanField(
        _("for everyone"), default=False, help_text=_("Whoever sees this site can choose it.")
    )

    objects = SegmentQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        constraints = [
            models.UniqueConstraint(
                fields=["site", "author", "name"],
                name="segment_site_author_name",
                violation_error_message=_("You have a segment of this name already."),
            )
        ]

    def __str__(self) -> str:
        return self.name
