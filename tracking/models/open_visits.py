from django.db import models
from django.utils.translation import gettext_lazy as _

from tracking.models.fields import DayField, MomentField, RowNumberField
from tracking.models.sites import Site


class OpenVisit(models.Model):
    """A visit in ClickHouse that further hits may continue, as the worker last knew it.

    ClickHouse has no transactions: what counts of a visit is what stands here, committed
    together with the position in the queue.
    """

    id = RowNumberField(_("id"), primary_key=True)
    site = models.ForeignKey(
        Site,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        db_constraint=False,  # see Site.objects.hold
        verbose_name=_("site"),
    )
    day = DayField(_("day"))
    visitor_id = models.BigIntegerField(_("visitor id"))
    touched_at = MomentField(_("touched at"))
    state = models.BinaryField(_("state"))

    class Meta:
        verbose_name = _("open visit")
        verbose_name_plural = _("open visits")
        indexes = [
            models.Index(fields=["day", "visitor_id"], name="open_visit_day_visitor"),
            models.Index(fields=["touched_at"], name="open_visit_touched"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
