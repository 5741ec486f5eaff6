from tracking.admin.events import EventAdmin
from tracking.admin.filtered import FilteredHitAdmin
from tracking.admin.log import LogEntryAdmin
from tracking.admin.queue import QueueFileAdmin, SaltAdmin
from tracking.admin.sites import SiteAdmin
from tracking.admin.visits import VisitAdmin

__all__ = [
    "EventAdmin",
    "FilteredHitAdmin",
    "LogEntryAdmin",
    "QueueFileAdmin",
    "SaltAdmin",
    "SiteAdmin",
    "VisitAdmin",
]
