"""A file that is read into memory, and anew when another one has taken its place."""

from abc import ABC, abstractmethod
from pathlib import Path
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


class WatchedFile(ABC, Generic[T]):
    """May be replaced, removed and put back at any time."""

    SECONDS_BETWEEN_CHECKS = 5.0

    def __init__(self, path: Path) -> None:
        self.path = path
        self._identity: tuple[int, ...] | None = None
        self._content: T | None = None
        self._next_check = 0.0

    @abstractmethod
    def open(self) -> T | None:
        """What the file holds; None, and a word in the log, where it is not usable."""

    def current(self) -> T | None:
        """What the file holds as it is now; None while there is no usable one."""
        now = monotonic()
        if now >= self._next_check:
            self._next_check = now + self.SECONDS_BETWEEN_CHECKS
            identity = self.identity()
            if identity != self._identity:
                self._identity = identity
                self._content = self.open() if identity else None
        return self._content

    def identity(self) -> tuple[int, ...] | None:
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size
