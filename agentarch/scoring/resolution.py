"""How small a difference a task can tell: the noise of scores over seeds, and what it takes to see through it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

POWER, LEVEL = 0.8, 0.05
MIDDLE = (0.05, 0.95)
"""A design whose mean score lies outside of this has hit the floor or the ceiling, where chance has no room to show."""

Scores = Mapping[str, Mapping[int, float]]
"""Scores by design, then by training seed."""


@dataclass(frozen=True)
class NoiseFloor:
    """How much scores vary between training seeds.

    Attributes:
        deviation: standard deviation of one seed's score about the mean of its design.
        designs: those it was pooled over.
        freedom: degrees of freedom behind it.
    """

    deviation: float
    designs: tuple[str, ...]
    freedom: int


def noise_floor(scores: Scores) -> NoiseFloor | None:
    """Return how much scores vary between training seeds, pooled over designs.

    Designs at the floor or the ceiling of the task say nothing of its noise and are left out, unless all are there.

    Args:
        scores: of designs with two seeds or more; others are left out.

    Returns:
        None when no design has two seeds.
    """
    repeated = {name: list(of.values()) for name, of in scores.items() if len(of) > 1}
    inside = {name: of for name, of in repeated.items() if MIDDLE[0] < np.mean(of) < MIDDLE[1]}
    chosen = inside or repeated
    if not chosen:
        return None
    squares = sum(len(of) * float(np.var(of)) for of in chosen.values())
    freedom = sum(len(of) - 1 for of in chosen.values())
    return NoiseFloor(math.sqrt(squares / freedom), tuple(chosen), freedom)


def paired_noise(scores: Scores) -> NoiseFloor | None:
    """Return how much scores vary beyond what a seed does to all designs alike (residual of the two-way layout).

    The difference of two designs on equal seeds varies by the square root of 2 times as much.

    Args:
        scores: of the designs that `noise_floor` chooses, those on the seeds that all of them have.

    Returns:
        None when they are fewer than two, or have fewer than two seeds in common.
    """
    chosen = noise_floor(scores)
    names = chosen.designs if chosen else ()
    seeds = sorted(set.intersection(*(set(scores[name]) for name in names))) if names else []
    if min(len(names), len(seeds)) < 2:
        return None
    freedom = (len(names) - 1) * (len(seeds) - 1)
    table = np.array([[scores[name][seed] for seed in seeds] for name in names])
    residual = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    return NoiseFloor(math.sqrt(float((residual**2).sum()) / freedom), names, freedom)


def largest_by_chance(noise: NoiseFloor, designs: int, seeds: int) -> float:
    """Return the spread from best to worst that so many equal designs exceed one time in 20.

    Tukey's honest significance ("Comparing Individual Means in the Analysis of Variance", 1949): the best and the worst
    of many are far apart by luck alone, and two designs picked for that are to be held against it.

    Args:
        noise: of the designs' scores, paired where they have had the same seeds.
        designs: 2 or more.
        seeds: behind each design's mean.
    """
    return _studentized_range(designs, noise.freedom) * noise.deviation / math.sqrt(seeds)


def smallest_difference(noise: float, seeds: int, power: float = POWER, level: float = LEVEL) -> float:
    """Return the difference of two designs that a paired t-test over so many seeds finds with this power.

    Exact, from the noncentral t distribution (Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988).

    Args:
        noise: standard deviation of the paired differences.
        seeds: of each design, at least 2.
        power: chance of finding it when it is there.
        level: chance of finding one that is not there, two-sided.

    Raises:
        ValueError: fewer than two seeds.
    """
    from scipy import optimize, stats  # half a second to import, and only needed here

    if seeds < 2:
        raise ValueError("a paired test takes two seeds or more")
    freedom = seeds - 1
    threshold = stats.t.ppf(1 - level / 2, freedom)

    def lacks(effect: float) -> float:
        return float(stats.nct.sf(threshold, freedom, effect * math.sqrt(seeds))) - power

    return noise * float(optimize.brentq(lacks, 1e-3, 100.0))


@cache  # a quantile takes a tenth of a second
def _studentized_range(designs: int, freedom: int) -> float:
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(1 - LEVEL, designs, freedom))
