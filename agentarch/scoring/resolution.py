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


def noise_of_differences(scores: Scores) -> float | None:
    """Return the standard deviation of the difference of two designs on equal seeds, pooled over pairs of designs.

    Args:
        scores: the pair's seeds are those that both have.

    Returns:
        None when no two designs have two seeds in common.
    """
    chosen = noise_floor(scores)
    names = chosen.designs if chosen else ()
    squares, freedom = 0.0, 0
    for number, one in enumerate(names):
        for other in names[:number]:
            both = scores[one].keys() & scores[other].keys()
            if len(both) > 1:
                differences = [scores[one][seed] - scores[other][seed] for seed in both]
                squares += len(both) * float(np.var(differences))
                freedom += len(both) - 1
    return math.sqrt(squares / freedom) if freedom else None


def largest_by_chance(floor: NoiseFloor, designs: int, seeds: int) -> float:
    """Return the spread from best to worst that so many equal designs exceed one time in 20.

    Tukey's honest significance ("Comparing Individual Means in the Analysis of Variance", 1949): the best and the worst
    of many are far apart by luck alone, and two designs picked for that are to be held against it.

    Args:
        floor: of the designs' scores.
        designs: 2 or more.
        seeds: behind each design's mean.
    """
    return _studentized_range(designs, floor.freedom) * floor.deviation / math.sqrt(seeds)


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
