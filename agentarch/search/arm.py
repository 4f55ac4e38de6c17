"""An arm of a run: the designs of one way of proposing, scored alike and archived apart.

The search and its control spend equal budgets in arms of their own, so that neither builds upon, or is crowded out by,
what the other found. The seeds that a run starts from belong to both.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field

from agentarch.evaluation import ScoredDesign
from agentarch.qd import Archive

SEARCH, RANDOM, BASELINE = "search", "random", "baseline"
"""The search itself; random proposals; what is made at the end to be compared with."""


@dataclass
class Arm:
    """What is known of one arm.

    Attributes:
        name: of the arm.
        archive: its elites.
        scored: its designs with a score on every task, by id.
        evaluations: that were queued for it.
        steps: optimiser steps of those; the measure of its budget, for it is the same on every machine.
        recheck_steps: the steps among them that rechecked an elite.
        cpu_seconds: spent inside its designs.
        climbed: ids of designs that were asked to do a rung, by rung.
    """

    name: str
    archive: Archive
    scored: dict[str, ScoredDesign] = field(default_factory=dict)
    evaluations: int = 0
    steps: int = 0
    recheck_steps: int = 0
    cpu_seconds: float = 0.0
    climbed: dict[int, set[str]] = field(default_factory=dict)
    _ranked: dict[int, list[tuple[float, str]]] = field(default_factory=dict)
    _keys: dict[tuple[int, str], float] = field(default_factory=dict)

    @property
    def mean_steps(self) -> float:
        """Optimiser steps of one of its evaluations, on average."""
        return self.steps / self.evaluations if self.evaluations else 0.0

    def add(self, scored: ScoredDesign) -> bool:
        """Take in a design, or what has since been learnt of one; return whether it now holds its niche."""
        name = scored.design.id
        self.scored[name] = scored
        holds = self.archive.add(scored)
        for rung, score in scored.scores.items():
            ranked = self._ranked.setdefault(rung, [])
            if (rung, name) in self._keys:
                del ranked[bisect_left(ranked, (self._keys[rung, name], name))]
            self._keys[rung, name] = -score.value
            insort(ranked, (-score.value, name))
        return holds

    def send_up(self, rung: int, design_id: str) -> None:
        """Take note that a design was asked to do a rung."""
        self.climbed.setdefault(rung, set()).add(design_id)

    def size(self, rung: int) -> int:
        """Return how many designs have a score at a rung."""
        return len(self._ranked.get(rung, ()))

    def best(self, rung: int, most: int) -> Iterator[ScoredDesign]:
        """Yield so many designs of a rung, best first."""
        for _, name in self._ranked.get(rung, ())[:most]:
            yield self.scored[name]
