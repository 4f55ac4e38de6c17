"""What a model is told of a run: from its state to the plain records that prompts are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, Literal, cast

from agentarch.evaluation import Evaluation, Outcome, Score, ScoredDesign
from agentarch.kinds.measured import words_of
from agentarch.meta.briefing import (
    Briefing,
    DecisionTold,
    DesignTold,
    EffectTold,
    FailureTold,
    LessonTold,
    TaskTold,
    Why,
    target_in_words,
)
from agentarch.meta.lessons import heaviest
from agentarch.proposers import Context
from agentarch.qd.axes import Niche
from agentarch.scoring import mean_score
from agentarch.search.authoring.effects import Effects, Knockouts
from agentarch.search.authoring.notebook import notebook_of
from agentarch.search.proposals import RECENT, TIMEOUT, Fault, FaultKind, ProposalRecord
from agentarch.search.race import FIRST_RANKED_RUNG
from agentarch.search.state import RunState
from agentarch.task import AgentTask, AnyTask, Task
from agentarch.text import counted

MOST_LESSONS, MOST_EFFECTS, MOST_FAILURES, MOST_DECISIONS = 12, 12, 10, 8

KIND_OF_FAULT: dict[FaultKind, Literal["smoke", "duplicate", "unreadable"]] = {
    FaultKind.SMOKE: "smoke",
    FaultKind.DUPLICATE: "duplicate",
    FaultKind.SCREENED: "unreadable",
    FaultKind.UNREADABLE: "unreadable",
}
DECISIONS: dict[str, Literal["approved", "rejected", "edited"]] = {
    "approve": "approved",
    "reject": "rejected",
    "edit": "edited",
}


class Briefs:
    """Makes the briefing of each proposal of one run.

    Args:
        kind: of the run's designs, e.g. `"network"`.
        tasks: of the run.
        folder: of the run, where knock-outs lie.
        effects: measured so far.
    """

    def __init__(self, kind: str, tasks: Sequence[AnyTask], folder: Path, effects: Effects) -> None:
        self._kind, self._effects, self._knockouts = kind, effects, Knockouts(folder)
        self._tasks = tuple(_task_told(task) for task in tasks)

    def of(self, record: ProposalRecord, context: Context, state: RunState) -> Briefing:
        """Return what a proposal is told, given what was chosen for it; the run's state must not change meanwhile."""
        brief = record.brief
        return Briefing(
            kind=self._kind,
            tasks=self._tasks,
            parents=tuple(_told(name, "parent", state, context) for name in brief["parents"]),
            elites=tuple(_told(name, _why(name, brief, state), state, context) for name in brief["elites"]),
            target=_target(brief["target"], state),
            lessons=tuple(self._lessons(state)),
            effects=tuple(islice(_in_turn(self._edits(state), self._knockouts.found()), MOST_EFFECTS)),
            failures=tuple(islice(_failures(state), MOST_FAILURES)),
            decisions=tuple(_decisions(state))[:MOST_DECISIONS],
            budget=_budget(context.evaluations_left),
            limits=dict(context.limits),
        )

    def _lessons(self, state: RunState) -> Iterable[LessonTold]:
        return (one.told for one in heaviest(notebook_of(state, self._effects, RECENT), MOST_LESSONS))

    def _edits(self, state: RunState) -> Iterable[EffectTold]:
        for record in reversed(state.proposals.latest(RECENT)):
            found = self._effects.of(record, state)
            if found is not None:
                what = f"{record.draft['name']} ({record.brief['operator']}): {record.draft['rationale']}"
                yield EffectTold(what, found.value, found.low, found.high, found.n)


def _task_told(task: AnyTask) -> TaskTold:
    return (
        _questions_told(cast("AgentTask", task)) if task.kind == "agent" else _arrays_told(cast("Task", task))
    )


def _questions_told(task: AgentTask) -> TaskTold:
    """Return what is told of a task for agents."""
    budget = task.rungs[FIRST_RANKED_RUNG]
    limits = f"{budget.calls:,} calls and {budget.tokens:,} tokens a question at most"
    world = " only the embedded model knows its answers" if task.world else ""
    return TaskTold(
        name=task.name,
        description=task.description,
        spec=f"a question in, a text out: {task.answer_form} {limits};{world}".rstrip(";"),
        steps=tuple(rung.steps for rung in task.rungs),
        metric=task.metric,
    )


def _arrays_told(task: Task) -> TaskTold:
    spec, words = task.spec(FIRST_RANKED_RUNG), words_of(task)
    shape = ", ".join(map(str, spec.input_shape))
    given = (
        f"{spec.kind} (batch, {shape}) int64 below vocab_size {spec.vocab_size}"
        if spec.vocab_size is not None
        else f"{spec.kind} (batch, {shape}) float32"
    )
    wanted = "(batch, length, n_outputs)" if spec.output == "per_position" else "(batch, n_outputs)"
    causal = ", causal: an output may depend on its own and earlier positions only" if spec.causal else ""
    return TaskTold(
        name=task.name,
        description=task.description,
        separates=words["separates"],
        spec=f"{given} in; logits {wanted} out, n_outputs {spec.n_outputs}{causal}",
        steps=tuple(rung.steps for rung in task.rungs),
        metric=task.metric,
        max_parameters=min(rung.max_parameters for rung in task.rungs),
    )


def _told(name: str, why: Why, state: RunState, context: Context) -> DesignTold:
    design = state.designs.get(name) or next(seed for seed in context.seeds if seed.id == name)
    scored = state.scored(name)
    if scored is None:
        return DesignTold(design.id, design.name, design.source, design.rationale, why=why)
    cells = scored.cells[scored.rung]
    by_task = {task: mean_score(list(found.values())) for task, found in cells.items()}
    failed = [
        f"{e.request.task}, rung {e.request.rung}: {e.outcome.value}, {e.reason}"
        for e in state.evaluations(name)
        if e.score is None
    ]
    return DesignTold(
        id=design.id,
        name=design.name,
        source=design.source,
        rationale=design.rationale,
        score=scored.score,
        rung=scored.rung,
        by_task=by_task,
        descriptors=scored.descriptors,
        why=why,
        strengths=tuple(_strengths(scored, state)),
        failures=tuple(failed[:4]),
    )


def _strengths(scored: ScoredDesign, state: RunState) -> Iterable[str]:
    """Say on which tasks no elite of the same rung scores higher, and on which half of them do."""
    rung = scored.rung
    peers = [one.cells[rung] for one in state.archive.elites.values() if rung in one.cells]
    for task, found in scored.cells[rung].items():
        own = _mean(found)
        others = sorted(_mean(cells[task]) for cells in peers)
        if not others:
            continue
        if own >= others[-1]:
            yield f"no elite scores higher on {task} at rung {rung}"
        elif own < others[len(others) // 2]:
            yield f"half of the elites score higher on {task} at rung {rung}"


def _mean(found: Mapping[int, Score]) -> float:
    return sum(score.value for score in found.values()) / len(found)


def _why(name: str, brief: Mapping[str, Any], state: RunState) -> Why:
    if name in brief.get("why", {}):
        why: Why = brief["why"][name]
        return why
    best = state.archive.best
    return "best" if best is not None and best.design.id == name else "novel"


def _target(niche: Sequence[int] | None, state: RunState) -> str:
    if niche is None:
        return ""
    cell: Niche = tuple(niche)
    holder = state.archive.elites.get(cell)
    return target_in_words(state.archive.axes, cell, None if holder is None else holder.score)


def _in_turn(*series: Iterable[EffectTold]) -> Iterable[EffectTold]:
    """Take one of each series in turn, so that none hides the others where the list is cut."""
    return (one for group in zip_longest(*series) for one in group if one is not None)


def _failures(state: RunState) -> Iterable[FailureTold]:
    """Yield what went wrong with the latest proposals, the newest proposal first."""
    faults: dict[str, list[Fault]] = {}
    for fault in reversed(state.proposals.faults):
        faults.setdefault(fault.proposal, []).append(fault)
    for record in reversed(state.proposals.latest(RECENT)):
        name = str(record.draft.get("name", record.id))
        failed = _failed_in_training(record, state)
        if failed is not None:
            where = f"{failed.request.task}, rung {failed.request.rung}"
            yield FailureTold(name, f"{where}: {failed.outcome.value}, {failed.reason}", "training")
        for fault in faults.get(record.id, ()):
            if fault.kind in KIND_OF_FAULT:
                yield FailureTold(fault.name, fault.reason, KIND_OF_FAULT[fault.kind])


def _failed_in_training(record: ProposalRecord, state: RunState) -> Evaluation | None:
    """Return the last evaluation for a score that a proposal's design failed by a fault of its own."""
    return next(
        (
            one
            for one in reversed(state.evaluations(record.design_id or ""))
            if one.request.rung >= FIRST_RANKED_RUNG
            if one.outcome not in (Outcome.SCORED, Outcome.INFRASTRUCTURE)
        ),
        None,
    )


def _decisions(state: RunState) -> Iterable[DecisionTold]:
    for name in reversed(state.proposals.reviewed):
        record = state.proposals[name]
        if record.review is not None and record.review["by"] != TIMEOUT:
            yield DecisionTold(
                str(record.draft["name"]), DECISIONS[record.review["decision"]], record.review["reason"]
            )


def _budget(evaluations_left: int | None) -> str:
    return "" if evaluations_left is None else f"{counted(evaluations_left, 'evaluation')} left in this run"
