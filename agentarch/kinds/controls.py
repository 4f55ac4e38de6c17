"""What a run's finalists are compared with, beside the best seed and the best random proposal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agentarch.design import Contract, Proposal
from agentarch.evaluation import ScoredDesign

TUNED_BASELINE = "tuned baseline"
"""The best seed at the size of the finalist, trained at the best of several learning rates."""


@dataclass(frozen=True)
class Controls:
    """The controls that a kind of design makes for a finish.

    Attributes:
        contract: by which they are read.
        roles: what each is called, in the order that `make` gives them.
        make: returns the controls, given the best seed, the leading finalist, and every scored seed; None for the best
            seed itself.
        has_recipe: whether designs of this kind are trained, so that a learning rate can be tuned.
    """

    contract: Contract
    roles: tuple[str, ...]
    make: Callable[[ScoredDesign, ScoredDesign, Sequence[ScoredDesign]], Sequence[Proposal | None]]
    has_recipe: bool


def network_controls(contract: Contract, most_parameters: float) -> Controls:
    """Return the control for networks: a baseline as large as the finalist, with a tuned learning rate."""

    def make(
        seed: ScoredDesign, finalist: ScoredDesign, known: Sequence[ScoredDesign]
    ) -> Sequence[Proposal | None]:
        from agentarch.proposers.matching import matched_in_size  # only an engine needs it

        measured, wanted = (round(one.descriptors["parameters"]) for one in (seed, finalist))
        return [matched_in_size(seed.design, measured, wanted, round(most_parameters))]

    return Controls(contract, (TUNED_BASELINE,), make, has_recipe=True)
