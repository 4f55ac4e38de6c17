"""The proposer `evolve` for agents: each seed once, then edits and crosses of what has been scored.

Needs no model. What may be built upon is the archive's choice: it comes with the context. Among that the best design is
built upon more often than the others.
"""

from __future__ import annotations

from agentarch.design import Design, Proposal
from agentarch.evaluation import Evaluation, best_of
from agentarch.proposers.anatomy import NotRecombinableError
from agentarch.proposers.contract import Context
from agentarch.proposers.numbers import change_a_number
from agentarch.proposers.pipelines.variation import first_new, fits, library_of, material, proposal, vary
from agentarch.proposers.seeds import next_seed
from agentarch.proposers.variation import plain_name

ATTEMPTS = 60
"""How many edits are tried before nothing is proposed."""

_TWO_EDITS_SHARE = 0.25
_SEED_SHARE = 0.1  # of edits that start from a seed although there are parents
_BEST_SHARE = 0.4  # of the others, those that start from the best design that is shown


class PipelineEvolve:
    """Writes variations of what the context shows; of a design that cannot be taken apart, a number is changed."""

    name = "evolve"

    def propose(self, context: Context) -> Proposal | None:
        """Write the next seed, or else a design that the run has not seen; None when no edit gives one."""
        if seed := next_seed(context, self.name):
            return seed
        # Parents that nothing new can be made of must not stop the run: turn to the seeds more and more.
        return first_new(
            lambda attempt: self._vary(context, _SEED_SHARE + attempt / ATTEMPTS), ATTEMPTS, context.known
        )

    def learn(self, evaluation: Evaluation, design: Design) -> None:
        """Do nothing: what was learnt is in the parents that the archive selects."""

    def _vary(self, context: Context, seed_share: float) -> Proposal | None:
        parent, tokens = _parent(context, seed_share)
        if parent is None:
            return None
        try:
            before = material(parent)
        except NotRecombinableError:
            return self._change_number(parent, context)
        scored = [*context.parents, *context.inspirations]
        library = library_of([*(one.design for one in scored), *context.seeds])
        edits = 2 if context.rng.random() < _TWO_EDITS_SHARE else 1
        made = vary(before, library, context.rng, edits)
        if made is None or not fits(made.pipeline, context.limits, before.pipeline, tokens):
            return None
        account = f"Made from {plain_name(parent)} by {', then '.join(made.accounts)}."
        relatives = [(plain_name(parent), parent.id), *((one.name, one.identity) for one in made.borrowed)]
        return proposal(made, account, self.name, "+".join(made.operators), relatives)

    def _change_number(self, parent: Design, context: Context) -> Proposal | None:
        changed = change_a_number(parent.source, context.rng, 1.0)
        if changed is None:
            return None
        source, account = changed
        return Proposal(
            source=source,
            name=f"{plain_name(parent).removesuffix('-tune')}-tune",
            rationale=f"Made from {plain_name(parent)} by {account}.",
            proposer=self.name,
            operator="tune",
            parents=(parent.id,),
        )


def _parent(context: Context, seed_share: float) -> tuple[Design | None, float | None]:
    """Choose what to build upon, the best or the first parent most often; with the tokens it was measured to use."""
    rng = context.rng
    scored = (*context.parents, *context.inspirations)
    best = best_of(scored)
    if best and context.parents and not (context.seeds and rng.random() < seed_share):
        weights = [0.5**place for place in range(len(context.parents))]
        parent = rng.choices(context.parents, weights)[0]
        chosen = (best if rng.random() < _BEST_SHARE else parent).design
    elif context.seeds:
        chosen = rng.choice(context.seeds)
    else:
        return None, None
    return chosen, next((one.descriptors.get("tokens") for one in scored if one.design.id == chosen.id), None)
