"""The proposer contract: what one is told, and what it must do."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from agentarch.design import Design, Proposal
from agentarch.evaluation import Evaluation, ScoredDesign


@dataclass(frozen=True)
class Context:
    """What a proposer is told.

    Attributes:
        rng: the only source of chance; seeded by the run's seed and this proposal's number, so that a
            resumed run draws what the uninterrupted one would have drawn.
        number: proposals made in this run so far.
        seeds: designs the run starts from.
        parents: designs chosen to be built upon, most important first; empty before any was scored.
        inspirations: further scored designs, the best one among them if it is no parent; worth borrowing from.
        known: ids of every design the run has seen; proposing one again is refused as a duplicate.
        limits: the most a design may measure, by descriptor; e.g. `parameters`, the smallest cap among the
            run's tasks and rungs.
        evaluations_left: what is left of the budget; None when it is not limited by evaluations.
    """

    rng: random.Random
    number: int
    seeds: tuple[Design, ...]
    parents: tuple[ScoredDesign, ...]
    inspirations: tuple[ScoredDesign, ...]
    known: Collection[str]
    limits: Mapping[str, float]
    evaluations_left: int | None


class Proposer(Protocol):
    """Writes proposals and may learn from their evaluations.

    Attributes:
        name: what `--proposer` takes, and what is recorded with each proposal.
    """

    name: str

    def propose(self, context: Context) -> Proposal | None:
        """Write the next proposal, or return None for lack of one; asked again, chance may have another.

        Must be deterministic in `context`. Raises nothing that a design's source can provoke: a parent
        that cannot be built upon is passed over.
        """
        ...

    def learn(self, evaluation: Evaluation, design: Design) -> None:
        """Take note of an evaluation of a design that is its own or that the run started from; may do nothing.

        When a run is resumed, all that came before is told again, in the order in which it came.
        """
        ...
