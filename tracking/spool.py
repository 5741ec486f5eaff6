"""The queue: append-only files on the local disk, between web processes and the worker.

A hit is one line of JSON, written with one `os.write` before the request is answered, so it
outlives the process. Each web process writes a file of its own and holds a lock on it while it
may still write; the kernel releases the lock however the process ends. A reader that gets the
lock therefore knows that the end of the file is final.

What a power cut may take is bounded by the flusher: a background thread that brings what was
written to the disk several times a second. It also looks whether the folder is full.
"""

import atexit
import contextlib
import fcntl
import logging
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

logger = logging.getLogger(__name__)

NAME = re.compile(r"\d+-\d+-\w+\.log")  # nanoseconds since the epoch, process, chance
MAX_FILE_BYTES = 16 << 20
# Hits hold raw addresses until they are processed: a file is closed after this long, even
# when it is small, so that the worker can remove it.
MAX_FILE_SECONDS = 300


class Record(msgspec.Struct, array_like=True):
    """One line of the queue: what a request that was answered with success had to say.

    Texts from headers are as WSGI gives them (bytes as Latin-1). What was reported is as its
    receiver wants to read it: in `fields`, which is whatever JSON can hold, or still in the
    query string, which costs less to keep than to take apart. `receiver` is empty for our own.
    New fields are added at the end, with a default: lines of the last version must be read.
    """

    site_id: int
    time: float  # seconds since the epoch
    ip: str
    user_agent: str
    referer: str
    prefetch: bool
    query: str = ""
    fields: Any = None
    receiver: str = ""
    objection: str = ""  # how the visitor asked not to be counted, see Hit


encode = msgspec.json.Encoder().encode
encode_lines = msgspec.json.Encoder().encode_lines
decode = msgspec.json.Decoder(Record).decode


@dataclass(eq=False)
class OpenFile:
    descriptor: int
    opened: float = field(default_factory=time.monotonic)
    size: int = 0
    flushed: int = 0


class QueueFull(OSError):
    """As much is waiting in the folder as may."""


class Spool:
    """The writing end, one for each process.

    `max_bytes` is how much may wait in the folder, `flush_seconds` how often it is flushed.
    """

    def __init__(self, folder: Path, max_bytes: int = 1 << 40, flush_seconds: float = 0.2) -> None:
        self.folder = folder
        self.max_bytes, self.flush_seconds = max_bytes, flush_seconds
        self._is_full = False
        self._lock = threading.Lock()
        self._file: OpenFile | None = None
        self._retired: list[OpenFile] = []
        self._flusher: threading.Thread | None = None
        self._closed = threading.Event()

    def append(self, *records: Record) -> None:
        """Keep hits, all or none; raises OSError when they could not be kept."""
        if self._is_full:
            raise QueueFull(f"More than {self.max_bytes} bytes are waiting in {self.folder}.")
        # As a list: of other iterables msgspec 0.22 never gives back the iterator.
        lines = encode_lines(list(records))
        with self._lock:
            file = self._file or self._open()
            try:
                if os.write(file.descriptor, lines) != len(lines):
                    raise OSError("The disk took only a part of the hit.")
            except OSError:
                self._take_back(file)
                raise
            file.size += len(lines)
            if file.size >= MAX_FILE_BYTES:
                self._retire()

    def flush(self) -> None:
        """Bring what was written to the disk; close files that nobody writes to any more."""
        with self._lock:
            if (file := self._file) and time.monotonic() - file.opened > MAX_FILE_SECONDS:
                self._retire()
            retired, self._retired = self._retired, []
            live = self._file
        for file in retired:
            self._sync(file)
            os.close(file.descriptor)
        if live:
            self._sync(live)

    def close(self) -> None:
        self._closed.set()
        with self._lock:
            self._retire()
        self.flush()

    def _open(self) -> OpenFile:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.time_ns()}-{os.getpid()}-{secrets.token_hex(4)}"
        draft = self.folder / f"{name}.tmp"
        descriptor = os.open(
            draft, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )
        # Locked first and named then: a reader never meets a live file without its lock.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        draft.rename(self.folder / f"{name}.log")
        self._file = OpenFile(descriptor)
        if self._flusher is None or self._closed.is_set():
            self._closed.clear()
            self._flusher = threading.Thread(target=self._keep_flushing, daemon=True)
            self._flusher.start()
        return self._file

    def _take_back(self, file: OpenFile) -> None:
        """Remove what was written of a line; else leave it as the last of its file, where
        readers ignore it."""
        try:
            os.ftruncate(file.descriptor, file.size)
        except OSError:
            self._retire()

    def _sync(self, file: OpenFile) -> None:
        size = file.size
        if size != file.flushed:
            try:
                os.fdatasync(file.descriptor)
                file.flushed = size
            except OSError:
                logger.exception("The queue could not be flushed to the disk.")

    def _retire(self) -> None:
        # Only `flush` closes files, so that it never flushes a closed one.
        if self._file:
            self._retired.append(self._file)
            self._file = None

    def measure(self) -> None:
        """Look whether there is room in the folder; several processes fill it."""
        self._is_full = waiting_bytes(self.folder) > self.max_bytes

    def _keep_flushing(self) -> None:
        while not self._closed.wait(self.flush_seconds):
            self.flush()
            self.measure()


_spools: dict[Path, Spool] = {}


@cache  # since settings are slow, and every hit asks
def spool() -> Spool:
    """This process's writing end of the queue in SPOOL_DIR."""
    folder = settings.SPOOL_DIR
    return _spools.setdefault(
        folder, Spool(folder, settings.QUEUE_MAX_BYTES, settings.QUEUE_FSYNC_SECONDS)
    )


@receiver(setting_changed)
def forget_spool(**_: object) -> None:
    spool.cache_clear()


@atexit.register
def close_all() -> None:
    for spool in _spools.values():
        spool.close()


def start_anew() -> None:
    """A forked process shares its parent's locks: it starts files of its own."""
    _spools.clear()
    spool.cache_clear()


os.register_at_fork(after_in_child=start_anew)


@dataclass
class Chunk:
    """Complete lines of a file, from a position on."""

    lines: list[tuple[int, bytes]]  # (offset, line)
    reaches_end: bool  # there is nothing after these lines, at the moment
    is_final: bool  # and nothing will be added


def files(folder: Path) -> list[Path]:
    """The queue's files, oldest first."""
    paths = folder.iterdir() if folder.is_dir() else ()
    return sorted((path for path in paths if NAME.fullmatch(path.name)), key=started)


def waiting_bytes(folder: Path) -> int:
    """How much waits in the queue, stored parts of files that are not finished included."""
    total = 0
    for path in files(folder):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def started(path: Path) -> float:
    """When the file was begun, in seconds since the epoch."""
    return int(path.name.partition("-")[0]) / 1e9


def read(path: Path, position: int, max_bytes: int) -> Chunk:
    """Read complete lines from `position` on; one at least, if there is one."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_final = True
        except BlockingIOError:
            is_final = False
        file.seek(position)
        data = file.read(max_bytes)
        if b"\n" not in data:
            data += file.readline()
        reaches_end = not file.read(1)
    complete, newline, torn = data.rpartition(b"\n")
    # What follows the last newline of a file without a writer was never acknowledged.
    reaches_end &= is_final or not torn
    lines = list(_with_offsets(complete, position)) if newline else []
    return Chunk(lines, reaches_end, is_final)


def _with_offsets(data: bytes, position: int) -> Iterator[tuple[int, bytes]]:
    for line in data.split(b"\n"):
        yield position, line
        position += len(line) + 1
