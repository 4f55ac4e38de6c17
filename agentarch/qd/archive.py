"""The quality-diversity archive: the best design of every niche (MAP-Elites: Mouret & Clune 2015).

A pure function of the scored designs it is given, in the order they are given; it keeps nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agentarch.evaluation import ScoredDesign, best_of
from agentarch.qd.axes import Axis, Niche, niche_of


class Archive:
    """Elites by niche.

    Args:
        axes: the dimensions of the grid; every design's descriptors must have these names.
        takes: whether a challenger takes a niche from its holder; without it, a higher score is enough.
    """

    def __init__(
        self,
        axes: tuple[Axis, ...],
        takes: Callable[[ScoredDesign, ScoredDesign], bool] = ScoredDesign.beats,
    ) -> None:
        self.axes = axes
        self._takes = takes
        self._members: dict[Niche, dict[str, ScoredDesign]] = {}
        self._elites: dict[Niche, str] = {}
        self._challengers: dict[Niche, str] = {}
        self._size = 1
        for axis in axes:
            self._size *= axis.bins

    def add(self, scored: ScoredDesign) -> bool:
        """Add a design, or what has since been learnt of one; return whether it now holds its niche.

        As evidence and rungs differ, who holds a niche may depend on the order of additions. A design keeps the
        niche of the descriptors it is given with, so give the same ones when its scores grow.
        """
        niche, name = niche_of(scored.descriptors, self.axes), scored.design.id
        members = self._members.setdefault(niche, {})
        members[name] = scored
        holder = members[self._elites.setdefault(niche, name)]
        # A holder's own new score may have lost it the niche to any other.
        rivals = members.values() if holder is scored else (scored,)
        for rival in rivals:
            if rival is not holder and self._takes(rival, holder):
                holder = rival
        self._elites[niche] = holder.design.id
        if holder is not scored and scored.beats(holder):
            self._challengers[niche] = name
        elif (challenger := self._challengers.get(niche)) and not members[challenger].beats(holder):
            del self._challengers[niche]
        return holder is scored

    @property
    def contested(self) -> Mapping[Niche, ScoredDesign]:
        """By niche, the last design that scored higher than the holder, but not so that it took the niche."""
        return {niche: self._members[niche][name] for niche, name in self._challengers.items()}

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
        return best_of(self.elites.values())
