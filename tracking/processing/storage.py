from tracking.processing.open_visits import OpenVisits
from tracking.processing.stored_visits import StoredVisits
from tracking.routers import events_are_in_clickhouse


def stored_visits() -> StoredVisits:
    """Those of this installation."""
    return OpenVisits() if events_are_in_clickhouse() else StoredVisits()
