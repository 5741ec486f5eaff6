from tracking.models.annotations import Annotation
from tracking.models.excluded import CrawlerDay, ExcludedDay, ExcludedHit, Reason
from tracking.models.labels import Label
from tracking.models.open_visits import OpenVisit
from tracking.models.queue import QueueFile
from tracking.models.received import RecentHit
from tracking.models.segments import Segment
from tracking.models.sites import Site
from tracking.models.stats import DailyStat, DayColumn, StaleDay
from tracking.models.visitors import Salt
from tracking.models.visits import Event, Visit

__all__ = [
    "Annotation",
    "CrawlerDay",
    "DailyStat",
    "DayColumn",
    "Event",
    "ExcludedDay",
    "ExcludedHit",
    "Label",
    "OpenVisit",
    "QueueFile",
    "Reason",
    "RecentHit",
    "Salt",
    "Segment",
    "Site",
    "StaleDay",
    "Visit",
]
