"""A day of a site as columns of numbers, in memory and packed.

Texts are numbers of labels, 0 for none, and each column of them says which labels it has and
which of these each row has: numbers so small that counting them is quick, and packing them
leaves little.
"""

import struct
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from zstandard import ZstdCompressor, ZstdDecompressor

from tracking.reporting.dimensions import DIMENSIONS, Of

Numbers: TypeAlias = NDArray[Any]
Packed: TypeAlias = bytes | memoryview

VISIT_LABELS = tuple(
    dimension.column for dimension in DIMENSIONS.values() if dimension.of is Of.VISIT
)
EVENT_LABELS = ("name", "page", "title", "hostname")
# `own` visits began on that day; the others caused events on it. `own` events happened on that
# day; the others belong to its visits. Times are seconds after midnight in UTC. Events stand in
# the order of their visits, and `visit.listed` says how many each of those has.
VISIT_NUMBERS = ("visitor", "own", "started", "duration", "bounce", "listed")
EVENT_NUMBERS = ("id", "own", "time", "engaged", "scroll")
NAMES = tuple(
    f"{table}.{name}"
    for table, names in (
        ("visit", VISIT_NUMBERS + VISIT_LABELS),
        ("event", EVENT_NUMBERS + EVENT_LABELS),
    )
    for name in names
)
SMALLEST = [np.dtype(kind) for kind in ("u1", "<u2", "<i4", "<i8")]
HEADER = struct.Struct("<3sI")
# Codes of up to so many labels more than there are rows are found without sorting.
SPARE_LABELS = 1 << 21


@dataclass(frozen=True)
class Coded:
    """`labels[codes[row]]` is the label of a row; labels ascend."""

    labels: Numbers
    codes: Numbers

    @classmethod
    def of(cls, ids: Numbers) -> "Coded":
        if not len(ids):
            return cls(np.zeros(0, np.int32), np.zeros(0, np.uint8))
        labels: Numbers
        codes: Numbers
        greatest = int(ids.max())
        if greatest < 4 * len(ids) + SPARE_LABELS:
            present = np.zeros(greatest + 1, bool)
            present[ids] = True
            labels = np.flatnonzero(present)
            places = np.zeros(greatest + 1, np.int32)
            places[labels] = np.arange(len(labels), dtype=np.int32)
            codes = places[ids]
        else:
            labels, codes = np.unique(ids, return_inverse=True)
        return cls(labels.astype(np.int32), narrowed(codes))


class Codec(threading.local):
    """One for each thread, since neither half may be used by two at once."""

    def __init__(self) -> None:
        self.compress = ZstdCompressor(level=3).compress
        self.decompress = ZstdDecompressor().decompress


codec = Codec()


def narrowed(numbers: Numbers) -> Numbers:
    """The same numbers in as few bytes as they need."""
    least, greatest = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
    for kind in SMALLEST:
        if np.iinfo(kind).min <= least and greatest <= np.iinfo(kind).max:
            break
    return numbers.astype(kind, copy=False)


def packed(arrays: Iterable[Numbers]) -> bytes:
    narrow = [narrowed(array) for array in arrays]
    heads = b"".join(HEADER.pack(array.dtype.str.encode(), len(array)) for array in narrow)
    body = codec.compress(b"".join(array.tobytes() for array in narrow))
    return bytes([len(narrow)]) + heads + body


def unpacked(data: Packed) -> list[Numbers]:
    count, view = data[0], memoryview(data)
    place = 1 + count * HEADER.size
    body = codec.decompress(view[place:])
    arrays, offset = [], 0
    for head in range(1, place, HEADER.size):
        kind, length = HEADER.unpack_from(view, head)
        dtype = np.dtype(kind.decode())
        arrays.append(np.frombuffer(body, dtype, length, offset))
        offset += length * dtype.itemsize
    return arrays


class Day:
    """A day of a site; columns may be packed until they are asked for."""

    def __init__(self, date: date, columns: Mapping[str, "Numbers | Coded | Packed"]) -> None:
        self.date = date
        self.columns = dict(columns)

    def numbers(self, name: str) -> Numbers:
        column = self._column(name)
        if not isinstance(column, np.ndarray):
            raise TypeError(f"{name} is a column of labels.")
        return column

    def coded(self, name: str) -> Coded:
        column = self._column(name)
        if not isinstance(column, Coded):
            raise TypeError(f"{name} is a column of numbers.")
        return column

    def _column(self, name: str) -> Numbers | Coded:
        column = self.columns[name]
        if isinstance(column, np.ndarray | Coded):
            return column
        arrays = unpacked(column)
        self.columns[name] = found = Coded(*arrays) if len(arrays) == 2 else arrays[0]
        return found

    def packed(self) -> dict[str, bytes]:
        """All columns, by their names."""
        result = {}
        for name in self.columns:
            column = self._column(name)
            both = [column.labels, column.codes] if isinstance(column, Coded) else [column]
            result[name] = packed(both)
        return result

    @property
    def visits(self) -> int:
        return len(self.numbers("visit.own"))

    @cached_property
    def own_visits(self) -> Numbers:
        return self.numbers("visit.own").astype(bool)

    @cached_property
    def own_events(self) -> Numbers:
        return self.numbers("event.own").astype(bool)

    @cached_property
    def visit_of(self) -> Numbers:
        """The place of each event's visit."""
        return np.repeat(np.arange(self.visits, dtype=np.int32), self.numbers("visit.listed"))

    @cached_property
    def comes_once(self) -> Numbers:
        """Of each visit, whether it is the only one of its visitor."""
        visitor = self.numbers("visit.visitor")
        return np.bincount(visitor)[visitor] == 1 if len(visitor) else np.zeros(0, bool)
