"""The proposer `random` for agents: compositions of the seeds drawn blindly, scores ignored. The control arm.

Draws from the same space as `evolve`, and keeps to the same caps, so that what evolution adds is selection.
"""

from __future__ import annotations

from agentarch.design import Design, Proposal
from agentarch.evaluation import Evaluation
from agentarch.proposers.contract import Context
from agentarch.proposers.pipelines.edits import Library
from agentarch.proposers.pipelines.variation import first_new, fits, library_of, proposal, vary

ATTEMPTS = 100
"""How many compositions are drawn before nothing is proposed."""

MOST_EDITS = 4


class PipelineRandom:
    """Draws a seed and as many edits as chance will have, up to four."""

    name = "random"

    def propose(self, context: Context) -> Proposal | None:
        """Draw a design that the run has not seen; None when no seed can be taken apart."""
        library = library_of(context.seeds)
        if not library:
            return None
        return first_new(lambda _: self._draw(library, context), ATTEMPTS, context.known)

    def learn(self, evaluation: Evaluation, design: Design) -> None:
        """Do nothing: chance does not learn."""

    def _draw(self, library: Library, context: Context) -> Proposal | None:
        seed = context.rng.choice(library)
        made = vary(seed, library, context.rng, context.rng.randint(1, MOST_EDITS))
        if made is None or not fits(made.pipeline, context.limits, None, None):
            return None
        account = f"Drawn at random: {seed.name}, {', then '.join(made.accounts)}."
        return proposal(made, account, self.name, "sample", ())
