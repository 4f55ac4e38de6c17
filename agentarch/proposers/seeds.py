"""The proposer `seeds`: every design the run starts from, once, in order. The control that does no search."""

from __future__ import annotations

from agentarch.design import Design, Proposal
from agentarch.evaluation import Evaluation
from agentarch.proposers.contract import Context


class Seeds:
    """Proposes each seed once, then nothing."""

    name = "seeds"

    def propose(self, context: Context) -> Proposal | None:
        """Return the next seed, None after the last."""
        return next_seed(context, self.name)

    def learn(self, evaluation: Evaluation, design: Design) -> None:
        """Do nothing."""


def next_seed(context: Context, proposer: str) -> Proposal | None:
    """Return the first seed that the run has not seen, as a proposal of `proposer`; None after the last."""
    for seed in context.seeds:
        if seed.id not in context.known:
            return Proposal(
                source=seed.source,
                name=seed.name,
                rationale=seed.rationale,
                proposer=proposer,
                operator="seed",
            )
    return None
