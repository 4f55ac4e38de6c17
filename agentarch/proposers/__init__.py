"""What writes proposals: the contract, and the built-in proposers that need no model.

A proposer reads designs as text and writes text. It neither runs a design nor touches the store.
"""

from __future__ import annotations

from agentarch.errors import unknown_name
from agentarch.proposers.contract import Context, Proposer

__all__ = ["PROPOSERS", "Context", "Proposer", "make_proposer"]

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
