"""Hits for tests: put into the queue as the collector does, and processed as the worker does."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from tracking.models import Site
from tracking.processing.backlog import Backlog
from tracking.processing.worker import Worker
from tracking.spool import Record, Spool

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


def record(
    site: Site,
    time: datetime = NOON,
    ip: str = "1.2.3.4",
    user_agent: str = FIREFOX,
    prefetch: bool = False,
    objection: str = "",
    **fields: Any,
) -> Record:
    """A page view of `/`, unless `url`, `referrer` or `event` is given."""
    fields.setdefault("url", f"https://{site.domain}/")
    return Record(
        site.pk, time.timestamp(), ip, user_agent, "", prefetch, fields=fields, objection=objection
    )


def put(*records: Record, folder: Path | None = None) -> None:
    """Into the queue, from a process that has ended."""
    spool = Spool(folder or settings.SPOOL_DIR)
    for one in records:
        spool.append(one)
    spool.close()


def process(folder: Path | None = None) -> Worker:
    """Let a worker store all that waits."""
    with Backlog(folder or settings.SPOOL_DIR) as backlog:
        worker = Worker(backlog)
        while worker.process_batch():
            pass
    return worker


def process_hits(*records: Record) -> Worker:
    put(*records)
    return process()
