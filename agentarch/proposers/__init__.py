"""What writes proposals: the contract, and the built-in proposers that need no model.

A proposer reads designs as text and writes text. It neither runs a design nor touches the store.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from agentarch.design import Design, Proposal
from agentarch.errors import unknown_name
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
        inspirations: further scored designs worth borrowing from.
        known: ids of every design the run has seen; proposing one again is refused as a duplicate.
        max_parameters: the smallest cap on parameters among the run's tasks and rungs.
        evaluations_left: what is left of the budget; None when it is not limited by evaluations.
    """

    rng: random.Random
    number: int
    seeds: tuple[Design, ...]
    parents: tuple[ScoredDesign, ...]
    inspirations: tuple[ScoredDesign, ...]
    known: Collection[str]
    max_parameters: int
    evaluations_left: int | None


class Proposer(Protocol):
    """Writes proposals and may learn from their evaluations.

    Attributes:
        name: what `--proposer` takes, and what is recorded with each proposal.
    """

    name: str

    def propose(self, context: Context) -> Proposal | None:
        """Write the next proposal, or return None when there is nothing (more) to propose.

        Must be deterministic in `context`. Raises nothing that a design's source can provoke: a parent
        that cannot be built upon is passed over.
        """
        ...

    def learn(self, evaluation: Evaluation) -> None:
        """Take note of an evaluation of any design of the run; may do nothing."""
        ...


PROPOSERS = ("evolve", "random", "seeds")
"""The names of the built-in proposers that need no model."""


def make_proposer(name: str) -> Proposer:
    """Return a built-in proposer by its name; its module is loaded only now.

    Raises:
        agentarch.errors.UsageError: no proposer has that name; the message says the nearest one.
    """
    match name:
        case "evolve":
            from agentarch.proposers.evolve import Evolve

            return Evolve()
        case "random":
            from agentarch.proposers.sampling import Random

            return Random()
        case "seeds":
            from agentarch.proposers.seeds import Seeds

            return Seeds()
        case _:
            raise unknown_name("proposer", name, PROPOSERS)
