"""A run in plain JSON values: the one place where reports, status and scripts get their numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agentarch.design import Design
from agentarch.evaluation import Evaluation, Score, ScoredDesign
from agentarch.qd import niche_of
from agentarch.search.decision import Choice
from agentarch.search.finish import tested
from agentarch.search.ledger import Ledger, Tally
from agentarch.search.probe import headroom_warnings
from agentarch.search.proposals import EDITED, Stage
from agentarch.search.state import RunState
from agentarch.store import EVALUATIONS
from agentarch.text import counted


def run_summary(state: RunState, folder: Path) -> dict[str, Any]:
    """Return a run's counts, best design and cost.

    `wall_seconds` is time an engine worked on it; `headroom` holds a warning for each task that leaves little to find.
    """
    best = state.archive.best
    return {
        "run_dir": str(folder),
        "stopped": state.stopped,
        "evaluations": state.done,
        "running": len(state.running),
        "queued": len(state.queued),
        "outcomes": {outcome.value: count for outcome, count in sorted(state.outcomes.items())},
        "quarantined": state.quarantined,
        "sandboxes": dict(sorted(state.sandboxes.items())),
        "designs": len(state.designs),
        "designs_scored": len(state.all_scored()),
        "refused": state.refused,
        "same_behaviour": len(state.same_as),
        "elites": len(state.archive.elites),
        "coverage": state.archive.coverage,
        "qd_score": state.archive.qd_score,
        "best": None if best is None else scored_summary(best),
        "headroom": headroom_warnings(state),
        "verdict": verdict_summary(state),
        "ledger": ledger_summary(state.ledger),
        "proposals": {stage.value: state.proposals.counts[stage] for stage in Stage},
        "proposal_faults": {
            kind.value: count for kind, count in sorted(state.proposals.fault_counts.items())
        },
        "arms": {
            name: {
                "evaluations": arm.evaluations,
                "steps": arm.steps,
                "designs_scored": len(arm.scored),
                "elites": len(arm.archive.elites),
                "coverage": arm.archive.coverage,
                "cpu_seconds": arm.cpu_seconds,
            }
            for name, arm in state.arms.items()
            if arm.evaluations
        },
        "wall_seconds": state.engine_seconds,
        "candidate_seconds": state.candidate_seconds,
        "candidate_cpu_seconds": state.candidate_cpu_seconds,
    }


def ledger_summary(ledger: Ledger) -> dict[str, Any]:
    """Return what language models have cost, in all, by model and by role.

    `dollars` is None where requests were made whose price nobody knows. `untold` is the most that requests may have
    cost whose answer was cut off, so that nobody told; it counts against every ceiling, and is in no other figure.
    """
    return {
        **_tally(ledger.total),
        "under_way": len(ledger.open),
        "exceeded": dict(ledger.exceeded),
        "untold": {
            "requests": ledger.untold_requests,
            "tokens": ledger.untold_tokens,
            "dollars": ledger.untold_dollars,
        },
        "by_model": {name: _tally(tally) for name, tally in sorted(ledger.by_model.items())},
        "by_role": {name: _tally(tally) for name, tally in sorted(ledger.by_role.items())},
    }


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "requests": tally.requests,
        "input_tokens": tally.input_tokens,
        "output_tokens": tally.output_tokens,
        "cached_tokens": tally.cached_tokens,
        "dollars": None if tally.unpriced else tally.dollars,
        "cache_hits": tally.cache_hits,
        "retries": tally.retries,
        "failed": tally.failed,
        "latency_seconds": tally.latency_seconds,
    }


def verdict_summary(state: RunState) -> dict[str, Any] | None:
    """Return what the finish of a run found, with what the test split showed; None before there is a verdict.

    Wherever test figures are told, `looks` and `note` go with them: after a second look they are no longer sealed.
    `test` has a sentence of its own when the test split shows the difference that the verdict is about.
    """
    verdicts = state.decided(Choice.VERDICT)
    if not verdicts:
        return None
    facts = verdicts[-1].facts
    opened = state.decided(Choice.TEST)
    found = tested(state)
    note = _looks_note(state)
    test = {"looks": len(opened), "note": note, "sentence": "", "difference": None}
    if found is not None:
        test["sentence"] = (
            f"On the test split, which decided nothing{f' ({note})' if note else ''}: "
            f"{found} over {counted(found.n, 'paired run')}."
        )
        test["difference"] = {"value": found.value, "low": found.low, "high": found.high, "n": found.n}
    return {"sentence": verdicts[-1].reason, **facts, "test": test if opened else None}


def _looks_note(state: RunState) -> str:
    """Return what must stand beside every figure of the test split; empty as long as it is a first look."""
    looks = len(state.decided(Choice.TEST))
    return f"the test split was opened {looks} times, so this is no longer a first look" if looks > 1 else ""


def decisions_summary(state: RunState) -> list[dict[str, Any]]:
    """Return every decision in order, each with its reason."""
    return [
        {"number": number, "kind": decision.kind.value, "reason": decision.reason}
        for number, decision in enumerate(state.decisions, start=1)
    ]


def scored_summary(scored: ScoredDesign) -> dict[str, Any]:
    """Return a scored design's identity and score at the highest rung it has done on every task."""
    return {
        "id": scored.design.id,
        "name": scored.design.name,
        "score": scored.score.value,
        "interval": _interval(scored.score),
        "rung": scored.rung,
        "descriptors": dict(scored.descriptors),
        "proposer": scored.design.proposer,
        "operator": scored.design.operator,
        "parents": list(scored.design.parents),
    }


def elites_summary(state: RunState) -> list[dict[str, Any]]:
    """Return every elite with its niche, the best first."""
    axes = state.archive.axes
    elites = sorted(state.archive.elites.values(), key=lambda e: (e.rung, e.score.value), reverse=True)
    return [{**scored_summary(e), "niche": list(niche_of(e.descriptors, axes))} for e in elites]


def design_summary(state: RunState, design: Design) -> dict[str, Any]:
    """Return one design with its source, its ancestors and every evaluation."""
    scored = state.scored(design.id)
    return {
        "id": design.id,
        "kind": design.kind,
        "name": design.name,
        "rationale": design.rationale,
        "proposer": design.proposer,
        "operator": design.operator,
        "parents": list(design.parents),
        "lineage": lineage(state, design),
        "edited_by": edited_by(state, design),
        "same_as": state.same_as.get(design.id),
        "test_note": _looks_note(state),
        "is_elite": any(elite.design.id == design.id for elite in state.archive.elites.values()),
        "scores": {}
        if scored is None
        else {
            str(rung): {"score": score.value, "interval": _interval(score)}
            for rung, score in sorted(scored.scores.items())
        },
        "evaluations": [evaluation_summary(e) for e in state.evaluations(design.id)],
        "source": design.source,
    }


def lineage(state: RunState, design: Design) -> list[dict[str, Any]]:
    """Return a design's ancestors that are in the run, nearest first, each once."""
    found: list[dict[str, Any]] = []
    queue, seen = list(design.parents), {design.id}
    while queue:
        ancestor = state.designs.get(queue.pop(0))
        if ancestor is None or ancestor.id in seen:
            continue
        seen.add(ancestor.id)
        queue += ancestor.parents
        found.append(
            {
                "id": ancestor.id,
                "name": ancestor.name,
                "proposer": ancestor.proposer,
                "operator": ancestor.operator,
                "parents": list(ancestor.parents),
                "edited_by": edited_by(state, ancestor),
            }
        )
    return found


def edited_by(state: RunState, design: Design) -> str | None:
    """Return who changed a proposal of a model into a design; None where nobody did."""
    proposal = state.proposals.of_design.get(design.id)
    review = state.proposals[proposal].review if proposal else None
    return str(review["by"]) if review is not None and design.operator == EDITED else None


def evaluation_summary(evaluation: Evaluation) -> dict[str, Any]:
    """Return one evaluation; `score` is null unless its outcome is `scored`."""
    plain = EVALUATIONS.dump_python(evaluation, mode="json")
    request, score = evaluation.request, evaluation.score
    return {
        "design": request.design_id,
        "task": request.task,
        "rung": request.rung,
        "seed": request.seed,
        "split": request.split,
        "learning_rate": request.learning_rate,
        "outcome": evaluation.outcome.value,
        "reason": evaluation.reason,
        "score": None if score is None else score.value,
        "interval": None if score is None else _interval(score),
        "n": None if score is None else score.n,
        **{
            key: plain[key]
            for key in (
                "metrics",
                "descriptors",
                "parameters",
                "behaviour",
                "cost",
                "report",
                "output",
                "sandbox",
                "measures",
            )
        },
    }


def _interval(score: Score) -> list[float]:
    return [score.low, score.high]
