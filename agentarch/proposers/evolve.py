"""The proposer `evolve`: each seed once, then edits and crosses of what has been scored.

Needs no model. Which designs are worth building upon is the archive's choice: it comes with the context.
"""

from __future__ import annotations

from agentarch.design import Design, Proposal
from agentarch.evaluation import Evaluation, ScoredDesign
from agentarch.proposers.anatomy import NotRecombinableError
from agentarch.proposers.contract import Context
from agentarch.proposers.cost import estimate_parameters
from agentarch.proposers.numbers import change_a_number
from agentarch.proposers.reading import read_anatomy
from agentarch.proposers.seeds import next_seed
from agentarch.proposers.variation import is_new, library_of, plain_name, vary
from agentarch.proposers.writing import short_name, write

ATTEMPTS = 40
"""How many edits are tried before nothing is proposed."""

_TWO_EDITS_SHARE = 0.25
_SEED_SHARE = 0.1  # of edits that start from a seed although there are parents


class Evolve:
    """Writes variations of the context's parents.

    A parent laid out by the convention of `archive/README.md` is recombined part by part; in any other a
    number is changed; one that cannot be read at all is passed over.
    """

    name = "evolve"

    def propose(self, context: Context) -> Proposal | None:
        """Write the next seed, or else a design that the run has not seen; None when no edit gives one."""
        if seed := next_seed(context, self.name):
            return seed
        for attempt in range(ATTEMPTS):
            # Parents that nothing new can be made of must not stop the run: turn to the seeds more and more.
            seed_share = _SEED_SHARE + attempt / ATTEMPTS
            try:
                proposal = self._vary(context, seed_share)
            except NotRecombinableError:  # pieces of two designs that do not go together
                continue
            if proposal and is_new(proposal.source, context.known):
                return proposal
        return None

    def learn(self, evaluation: Evaluation, design: Design) -> None:
        """Do nothing: what was learnt is in the parents that the archive selects."""

    def _vary(self, context: Context, seed_share: float) -> Proposal | None:
        parent, measured = _parent(context, seed_share)
        if parent is None:
            return None
        try:
            read_anatomy(parent.source)
        except NotRecombinableError:
            return self._change_number(parent, measured, context)
        return self._recombine(parent, measured, context)

    def _recombine(self, parent: Design, measured: int | None, context: Context) -> Proposal | None:
        scored = [*context.parents, *context.inspirations]
        library = library_of([*(one.design for one in scored), *context.seeds], without=parent.id)
        before = read_anatomy(parent.source)
        edits = 2 if context.rng.random() < _TWO_EDITS_SHARE else 1
        made = vary(before, library, context.rng, edits)
        if made is None or made.anatomy.gist in [before.gist, *(one.anatomy.gist for one in library)]:
            return None  # an edit may lead back to a seed, whose file is laid out by hand and has another id
        estimate = estimate_parameters(made.anatomy)
        if measured:  # the estimate may overlook something that this family of designs does
            estimate = round(estimate * max(1, measured / estimate_parameters(before)))
        if estimate > context.limits["parameters"]:
            return None
        rationale = f"Made from {plain_name(parent)} by {', then '.join(made.accounts)}."
        relatives = [(plain_name(parent), parent.id), *((one.name, one.id) for one in made.borrowed)]
        lineage = f"Parents: {', '.join(f'{name} ({identity})' for name, identity in relatives)}."
        return Proposal(
            source=write(made.anatomy, rationale, lineage),
            name=short_name(made.anatomy, "-".join(made.operators)),
            rationale=rationale,
            proposer=self.name,
            operator="+".join(made.operators),
            parents=tuple(identity for _, identity in relatives),
        )

    def _change_number(self, parent: Design, measured: int | None, context: Context) -> Proposal | None:
        growth = context.limits["parameters"] / measured if measured else 1.0
        changed = change_a_number(parent.source, context.rng, growth)
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


def _parent(context: Context, seed_share: float) -> tuple[Design | None, int | None]:
    """Choose what to build upon, the first parent most often; with its measured parameters."""
    rng = context.rng
    if context.parents and not (context.seeds and rng.random() < seed_share):
        weights = [0.5**place for place in range(len(context.parents))]
        chosen: ScoredDesign = rng.choices(context.parents, weights)[0]
        return chosen.design, round(chosen.descriptors["parameters"])
    return (rng.choice(context.seeds), None) if context.seeds else (None, None)
