"""The axes of the archive: a measured property, its fixed bounds, and how it is cut into bins."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """One dimension of the archive's grid.

    Attributes:
        name: of the descriptor that is measured.
        low: lower bound; smaller values fall into the first bin.
        high: upper bound; larger values fall into the last bin.
        bins: how many bins.
        log: whether bins are even on a logarithmic scale.
    """

    name: str
    low: float
    high: float
    bins: int
    log: bool = False

    def bin(self, value: float) -> int:
        """Return the bin of a value, from 0 to `bins - 1`.

        Raises:
            ValueError: the value is NaN.
        """
        if math.isnan(value):
            raise ValueError(f"descriptor {self.name!r} is NaN")
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(max(value, self.low))
        share = (min(max(value, low), high) - low) / (high - low)
        return min(int(share * self.bins), self.bins - 1)


Niche = tuple[int, ...]
"""A cell of the grid: one bin an axis."""


def niche_of(descriptors: Mapping[str, float], axes: tuple[Axis, ...]) -> Niche:
    """Return the cell that a design's descriptors fall into.

    Raises:
        KeyError: a descriptor is missing.
    """
    return tuple(axis.bin(descriptors[axis.name]) for axis in axes)
