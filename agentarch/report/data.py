"""Turns an opened run into the plain values of a report; see `contract` for what they mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from agentarch import __version__
from agentarch.evaluation import Evaluation, Score, ScoredDesign
from agentarch.qd import niche_of
from agentarch.report.contract import finite_only
from agentarch.report.source import difference
from agentarch.search.session import Run
from agentarch.search.state import RunState
from agentarch.search.summary import lineage, scored_summary
from agentarch.store import Event
from agentarch.text import one_line

ARM = "search"
"""The one arm there is: every design of a run was proposed by its search."""

LEADERS = 3
"""Elites shown in full while there are no finalists."""

_REASON_CHARACTERS = 400


def report_data(run: Run) -> dict[str, Any]:
    """Return a run as a report's plain values, ready for JSON, as of the last event the run was opened with."""
    state = run.state
    return dict(
        finite_only(
            {
                "run_dir": str(run.folder),
                "created_at": run.created_at,
                "version": run.store.settings.get("agentarch", __version__),
                "config": run.config.model_dump(mode="json"),
                "stopped": state.stopped,
                "tasks": _tasks(run),
                "verdict": None,
                "axes": _axes(run),
                "coverage": state.archive.coverage,
                "qd_score": state.archive.qd_score,
                "designs": _designs(state),
                "progress": _progress(run),
                "finalists": [_leader(state, scored) for scored in _leaders(state)],
                "decisions": _decisions(run),
                "outcomes": _outcomes(state),
                "cost": _cost(state),
                "zero_cost": [],
                "rung_correlations": [],
            }
        )
    )


def _events(run: Run) -> Sequence[Event]:
    """Return the log as far as the run's state knows it; an engine may be writing more."""
    return [event for event in run.store.events() if event.number <= run.state.last_event]


def _tasks(run: Run) -> list[dict[str, Any]]:
    wanted = ("name", "description", "metric", "chance", "ceiling")
    return [{key: getattr(task, key) for key in wanted} for task in run.tasks]


def _axes(run: Run) -> list[dict[str, Any]]:
    return [
        {"name": axis.name, "low": axis.low, "high": axis.high, "bins": axis.bins, "log": axis.log}
        for axis in run.state.archive.axes
    ]


def _designs(state: RunState) -> list[dict[str, Any]]:
    elites = {elite.design.id for elite in state.archive.elites.values()}
    return [
        {
            **scored_summary(scored),
            "arm": ARM,
            "n": scored.score.n,
            "parameters": _most_parameters(state.evaluations(scored.design.id)),
            "latency_seconds": None,
            "niche": list(niche_of(scored.descriptors, state.archive.axes)),
            "is_elite": scored.design.id in elites,
            "measures": _measures(_at_rung(state, scored)),
        }
        for scored in state.all_scored()
    ]


def _at_rung(state: RunState, scored: ScoredDesign) -> list[Evaluation]:
    """Return the evaluations behind a design's score."""
    return [
        evaluation
        for evaluation in state.evaluations(scored.design.id)
        if evaluation.request.rung == scored.rung and evaluation.score is not None
    ]


def _most_parameters(evaluations: Sequence[Evaluation]) -> int | None:
    return max((e.parameters for e in evaluations if e.parameters is not None), default=None)


def _measures(evaluations: Sequence[Evaluation]) -> dict[str, float]:
    return {
        "peak_memory_mib": max(e.cost.peak_memory_bytes for e in evaluations) / 2**20,
        "cpu_seconds": sum(e.cost.cpu_seconds for e in evaluations),
    }


def _progress(run: Run) -> list[dict[str, Any]]:
    """Return a point for every evaluation that changed the best score or the coverage, and one for the last."""
    state = RunState.empty(run.state.tasks, run.state.archive.axes)
    points: list[dict[str, Any]] = []
    changed_at: tuple[Any, ...] = (None, 0.0)
    point: dict[str, Any] | None = None
    for event in _events(run):
        state.apply(event)
        if event.kind != "evaluated":
            continue
        best = state.archive.best
        point = {
            "arm": ARM,
            "evaluations": state.done,
            "cpu_seconds": state.candidate_cpu_seconds,
            "best": None if best is None else best.score.value,
            "interval": None if best is None else [best.score.low, best.score.high],
            "rung": None if best is None else best.rung,
            "coverage": state.archive.coverage,
        }
        now = (None if best is None else (best.rung, best.score), state.archive.coverage)
        if now != changed_at:
            points.append(point)
            changed_at = now
    if points and point is not None and point is not points[-1]:
        points.append(point)
    return points


def _leaders(state: RunState) -> list[ScoredDesign]:
    elites = sorted(state.archive.elites.values(), key=lambda e: (e.rung, e.score.value), reverse=True)
    return elites[:LEADERS]


def _leader(state: RunState, scored: ScoredDesign) -> dict[str, Any]:
    """Return a design with all that is shown of it in full."""
    design = scored.design
    parent = next((state.designs[one] for one in design.parents if one in state.designs), None)
    return {
        **scored_summary(scored),
        "role": "leader",
        "n": scored.score.n,
        "tasks": {e.request.task: _estimate(e.score) for e in _at_rung(state, scored) if e.score is not None},
        "test": None,
        "swept": None,
        "rationale": design.rationale,
        "lineage": lineage(state, design),
        "source": design.source,
        "parent_name": None if parent is None else parent.name,
        "diff": None
        if parent is None
        else difference(parent.source, design.source, one_line(parent.name, 60), one_line(design.name, 60)),
    }


def _estimate(score: Score) -> dict[str, Any]:
    return {"value": score.value, "low": score.low, "high": score.high, "n": score.n}


def _decisions(run: Run) -> list[dict[str, Any]]:
    """Return what the log gives a reason for: proposals refused, work given back, why a session ended."""
    found = []
    for event in _events(run):
        reason = event.body.get("reason") or event.body.get("why")
        if reason:
            what = event.body.get("proposal", {}).get("name")
            told = f"{what}: {reason}" if what else str(reason)
            found.append(
                {"number": event.number, "kind": event.kind, "reason": one_line(told, _REASON_CHARACTERS)}
            )
    return found


def _outcomes(state: RunState) -> dict[str, Any]:
    by_proposer: dict[str, Counter[str]] = {}
    for evaluation in state.all_evaluations():
        proposer = state.designs[evaluation.request.design_id].proposer
        by_proposer.setdefault(proposer, Counter())[evaluation.outcome.value] += 1
    return {
        "by_class": {outcome.value: count for outcome, count in sorted(state.outcomes.items())},
        "by_proposer": {proposer: dict(sorted(c.items())) for proposer, c in sorted(by_proposer.items())},
    }


def _cost(state: RunState) -> dict[str, Any]:
    cpu_seconds, evaluations = state.candidate_cpu_seconds, state.done
    return {
        "wall_seconds": state.engine_seconds,
        "cpu_seconds": cpu_seconds,
        "evaluations": evaluations,
        "by_arm": {ARM: {"evaluations": evaluations, "cpu_seconds": cpu_seconds}},
    }
