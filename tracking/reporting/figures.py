"""What a day comes to, by the values of one dimension: stored, and added up, as two arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracking.reporting.columns import Numbers, Packed, packed, unpacked
from tracking.reporting.metrics import MEASURES


@dataclass(frozen=True)
class Figures:
    """`values[measure, place]` in the order of `MEASURES`, of what `labels[place]` names."""

    labels: Numbers
    values: Numbers

    @classmethod
    def unpacked(cls, data: Packed) -> "Figures":
        labels, values = unpacked(data)
        return cls(labels, values.reshape(len(MEASURES), -1))

    @classmethod
    def joined(cls, some: Sequence["Figures"]) -> "Figures":
        """Beside each other; the same label may occur again."""
        return cls(
            np.concatenate([one.labels for one in some]),
            np.concatenate([one.values for one in some], axis=1),
        )

    def packed(self) -> bytes:
        return packed([self.labels, self.values.ravel()])

    def measured(self, names: Sequence[str]) -> Numbers:
        """A row for each label, with these measures of it."""
        return self.values[[MEASURES.index(name) for name in names]].T

    def __len__(self) -> int:
        return len(self.labels)
