"""Notes what became of the last hits of each site: see RecentHit."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from tracking.models import RecentHit
from tracking.processing.arrivals import Arrival
from tracking.spool import Record
from tracking_project.client_ip import masked

# Of a batch: more would cost what storing costs, and be replaced by the next batch.
NOTED = 100
COLUMNS = ("time", "receiver", "name", "page", "ip", "user_agent", "reason", "rule")


class Received:
    def __init__(self) -> None:
        self._next: Counter[int] = Counter()  # place of a site; in the memory of one worker

    def note(
        self, arrivals: Iterable[Arrival], records: Mapping[int, Record], sites: Collection[int]
    ) -> None:
        """Note the last of these arrivals. In the transaction that stores them."""
        here = [arrival for arrival in arrivals if arrival.site.id in sites]
        here.sort(key=lambda arrival: arrival.id)
        rows: dict[tuple[int, int], RecentHit] = {}
        for arrival in here[-NOTED:]:
            row = self.row_of(arrival, records[arrival.id].receiver)
            rows[row.site_id, row.place] = row
        if rows:
            RecentHit.objects.bulk_create(
                # In an order that two hosts share, so that neither waits for the other for ever.
                [rows[key] for key in sorted(rows)],
                update_conflicts=True,
                unique_fields=["site", "place"],
                update_fields=COLUMNS,
            )

    def row_of(self, arrival: Arrival, receiver: str) -> RecentHit:
        hit, site_id = arrival.hit, arrival.site.pk
        self._next[site_id] = place = (self._next[site_id] + 1) % RecentHit.PLACES
        row = RecentHit(
            site_id=site_id,
            place=place,
            time=hit.time,
            receiver=receiver,
            name=hit.name,
            reason=arrival.reason or "",
            rule=arrival.rule[:100],
        )
        if not arrival.reason or arrival.reason.is_kept:
            row.page = (arrival.page or hit.url)[:500]
            row.ip = masked(hit.ip)
            row.user_agent = hit.user_agent[:300]
        return row
