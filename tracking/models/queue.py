from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class QueueFile(models.Model):
    """How far the worker has stored a file of the queue.

    The position is committed in the transaction that stores the events before it: a hit is
    stored once, whenever a process dies. `id` is never used again, so that an event can be
    named by its file and its place in it (see `tracking.processing.numbering`).
    """

    folder = models.UUIDField(
        _("folder"), help_text=_("The spool folder, of which each web host has its own.")
    )
    name = models.CharField(_("name"), max_length=100)
    position = models.PositiveBigIntegerField(_("position"), default=0, help_text=_("In bytes."))

    class Meta:
        verbose_name = _("queue file")
        verbose_name_plural = _("queue files")
        constraints = [models.UniqueConstraint(fields=["folder", "name"], name="queue_file_name")]

    def __str__(self) -> str:
        return gettext("%(name)s at %(position)s") % {"name": self.name, "position": self.position}
