"""Scores with their 95% intervals: of one evaluation from its items, and of a design over tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agentarch.evaluation import Score

Z = 1.959964
"""The 97.5% quantile of the normal distribution."""


def score_items(values: NDArray[np.float64], chance: float, ceiling: float) -> Score:
    """Average a metric over items and map it so that `chance` is 0 and `ceiling` is 1.

    A metric that lies within [0, 1] gets Wilson's interval with the effective number of items, which keeps
    a width when every item agrees (Wilson 1927; design effect: Korn & Graubard 1998). Any other gets the
    normal interval of its mean. The interval covers the choice of items, not of training seeds.

    Args:
        values: the metric of each item, `(items,)`, finite; at least one.
        chance: the metric of the trivial baseline.
        ceiling: the metric of a perfect answer; below `chance` for a metric to be minimised.

    Raises:
        ValueError: no items, a value that is not finite, or `chance == ceiling`.
    """
    if len(values) == 0 or not np.isfinite(values).all():
        raise ValueError("a score needs at least one item, each with a finite metric")
    if chance == ceiling:
        raise ValueError("chance and ceiling are equal, so no score can be told from the baseline")
    n, mean = len(values), float(values.mean())
    variance = float(values.var(ddof=1)) if n > 1 else 0.0
    if values.min() >= 0 and values.max() <= 1:
        low, high = _wilson(mean, variance, n)
    else:
        half = Z * math.sqrt(variance / n)
        low, high = mean - half, mean + half
    ends = sorted((_map(low, chance, ceiling), _map(high, chance, ceiling)))
    return Score(_map(mean, chance, ceiling), ends[0], ends[1], n)


def mean_score(scores: Sequence[Score]) -> Score:
    """Average independent scores; the interval combines theirs (MOVER: Zou & Donner 2008).

    Raises:
        ValueError: there are none.
    """
    if not scores:
        raise ValueError("a mean needs at least one score")
    k = len(scores)
    value = sum(s.value for s in scores) / k
    below = math.sqrt(sum((s.value - s.low) ** 2 for s in scores)) / k
    above = math.sqrt(sum((s.high - s.value) ** 2 for s in scores)) / k
    return Score(value, value - below, value + above, min(s.n for s in scores))


def share_interval(count: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95% interval of a share, `count` of `n`."""
    mean = count / n
    return _wilson(mean, mean * (1 - mean), n)


def _map(metric: float, chance: float, ceiling: float) -> float:
    return (metric - chance) / (ceiling - chance)


def _wilson(mean: float, variance: float, n: int) -> tuple[float, float]:
    spread = mean * (1 - mean)
    effective = n * spread / variance if variance > 0 and spread > 0 else float(n)
    effective = max(effective, 1.0)
    centre = (mean + Z**2 / (2 * effective)) / (1 + Z**2 / effective)
    half = Z / (1 + Z**2 / effective) * math.sqrt(spread / effective + Z**2 / (4 * effective**2))
    return max(0.0, min(centre - half, mean)), min(1.0, max(centre + half, mean))
