"""What a proposal is to be: which operator and model, built upon which designs, aimed at which niche.

Operators and models earn credit when a design of theirs fills or takes a niche; the prompts that work are an archive of
their own (LLMatic: Nasir et al., 2023).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agentarch.config import RunConfig
from agentarch.evaluation import ScoredDesign
from agentarch.meta.credit import choose
from agentarch.meta.pack import Pack
from agentarch.proposers import Context
from agentarch.qd import niche_of
from agentarch.qd.axes import Niche
from agentarch.search.arm import SEARCH
from agentarch.search.authoring.templates import choose_filling, open_templates
from agentarch.search.proposals import Stage
from agentarch.search.state import RunState

FILL = "fill"
"""The operator that gives the holes of a template other values; it asks no model."""

SAME_NICHE_SHARE = 0.5
"""Of proposals that aim at the niche of their parent, to hold it better; the others aim at an empty one beside it."""

CENT = 0.01
"""What a model's gain is measured by when nobody knows its price: as if each proposal cost so many dollars."""


@dataclass(frozen=True)
class Credit:
    """What a way of proposing has brought.

    Attributes:
        tried: proposals whose design has a score, or that came to nothing.
        gains: those that filled or took a niche.
        dollars: that all of its proposals have cost.
    """

    tried: int = 0
    gains: int = 0
    dollars: float = 0.0


def credit_by(state: RunState, of: str) -> dict[str, Credit]:
    """Return the credit of every operator or model that was used.

    Args:
        state: of the run.
        of: `operator` or `model`.
    """
    found: dict[str, Credit] = {}
    for record in state.proposals.values():
        name = record.brief[of]
        if record.brief["operator"] == FILL and of == "model":
            continue
        known = found.get(name, Credit())
        is_settled = not record.is_live and record.stage is not Stage.DROPPED
        spent = state.ledger.by_proposal.get(record.id)
        found[name] = Credit(
            known.tried + is_settled,
            known.gains + (record.design_id in state.enriched),
            known.dollars + (spent.dollars if spent else 0.0),
        )
    return found


class Chooser:
    """Chooses for one run.

    Args:
        config: of the run.
        pack: whose operators there are.
    """

    def __init__(self, config: RunConfig, pack: Pack) -> None:
        self._config, self._pack = config, pack

    def brief(self, number: int, context: Context, state: RunState) -> dict[str, Any]:
        """Return what the proposal of a number is to be, as plain JSON values, from what the run knows now."""
        rng = context.rng
        shown = self._shown(context, state)
        operator = self._operator(len(shown), state, rng)
        common = {
            "number": number,
            "operator": operator,
            "model": self._model(state, rng),
            "pack": self._pack.hash,
            "placebo": self._config.placebo,
            "reflects": self._config.reflect,
            "target": None,
            "elites": [],
            "fills": None,
        }
        if operator == FILL:
            template, choice = choose_filling(state, rng)
            fills = {"of": template.id, "choice": choice}
            parents = list(template.brief["parents"])
            return {**common, "parents": parents, "chosen": parents, "reflects": False, "fills": fills}
        count = self._pack.operators[operator].parents
        chosen = [one.design.id for one in context.parents[:count]]
        parents = shown[:count]
        target = _target(context.parents[0], state, rng) if context.parents else None
        elites = [] if self._config.placebo == "none" else [i for i in shown[count:] if i not in parents]
        return {**common, "parents": parents, "chosen": chosen, "elites": elites, "target": target}

    def _shown(self, context: Context, state: RunState) -> list[str]:
        """Return ids of the designs that are shown: the chosen ones, or for a placebo others, or none."""
        chosen = [one.design.id for one in (*context.parents, *context.inspirations)]
        if self._config.placebo == "none":
            return []
        if self._config.placebo == "shuffled":
            others = [name for name in state.arms[SEARCH].scored if name not in chosen]
            return context.rng.sample(others, min(len(chosen), len(others)))
        return chosen or [seed.id for seed in context.seeds[:1]]

    def _operator(self, shown: int, state: RunState, rng: random.Random) -> str:
        known = credit_by(state, "operator")
        names = [name for name, one in self._pack.operators.items() if one.parents <= shown]
        if open_templates(state):
            names.append(FILL)
        arms = {name: known.get(name, Credit()) for name in names}
        return choose(
            {name: one.tried for name, one in arms.items()},
            {name: float(one.gains) for name, one in arms.items()},
            {name: float(one.tried) for name, one in arms.items()},
            rng,
        )

    def _model(self, state: RunState, rng: random.Random) -> str:
        if len(self._config.model) == 1:
            return self._config.model[0]
        known = credit_by(state, "model")
        arms = {name: known.get(name, Credit()) for name in self._config.model}
        is_priced = all(one.dollars > 0 for one in arms.values() if one.tried)
        return choose(
            {name: one.tried for name, one in arms.items()},
            {name: float(one.gains) for name, one in arms.items()},
            {name: one.dollars if is_priced else CENT * one.tried for name, one in arms.items()},
            rng,
        )


def _target(parent: ScoredDesign, state: RunState, rng: random.Random) -> list[int]:
    """Return the niche to aim at: the parent's, or an empty one beside it."""
    axes, elites = state.archive.axes, state.archive.elites
    home = niche_of(parent.descriptors, axes)
    beside: list[Niche] = [
        (*home[:place], home[place] + step, *home[place + 1 :])
        for place, axis in enumerate(axes)
        for step in (-1, 1)
        if 0 <= home[place] + step < axis.bins
    ]
    empty = [niche for niche in beside if niche not in elites]
    if not empty or rng.random() < SAME_NICHE_SHARE:
        return list(home)
    return list(rng.choice(empty))

