"""How well one list of numbers ranks as another does: for every shortcut that stands in for a real score."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FEWEST_PAIRS = 3


def spearman(xs: Sequence[float | None], ys: Sequence[float | None]) -> float | None:
    """Return the correlation of ranks, -1 to 1, ties at their mean rank (Spearman 1904).

    Args:
        xs: numbers; a pair in which one is None or not finite is left out.
        ys: as many.

    Returns:
        None where it is not defined: fewer than three pairs, or all of one side equal.

    Raises:
        ValueError: there are not as many of the one as of the other.
    """
    pairs = _pairs(xs, ys)
    if pairs is None:
        return None
    from scipy.stats import spearmanr  # half a second to import, for a number that few commands show

    return float(spearmanr(*pairs).statistic)


def kendall(xs: Sequence[float | None], ys: Sequence[float | None]) -> float | None:
    """Return how much more often two pairs agree in order than not, -1 to 1, ties counted out (tau-b: Kendall 1945).

    Arguments, None and errors are those of `spearman`.
    """
    pairs = _pairs(xs, ys)
    if pairs is None:
        return None
    from scipy.stats import kendalltau

    return float(kendalltau(*pairs).statistic)


def _pairs(
    xs: Sequence[float | None], ys: Sequence[float | None]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the complete pairs, None when they are too few or one side is constant."""
    if len(xs) != len(ys):
        raise ValueError(f"{len(xs)} numbers cannot be paired with {len(ys)}")
    complete = [
        (x, y)
        for x, y in zip(xs, ys, strict=True)
        if x is not None and y is not None and math.isfinite(x) and math.isfinite(y)
    ]
    first, second = (np.array([pair[side] for pair in complete], np.float64) for side in (0, 1))
    if len(complete) < FEWEST_PAIRS or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return first, second
