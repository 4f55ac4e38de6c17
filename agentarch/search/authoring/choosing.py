"""What a proposal is to be: which operator and model, built upon which designs, aimed at which niche.

Operators and models earn credit when a design of theirs fills or takes a niche, as prompts do in LLMatic (Nasir et al.
2024).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from agentarch.config import RunConfig
from agentarch.evaluation import ScoredDesign
from agentarch.meta.briefing import Why
from agentarch.meta.credit import choose
from agentarch.meta.pack import Pack
from agentarch.proposers import Context
from agentarch.qd import niche_of
from agentarch.qd.axes import Niche
from agentarch.search.arm import SEARCH
from agentarch.search.authoring.templates import choose_filling, open_templates
from agentarch.search.proposals import FILL, RECENT, ProposalRecord, Stage
from agentarch.search.state import RunState

SAME_NICHE_SHARE = 0.5
"""Of proposals that aim at the niche of their parent, to hold it better; the others aim at an empty one beside it."""


@dataclass
class Trials:
    """What one operator, model or prompt pack has brought, trial by trial, oldest first.

    Attributes:
        gains: 1 where the design filled or took a niche, and 0 otherwise.
        dollars: that the proposal has cost.
    """

    gains: list[float] = field(default_factory=list)
    dollars: list[float] = field(default_factory=list)


def trials_by(
    of: Literal["operator", "model", "pack"], records: Iterable[ProposalRecord], state: RunState
) -> dict[str, Trials]:
    """Return the trials whose outcome is known (scored, rejected, or come to nothing), by operator, model or pack."""
    found: dict[str, Trials] = {}
    for record in records:
        is_filled = record.brief["operator"] == FILL
        is_edited = record.review is not None and record.review["decision"] == "edit"
        if not is_settled(record, state) or is_edited or (of != "operator" and is_filled):
            continue
        trials = found.setdefault(record.written_by if of == "model" else record.brief[of], Trials())
        trials.gains.append(float(record.design_id in state.enriched))
        spent = state.ledger.by_proposal.get(record.id)
        trials.dollars.append(spent.dollars if spent else 0.0)
    return found


def is_settled(record: ProposalRecord, state: RunState) -> bool:
    """Whether it is known what a proposal has brought."""
    if record.stage is Stage.QUEUED:
        return record.design_id is not None and state.scored(record.design_id) is not None
    return record.stage in (Stage.REJECTED, Stage.FAILED)


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
        drawn = [one.design.id for one in (*context.parents, *context.inspirations)]
        operator = self._operator(self._showable(drawn, state), state, rng)
        common = {
            "number": number,
            "operator": operator,
            "model": self._model(state, rng),
            "pack": self._pack.hash,
            "placebo": self._config.placebo,
            "reflects": self._config.reflect,
            "target": None,
            "elites": [],
            "why": {},
            "fills": None,
        }
        if operator == FILL:
            template, choice = choose_filling(state, rng)
            fills = {"of": template.id, "choice": choice}
            parents = list(template.brief["parents"])
            return {**common, "parents": parents, "chosen": parents, "reflects": False, "fills": fills}
        count = self._pack.operators[operator].parents
        target = _target(context.parents[0], state, rng) if context.parents else None
        why = _worth_showing(drawn[:count], drawn[count:], target, state)
        chosen = [*drawn[:count], *why]
        shown = self._shown(chosen, context, state)
        return {
            **common,
            "parents": shown[:count],
            "chosen": chosen,
            "elites": shown[count:],
            "why": why if shown == chosen else {},
            "target": target,
        }

    def _showable(self, drawn: Sequence[str], state: RunState) -> int:
        """Return how many designs there are to show, as `_shown` shows them; 1 where there are seeds only."""
        if self._config.placebo == "none":
            return 0
        if self._config.placebo == "shuffled":
            return min(len(drawn), len(state.arms[SEARCH].scored) - len(drawn))
        return len(drawn) or 1

    def _shown(self, chosen: list[str], context: Context, state: RunState) -> list[str]:
        """Return ids of the designs that are shown: those the archive chose, or for a placebo others, or none."""
        if self._config.placebo == "none":
            return []
        if self._config.placebo == "shuffled":
            others = [name for name in state.arms[SEARCH].scored if name not in chosen]
            return context.rng.sample(others, min(len(chosen), len(others)))
        return chosen or [seed.id for seed in context.seeds[:1]]

    def _operator(self, shown: int, state: RunState, rng: random.Random) -> str:
        names = [name for name, one in self._pack.operators.items() if one.parents <= shown]
        if open_templates(state):
            names.append(FILL)
        trials = trials_by("operator", state.proposals.latest(RECENT), state)
        return choose(names, {name: one.gains for name, one in trials.items()}, {}, rng)

    def _model(self, state: RunState, rng: random.Random) -> str:
        if len(self._config.model) == 1:
            return self._config.model[0]
        trials = trials_by("model", state.proposals.latest(RECENT), state)
        is_priced = state.ledger.total.unpriced == 0
        return choose(
            self._config.model,
            {name: one.gains for name, one in trials.items()},
            {name: one.dollars for name, one in trials.items()} if is_priced else {},
            rng,
        )


def _worth_showing(
    parents: Sequence[str], drawn: Sequence[str], target: Sequence[int] | None, state: RunState
) -> dict[str, Why]:
    """Return which elites to show beside parents, and why: as many as were drawn, those with a better reason first.

    That is the best one, the one nearest to the target niche, and the one whose niche is farthest from all parents'.
    """
    why: dict[str, Why] = {}
    best = state.archive.best
    if best is not None and best.design.id not in parents:
        why[best.design.id] = "best"
    niches = {
        one.design.id: niche for niche, one in state.archive.elites.items() if one.design.id not in parents
    }
    if target is not None:
        name = _first(niches.keys() - why.keys(), lambda one: _bins_apart(niches[one], target))
        why |= {name: "near"} if name else {}
    homes = [niche_of(one.descriptors, state.archive.axes) for one in map(state.scored, parents) if one]
    if homes:
        name = _first(
            niches.keys() - why.keys(), lambda one: -min(_bins_apart(niches[one], home) for home in homes)
        )
        why |= {name: "novel"} if name else {}
    for name in drawn:
        why.setdefault(name, "drawn")
    return dict(islice(why.items(), len(drawn)))


def _first(names: Iterable[str], key: Callable[[str], int]) -> str | None:
    return min(sorted(names), key=key, default=None)


def _bins_apart(one: Sequence[int], other: Sequence[int]) -> int:
    return sum(abs(here - there) for here, there in zip(one, other, strict=True))


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
