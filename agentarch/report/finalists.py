"""What a run may claim, and the designs it shows in full: those of its finish, or its leaders before there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentarch.design import Design
from agentarch.differences import source_difference
from agentarch.evaluation import Cells, Score, ScoredDesign
from agentarch.scoring import Noise, cells_score
from agentarch.search.arm import RANDOM, SEARCH
from agentarch.search.decision import Choice
from agentarch.search.finish import (
    FINALIST,
    Contender,
    confirmed,
    contenders_of,
    judged_contenders,
    noise_of_finish,
)
from agentarch.search.state import RunState
from agentarch.search.summary import lineage, verdict_summary
from agentarch.text import one_line

EQUAL_SHARE = 0.9
"""Of what the search's designs spent: a control with so many counts as having had the same budget."""

LEADERS = 3
"""Elites shown in full while there are no finalists."""


def verdict_part(state: RunState, unit: str) -> dict[str, Any] | None:
    """Return the verdict; None before there is one.

    Args:
        state: of the run.
        unit: what budgets are counted in, e.g. `training steps`.
    """
    summary = verdict_summary(state)
    if summary is None:
        return None
    control = summary.get("control")
    test = summary["test"]
    looks = f"{test['note'][0].upper()}{test['note'][1:]}." if test and test["note"] else ""
    notes = [(test["sentence"] if test else "") or looks, _uneven_budget(state, unit)]
    return {
        "sentence": summary["sentence"],
        "beat_control": summary["won"],
        "winner": summary["leader"]["design"] if summary["won"] else None,
        "control": control and f"{control['role']}: {state.designs[control['design']].name}",
        "difference": summary.get("difference"),
        "candidates": summary["candidates"],
        "finalists": summary.get("finalists"),
        "looks": test["looks"] if test else 0,
        "notes": [note for note in notes if note],
    }


def shown_in_full(state: RunState) -> list[dict[str, Any]]:
    """Return finalists and controls with their confirmed scores; the best elites where nothing is confirmed yet."""
    if state.decided(Choice.FINALISTS):
        found = _contenders(state)
        if found:
            return found
    elites = sorted(state.archive.elites.values(), key=lambda e: (e.rung, e.score.value), reverse=True)
    return [_leader(state, scored) for scored in elites[:LEADERS]]


def _uneven_budget(state: RunState, unit: str) -> str:
    """Return what must be said when the random control had less to spend than the search; empty when it had as much."""
    random, search = state.arms[RANDOM].steps, state.arms[SEARCH].steps
    if RANDOM not in state.arm_of.values() or random >= EQUAL_SHARE * search:  # seeds count in every arm
        return ""
    return (
        f"The random proposals had {random / search:.0%} of the {unit} of the search, so they are a weaker "
        "control than a whole budget of them."
    )


def _contenders(state: RunState) -> list[dict[str, Any]]:
    contenders = contenders_of(state)
    cells = {one: found for one in contenders if (found := confirmed(state, one))}
    swept = {
        one.design_id: one
        for one in contenders
        if one.role == FINALIST and one.learning_rate != 1.0 and one in cells
    }
    shown = [one for one in judged_contenders(state) if one in cells]
    noise = noise_of_finish(state)
    return [
        {
            "role": one.role,
            **_scores(state, cells[one], noise),
            "test": _test(state, one, noise),
            "swept": _swept(swept.get(one.design_id), cells, noise) if one.role == FINALIST else None,
            **_account(state, state.designs[one.design_id]),
        }
        for one in shown
    ]


def _scores(state: RunState, cells: Cells, noise: Noise) -> dict[str, Any]:
    by_task = {task: cells_score({task: found}, noise) for task, found in cells.items()}
    tasks = {task: _estimate(one) for task, one in by_task.items()}
    if len(cells) < len(state.tasks):  # a mean over some of the tasks does not compare with one over all
        return {"score": None, "interval": None, "n": None, "tasks": tasks}
    score = cells_score(cells, noise)
    return {"score": score.value, "interval": [score.low, score.high], "n": score.n, "tasks": tasks}


def _test(state: RunState, contender: Contender, noise: Noise) -> dict[str, Any] | None:
    cells = confirmed(state, contender, "test")
    return _estimate(cells_score(cells, noise)) if len(cells) == len(state.tasks) else None


def _swept(
    contender: Contender | None, cells: Mapping[Contender, Cells], noise: Noise
) -> dict[str, Any] | None:
    if contender is None:
        return None
    score = cells_score(cells[contender], noise)
    return {
        "learning_rate": contender.learning_rate,
        "score": score.value,
        "interval": [score.low, score.high],
    }


def _leader(state: RunState, scored: ScoredDesign) -> dict[str, Any]:
    return {
        "role": "leader",
        "score": scored.score.value,
        "interval": [scored.score.low, scored.score.high],
        "n": scored.score.n,
        "tasks": {
            task: _estimate(cells_score({task: found}, {}))
            for task, found in scored.cells[scored.rung].items()
        },
        "test": None,
        "swept": None,
        **_account(state, scored.design),
    }


def _account(state: RunState, design: Design) -> dict[str, Any]:
    """Return who wrote a design, from what, and its source with what changed from its parent."""
    parent = next((state.designs[one] for one in design.parents if one in state.designs), None)
    return {
        "id": design.id,
        "name": design.name,
        "proposer": design.proposer,
        "operator": design.operator,
        "parents": list(design.parents),
        "rationale": design.rationale,
        "lineage": lineage(state, design),
        "source": design.source,
        "parent_name": None if parent is None else parent.name,
        "diff": None
        if parent is None
        else source_difference(
            parent.source, design.source, one_line(parent.name, 60), one_line(design.name, 60)
        ),
    }


def _estimate(score: Score) -> dict[str, Any]:
    return {"value": score.value, "low": score.low, "high": score.high, "n": score.n}
