"""Whether the tasks of a run leave room to find something better, as its seeds tell before much is spent."""

from __future__ import annotations

from collections.abc import Iterable

from agentarch.design import Design
from agentarch.evaluation import Evaluation
from agentarch.scoring.headroom import HIGHEST, headroom
from agentarch.search.race import FIRST_RANKED_RUNG
from agentarch.search.state import SEED_OPERATOR, RunState


def headroom_warnings(state: RunState) -> dict[str, str]:
    """Return a warning for each task on which the best seed agent is next to chance, or next to perfect.

    That a task is too easy shows with the first seed that is too good; that it is too hard, when all are scored. Of
    networks nothing is said: they cost time, and no model's money.
    """
    seeds = [one for one in state.designs.values() if one.operator == SEED_OPERATOR and one.kind == "agent"]
    are_all_in = 0 < len(seeds) < len(state.designs) and not any(_is_open(state, one) for one in seeds)
    found = {}
    for task in state.tasks:
        scores = {
            one.name: evaluation.score.value
            for one in seeds
            for evaluation in _first_ranked(state.evaluations(one.id))
            if evaluation.score is not None and evaluation.request.task == task
        }
        if (are_all_in or max(scores.values(), default=0.0) > HIGHEST) and (warning := headroom(scores)):
            found[task] = warning
    return found


def _first_ranked(evaluations: Iterable[Evaluation]) -> list[Evaluation]:
    return [
        one for one in evaluations if one.request.rung == FIRST_RANKED_RUNG and one.request.split == "search"
    ]


def _is_open(state: RunState, seed: Design) -> bool:
    """Whether a seed may still be scored at the first ranked rung."""
    done = state.evaluations(seed.id)
    if seed.id in state.same_as or any(one.score is None for one in done):
        return False
    return len(_first_ranked(done)) < len(state.tasks)
