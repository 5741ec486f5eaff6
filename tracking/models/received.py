"""The last hits that the worker has seen of each site, for whoever looks what becomes of them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from tracking.models.excluded import Reason
from tracking.models.fields import MomentField
from tracking.models.sites import Site


class RecentHit(models.Model):
    """A hit, and what became of it. A site has a few places for them, which are used in turn,
    so that the table cannot grow."""

    PLACES = 20

    site = models.ForeignKey(
        Site, on_delete=models.CASCADE, related_name="recent_hits", db_index=False
    )
    place = models.PositiveSmallIntegerField()
    time = MomentField()
    receiver = models.CharField(max_length=20, blank=True)
    name = models.CharField(max_length=120)
    page = models.CharField(max_length=500, blank=True)
    ip = models.CharField(max_length=40, blank=True, help_text=_("Without its last part."))
    user_agent = models.CharField(max_length=300, blank=True)
    reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    rule = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "place"], name="recent_hit_place"),
        ]

    def __str__(self) -> str:
        return f"{self.time}: {self.name} {self.page}"

    def get_reason(self) -> Reason | None:
        return Reason(self.reason) if self.reason else None
