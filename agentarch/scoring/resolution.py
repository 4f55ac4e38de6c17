"""How small a difference a task can tell: the noise of scores over seeds, and what it takes to see through it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

POWER, LEVEL = 0.8, 0.05
MIDDLE = (0.05, 0.95)
"""A design whose mean score lies outside of this has hit the floor or the ceiling, where chance has no room to show."""

Scores = Mapping[str, Mapping[int, float]]
"""Scores by design, then by training seed."""


def noise_floor(scores: Scores) -> tuple[float, tuple[str, ...]] | None:
    """Return the standard deviation of a score over training seeds, pooled over designs, and which designs.

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
    return math.sqrt(squares / freedom), tuple(chosen)


def noise_of_differences(scores: Scores) -> float | None:
    """Return the standard deviation of the difference of two designs on equal seeds, pooled over pairs of designs.

    Args:
        scores: the pair's seeds are those that both have.

    Returns:
        None when no two designs have two seeds in common.
    """
    chosen = noise_floor(scores)
    names = chosen[1] if chosen else ()
    squares, freedom = 0.0, 0
    for number, one in enumerate(names):
        for other in names[:number]:
            both = scores[one].keys() & scores[other].keys()
            if len(both) > 1:
                differences = [scores[one][seed] - scores[other][seed] for seed in both]
                squares += len(both) * float(np.var(differences))
                freedom += len(both) - 1
    return math.sqrt(squares / freedom) if freedom else None


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
