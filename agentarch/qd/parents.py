"""Which designs the next proposal is built upon."""

from __future__ import annotations

import random
from collections.abc import Sequence

from agentarch.evaluation import ScoredDesign
from agentarch.qd.archive import Archive

FITNESS_SHARE = 0.5
TOURNAMENT = 3


def choose_parents(archive: Archive, rng: random.Random, count: int) -> tuple[ScoredDesign, ...]:
    """Choose elites to build upon: half by fitness, half uniformly over niches.

    Uniform parents alone are no better than random ones for the first hundred designs, and fit ones alone
    lose the diversity; hence the mixture. The biased half is a tournament (Goldberg & Deb 1991).

    Returns:
        Up to `count` distinct elites; fewer when the archive has fewer.
    """
    left = list(archive.elites.values())
    chosen: list[ScoredDesign] = []
    while left and len(chosen) < count:
        one = _fittest(left, rng) if rng.random() < FITNESS_SHARE else rng.choice(left)
        left.remove(one)
        chosen.append(one)
    return tuple(chosen)


def choose_inspirations(
    archive: Archive, parents: Sequence[ScoredDesign], rng: random.Random, count: int
) -> tuple[ScoredDesign, ...]:
    """Choose further elites to borrow from: the best one, then others uniformly over niches."""
    taken = {parent.design.id for parent in parents}
    left = [elite for elite in archive.elites.values() if elite.design.id not in taken]
    best = archive.best
    first = [best] if best is not None and best in left and count > 0 else []
    others = [elite for elite in left if elite is not best]
    return (*first, *rng.sample(others, min(count - len(first), len(others))))


def _fittest(elites: list[ScoredDesign], rng: random.Random) -> ScoredDesign:
    entrants = rng.sample(elites, min(TOURNAMENT, len(elites)))
    best = entrants[0]
    for entrant in entrants[1:]:
        if entrant.beats(best):
            best = entrant
    return best
