"""How much of a briefing goes into a prompt: all of it where it fits, and less in a stated order where it does not.

The order in which a prompt gives way, each step only as far as is needed:

1. lessons, then effects, failures and decisions, each down to its three most important;
2. sources of elites, last to first: a summary stays;
3. elites, last to first, down to two;
4. the rest of the lessons, effects, failures and decisions, then of the elites;
5. sources in the middle, where a line says so: of what is shown besides (an answer to be mended), then of the second
   parent, then of the first.

Knows nothing of templates; whoever renders says whether the outcome fits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Allowance:
    """How much of each thing may be told.

    Attributes:
        lessons: at most so many.
        effects: at most so many.
        failures: at most so many.
        decisions: at most so many.
        elites: at most so many.
        elite_sources: so many of these with their source.
        extra: characters of an answer or a draft that is shown.
        second: characters of the second parent's source.
        first: characters of the first parent's source.
    """

    lessons: int = 16
    effects: int = 12
    failures: int = 12
    decisions: int = 8
    elites: int = 12
    elite_sources: int = 4
    extra: int = 120_000
    second: int = 120_000
    first: int = 120_000


_STEPS = (
    ("lessons", 3),
    ("effects", 3),
    ("failures", 3),
    ("decisions", 3),
    ("elite_sources", 0),
    ("elites", 2),
    ("lessons", 0),
    ("effects", 0),
    ("failures", 0),
    ("decisions", 0),
    ("elites", 0),
    ("extra", 0),
    ("second", 0),
    ("first", 0),
)


def largest_that_fits(fits: Callable[[Allowance], bool], start: Allowance) -> Allowance | None:
    """Return the most that may be told.

    Args:
        fits: whether a prompt with this allowance fits; never False for less than what it is True for.
        start: what there is.

    Returns:
        An allowance that fits; None where nothing does.
    """
    allowance = start
    if fits(allowance):
        return allowance
    for name, floor in _STEPS:
        most = getattr(allowance, name)
        if most <= floor:
            continue
        least = replace(allowance, **{name: floor})
        if fits(least):
            return _between(fits, allowance, name, floor, most)
        allowance = least
    return None


def _between(
    fits: Callable[[Allowance], bool], allowance: Allowance, name: str, floor: int, most: int
) -> Allowance:
    """Halve the interval between what fits and what does not."""
    grain = 1 if most < 1_000 else 256  # nobody misses fewer characters than that
    while most - floor > grain:
        middle = (floor + most) // 2
        if fits(replace(allowance, **{name: middle})):
            floor = middle
        else:
            most = middle
    return replace(allowance, **{name: floor})
