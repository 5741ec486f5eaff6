from django.db import models


class QueueFile(models.Model):
    """How far the worker has stored a file of the queue.

    The position is committed in the transaction that stores the events before it: a hit is
    stored once, whenever a process dies. `id` is never used again, so that an event can be
    named by its file and its place in it (see `tracking.processing.numbering`).
    """

    folder = models.UUIDField(help_text="The spool folder, of which each web host has its own.")
    name = models.CharField(max_length=100)
    position = models.PositiveBigIntegerField(default=0, help_text="In bytes.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["folder", "name"], name="queue_file_name")]

    def __str__(self) -> str:
        return f"{self.name} at {self.position}"
