"""The quality-diversity archive: the best design of every niche (MAP-Elites: Mouret & Clune 2015).

A pure function of the scored designs it is given, in the order they are given; it keeps nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from agentarch.evaluation import ScoredDesign
from agentarch.qd.axes import Axis, Niche, niche_of


class Archive:
    """Elites by niche.

    Args:
        axes: the dimensions of the grid; every design's descriptors must have these names.
    """

    def __init__(self, axes: tuple[Axis, ...]) -> None:
        self.axes = axes
        self._members: dict[Niche, dict[str, ScoredDesign]] = {}
        self._elites: dict[Niche, str] = {}
        self._size = 1
        for axis in axes:
            self._size *= axis.bins

    def add(self, scored: ScoredDesign) -> bool:
        """Add a design, or what has since been learnt of one; return whether it now holds its niche.

        A niche is taken by the higher score at the highest rung both have done; as rungs differ, who holds it
        may depend on the order of additions. A design keeps the niche of the descriptors it is given with, so
        give the same ones when its scores grow.
        """
        niche, name = niche_of(scored.descriptors, self.axes), scored.design.id
        members = self._members.setdefault(niche, {})
        members[name] = scored
        holder = self._elites.get(niche)
        if holder is None or (holder != name and scored.beats(members[holder])):
            self._elites[niche] = name
        elif holder == name:  # its own new score may have lost it the niche
            self._elites[niche] = reduce(
                lambda best, one: one if one.beats(best) else best, members.values()
            ).design.id
        return self._elites[niche] == name

    @property
    def elites(self) -> Mapping[Niche, ScoredDesign]:
        """The holder of every niche that has one."""
        return {niche: self._members[niche][name] for niche, name in self._elites.items()}

    @property
    def coverage(self) -> float:
        """Share of all niches that have an elite."""
        return len(self._elites) / self._size

    @property
    def qd_score(self) -> float:
        """Sum of the elites' scores, those below the trivial baseline counted as 0 (Pugh et al. 2016)."""
        return sum(max(0.0, elite.score.value) for elite in self.elites.values())

    @property
    def best(self) -> ScoredDesign | None:
        """The elite with the best score among those that have climbed highest."""
        return max(self.elites.values(), key=lambda e: (e.rung, e.score.value), default=None)
