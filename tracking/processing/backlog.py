"""What waits in a spool folder, in order of time, and how far it has been stored."""

import fcntl
import logging
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import msgspec

from tracking import spool
from tracking.models import QueueFile
from tracking.processing.numbering import event_id
from tracking.spool import Record

logger = logging.getLogger(__name__)

LOCK = "worker.lock"
REJECTED = "rejected.jsonl"


class FolderInUse(Exception):
    """Another worker is at work on this spool folder."""


class PositionMoved(Exception):
    """These hits have been stored by somebody else in the meantime."""


@dataclass
class Batch:
    """Records that are stored in one transaction, together with the positions after them."""

    records: list[tuple[int, Record]] = field(default_factory=list)  # (event id, record)
    positions: list[tuple[QueueFile, int]] = field(default_factory=list)
    finished: list[QueueFile] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.positions or self.finished)


class Backlog:
    """The reading end of the queue. As a context manager it holds the folder's lock.

    The database would refuse a second worker's work anyway (see `store_positions`); the lock
    spares it the trouble.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, QueueFile] = {}

    def __enter__(self) -> "Backlog":
        """Raises FolderInUse."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = (self.folder / LOCK).open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise FolderInUse(str(self.folder)) from None
        # The file also names the folder: several hosts may keep their positions in one database.
        self._lock.seek(0)
        if not (name := self._lock.read()):
            name = str(uuid.uuid4())
            self._lock.write(name)
            self._lock.flush()
            os.fsync(self._lock.fileno())
        self.folder_id = uuid.UUID(name)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.close()

    def beat(self) -> None:
        """Leave a sign of life: the time of the lock's file."""
        os.utime(self._lock.fileno())

    def next_batch(self, max_bytes: int) -> Batch:
        """Read what waits, about `max_bytes` of it, in the order in which it arrived.

        A visitor's hits may stand in the files of several web processes. When one of them has
        more than fits, the others are only read up to the same moment.
        """
        batch = Batch()
        chunks = []
        horizon = float("inf")
        settled, unsettled = 0, list[tuple[float, int]]()  # (time, bytes) of a line
        for path in spool.files(self.folder):
            began = spool.started(path)
            settled += sum(size for time, size in unsettled if time <= began)
            unsettled = [line for line in unsettled if line[0] > began]
            if settled >= max_bytes:
                # Enough for a batch is older than this file and all that follow.
                horizon = min(horizon, began)
            if began >= horizon:
                break
            file = self._file(path.name)
            chunk = spool.read(path, file.position, max_bytes)
            records = [self._decoded(file, offset, line) for offset, line in chunk.lines]
            unsettled += [(record.time, len(line)) for _, line, record in records if record]
            if not chunk.reaches_end:
                times = [record.time for _, _, record in records if record]
                horizon = min(horizon, max(times, default=horizon))
            chunks.append((file, chunk, records))
        for file, chunk, records in chunks:
            # Up to the last line that is due, not the first that is not: a clock that was set
            # back must not put a line in the way of those behind it for ever.
            due = [not record or record.time <= horizon for _, _, record in records]
            count = len(due) - due[::-1].index(True) if True in due else 0
            position = file.position
            for offset, line, record in records[:count]:
                if record:
                    batch.records.append((event_id(file, offset), record))
                position = offset + len(line) + 1
            if count == len(records) and chunk.is_final and chunk.reaches_end:
                batch.finished.append(file)
            if position != file.position:
                batch.positions.append((file, position))
        batch.records.sort(key=lambda numbered: (numbered[1].time, numbered[0]))
        return batch

    def store_positions(self, batch: Batch) -> None:
        """Note how far the batch goes; belongs into the transaction that stores it.

        Raises PositionMoved, to roll that back, if somebody else was quicker.
        """
        for file, position in batch.positions:
            moved = QueueFile.objects.filter(pk=file.pk, position=file.position)
            if not moved.update(position=position):
                raise PositionMoved(file.name)

    def clear_away(self, batch: Batch) -> None:
        """After the commit: remember the positions, remove the files that are done with.

        First the file, then its position: in the other order a crash between the two would
        have the file stored once more.
        """
        for file, position in batch.positions:
            file.position = position
        for file in batch.finished:
            (self.folder / file.name).unlink(missing_ok=True)
            file.delete()
            del self._files[file.name]

    def reject(self, record: Record, error: Exception) -> None:
        """Put a hit that cannot be stored where a person can look at it; it is not read again.

        On the disk before the positions are committed: a hit may come here twice, but is not
        lost. The visitor's address is left out, here and in the log.
        """
        line = spool.encode(msgspec.structs.replace(record, ip="")) + b"\n"
        with (self.folder / REJECTED).open("ab") as rejected:
            rejected.write(line)
            rejected.flush()
            os.fsync(rejected.fileno())
        logger.error("A hit could not be stored and is in %s: %s", REJECTED, type(error).__name__)

    def forget_positions(self) -> None:
        """After a failure: ask the database again."""
        self._files.clear()

    def remove_orphans(self) -> None:
        """Forget the positions of files that are gone: a worker ended right after removing them."""
        names = [path.name for path in spool.files(self.folder)]
        QueueFile.objects.filter(folder=self.folder_id).exclude(name__in=names).delete()

    def _file(self, name: str) -> QueueFile:
        file = self._files.get(name)
        if file is None:
            file, _ = QueueFile.objects.get_or_create(folder=self.folder_id, name=name)
            self._files[name] = file
        return file

    def _decoded(
        self, file: QueueFile, offset: int, line: bytes
    ) -> tuple[int, bytes, Record | None]:
        try:
            return offset, line, spool.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            logger.error("%s has an unreadable line at %d; it is left out.", file.name, offset)
            return offset, line, None
