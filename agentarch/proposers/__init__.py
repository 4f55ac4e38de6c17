"""What writes proposals: the contract, and the built-in proposers that need no model.

A proposer reads designs as text and writes text. It neither runs a design nor touches the store.
"""

from __future__ import annotations

from collections.abc import Mapping

from agentarch.errors import UsageError, unknown_name
from agentarch.proposers.contract import Context, Proposer

__all__ = ["PROPOSERS", "Context", "Proposer", "make_proposer"]

PROPOSERS: Mapping[str, tuple[str, ...]] = {
    "network": ("evolve", "random", "seeds"),
    "agent": ("edges", "evolve", "layers", "random", "seeds"),
}
"""The names of the built-in proposers that need no model, by the kind of design that they write."""


def make_proposer(name: str, kind: str = "network") -> Proposer:
    """Return a built-in proposer by its name; its module is loaded only now.

    Args:
        name: of the proposer.
        kind: of design that it is to write.

    Raises:
        agentarch.errors.UsageError: no proposer has that name, and the message says the nearest one; or it does
            not write this kind of design.
    """
    if kind not in PROPOSERS:
        raise unknown_name("kind of design", kind, PROPOSERS)
    if name not in PROPOSERS[kind]:
        kinds = [other for other, names in PROPOSERS.items() if name in names]
        if kinds:
            raise UsageError(
                f"the proposer {name!r} writes designs of kind {kinds[0]!r}, and the run's are of kind {kind!r}; "
                f"take one of {', '.join(PROPOSERS[kind])}"
            )
        raise unknown_name("proposer", name, PROPOSERS[kind])
    match kind, name:
        case "network", "evolve":
            from agentarch.proposers.evolve import Evolve

            return Evolve()
        case "network", "random":
            from agentarch.proposers.sampling import Random

            return Random()
        case "agent", "evolve":
            from agentarch.proposers.pipelines.evolve import PipelineEvolve

            return PipelineEvolve()
        case "agent", "random":
            from agentarch.proposers.pipelines.sampling import PipelineRandom

            return PipelineRandom()
        case "agent", "edges":
            from agentarch.proposers.pipelines.edges import EdgeSwarm

            return EdgeSwarm()
        case "agent", "layers":
            from agentarch.proposers.pipelines.layers import LayerSearch

            return LayerSearch()
        case _:
            from agentarch.proposers.seeds import Seeds

            return Seeds()
