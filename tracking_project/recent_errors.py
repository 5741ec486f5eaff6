"""The errors of the last day, so that the back office can show them without a shell.

Each is a line in a file of its day in DATA_DIR/errors; all processes append to it.
"""

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from django.conf import settings

from tracking_project.logs import SECRETS, escape

# Of a day: an error that repeats itself for ever shall not fill the disk.
MAX_BYTES = 256 << 10
MAX_TEXT = 300
DAY = timedelta(days=1)


@dataclass(frozen=True)
class LoggedError:
    time: datetime
    url: str
    message: str


@dataclass(frozen=True)
class RecentErrors:
    """Newest first. If not `all_kept`, there were more than these."""

    errors: list[LoggedError]
    all_kept: bool


class RecentErrorsHandler(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.exc_info and (error := record.exc_info[1]):
            message += f" {type(error).__name__}: {error}"
        url = str(getattr(record, "url", "-"))
        line = "\t".join((f"{record.created:.3f}", escape(url), escape(message)[:MAX_TEXT].strip()))
        # What cannot be written here is on the console all the same.
        with contextlib.suppress(OSError):
            append(SECRETS.sub(r"\1\2***", line))


def append(line: str) -> None:
    path = file_of(datetime.now(UTC).date())
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in path.parent.glob("*.log"):
            if old.stem < (datetime.now(UTC).date() - DAY).isoformat():
                old.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_size < MAX_BYTES:
            os.write(descriptor, line.encode(errors="replace") + b"\n")
    finally:
        os.close(descriptor)


def recent_errors() -> RecentErrors:
    """Those of the last 24 hours, of all processes of this host."""
    since = time.time() - DAY.total_seconds()
    today = datetime.now(UTC).date()
    paths = [file_of(today - DAY), file_of(today)]
    errors = [
        error for path in paths for error in errors_in(path) if error.time.timestamp() >= since
    ]
    return RecentErrors(errors[::-1], all(size_of(path) < MAX_BYTES for path in paths))


def errors_in(path: Path) -> Iterator[LoggedError]:
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:
        return
    for line in text.splitlines():
        created, _, rest = line.partition("\t")
        url, _, message = rest.partition("\t")
        with contextlib.suppress(ValueError):
            yield LoggedError(datetime.fromtimestamp(float(created), UTC), url, message)


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def file_of(day: date) -> Path:
    return Path(settings.DATA_DIR) / "errors" / f"{day.isoformat()}.log"
