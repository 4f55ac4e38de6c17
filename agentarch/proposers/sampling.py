"""The proposer `random`: whole networks drawn from the parts of the seeds, scores ignored. The control arm.

Draws from the same space as `evolve`, and keeps to the same caps, so that what evolution adds is selection.
"""

from __future__ import annotations

import random

from agentarch.design import Design, Proposal
from agentarch.evaluation import Evaluation
from agentarch.proposers.anatomy import Anatomy, NotRecombinableError, arrange
from agentarch.proposers.contract import Context
from agentarch.proposers.cost import estimate_parameters
from agentarch.proposers.edits import Library
from agentarch.proposers.grafting import graft
from agentarch.proposers.operators import MAX_LAYERS, with_width
from agentarch.proposers.parts import sizes, splice
from agentarch.proposers.sizes import WIDTHS, near_values
from agentarch.proposers.variation import is_new, library_of, vary
from agentarch.proposers.writing import headline, short_name, write

ATTEMPTS = 100
"""How many networks are drawn before nothing is proposed."""

_NEW_VALUE_SHARE = 0.3
_MOST_EDITS = 2  # so that shared weights, series and gates come up as in evolution


class Random:
    """Draws networks: a width, a few layers from any seeds, their sizes, and up to two edits."""

    name = "random"

    def propose(self, context: Context) -> Proposal | None:
        """Draw a design that the run has not seen; None when the seeds have no parts to draw."""
        library = library_of(context.seeds)
        if not library:
            return None
        for _ in range(ATTEMPTS):
            try:
                proposal = self._draw(library, context)
            except NotRecombinableError:  # pieces of two designs that do not go together
                continue
            if proposal and is_new(proposal.source, context.known):
                return proposal
        return None

    def learn(self, evaluation: Evaluation, design: Design) -> None:
        """Do nothing: chance does not learn."""

    def _draw(self, library: Library, context: Context) -> Proposal | None:
        rng = context.rng
        network = _network(library, rng)
        if estimate_parameters(network) > context.limits["parameters"]:
            return None
        made = vary(network, library, rng, rng.randint(0, _MOST_EDITS))
        if made is None or estimate_parameters(made.anatomy) > context.limits["parameters"]:
            return None
        return Proposal(
            source=write(
                made.anatomy, "Drawn at random from the parts of the designs that the run started from."
            ),
            name=short_name(made.anatomy, self.name),
            rationale=f"Drawn at random: {headline(made.anatomy)}",
            proposer=self.name,
            operator="sample",
        )


def _network(library: Library, rng: random.Random) -> Anatomy:
    """Put layers of any designs into the frame of one."""
    network = arrange(rng.choice(library).anatomy, (), ())
    parts = []
    for _ in range(rng.randint(2, MAX_LAYERS)):
        donor = rng.choice(library).anatomy
        network, (part,) = graft(network, donor, [_resized(rng.choice(donor.parts), rng)])
        parts.append(part)
    return arrange(with_width(network, rng.choice(WIDTHS)), parts, range(len(parts)))


def _resized(part: str, rng: random.Random) -> str:
    """Return the part with some of its numbers changed by a step."""
    changes = []
    for size in sizes(part):
        values = near_values(size.name, size.value)
        if values and rng.random() < _NEW_VALUE_SHARE:
            changes.append((size.place, repr(rng.choice(values))))
    return splice(part, changes)
