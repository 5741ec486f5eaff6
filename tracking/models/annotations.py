from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from tracking.models.sites import Site

if TYPE_CHECKING:
    from accounts.models import User


class AnnotationQuerySet(models.QuerySet["Annotation"]):
    def visible_to(self, user: "User | AnonymousUser") -> "AnnotationQuerySet":
        return self.filter(site__in=Site.objects.visible_to(user))


class Annotation(models.Model):
    """What happened on a day, in a person's words: it stands on the charts of that day."""

    site = models.ForeignKey(
        Site, on_delete=models.CASCADE, related_name="annotations", verbose_name=_("site")
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("author"),
    )
    day = models.DateField(_("day"), help_text=_("Of the site’s calendar."))
    text = models.CharField(
        _("note"), max_length=200, help_text=_("As in “Newsletter sent” or “New prices”.")
    )

    objects = AnnotationQuerySet.as_manager()

    class Meta:
        ordering = ["day", "pk"]
        verbose_name = _("note")
        verbose_name_plural = _("notes")

    def __str__(self) -> str:
        return self.text
