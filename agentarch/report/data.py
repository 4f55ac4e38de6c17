"""Turns an opened run into the plain values of a report; see `contract` for what they mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from agentarch import __version__
from agentarch.evaluation import Evaluation, ScoredDesign
from agentarch.kinds.words import Words, size_of, words_of
from agentarch.qd import niche_of
from agentarch.report.authoring import authoring_part
from agentarch.report.contract import finite_only
from agentarch.report.finalists import shown_in_full, verdict_part
from agentarch.report.pipelines import pipelines_part
from agentarch.report.progress import progress
from agentarch.scoring.correlation import spearman
from agentarch.search.finish import fixed_and_tuned
from agentarch.search.probe import headroom_warnings
from agentarch.search.race import FIRST_RANKED_RUNG
from agentarch.search.session import Run
from agentarch.search.state import RunState
from agentarch.search.summary import scored_summary
from agentarch.store import Event
from agentarch.text import one_line

ZERO_COST = ("zero_cost_gradient_norm", "zero_cost_jacobian_covariance", "zero_cost_synflow")

_REASON_CHARACTERS = 400


def report_data(run: Run, beside: Sequence[Run] = ()) -> dict[str, Any]:
    """Return a run as a report's plain values, ready for JSON, as of the last event the run was opened with.

    Args:
        run: the run.
        beside: others that it is compared with, for how language models use the archive.

    Raises:
        UsageError: the others do not compare with it.
    """
    state = run.state
    designs, finalists = _designs(state, words_of(run.kind.name)), shown_in_full(state)
    return dict(
        finite_only(
            {
                "run_dir": str(run.folder),
                "created_at": run.created_at,
                "version": run.store.settings.get("agentarch", __version__),
                "config": run.config.model_dump(mode="json"),
                "stopped": state.stopped,
                "tasks": _tasks(run),
                "verdict": verdict_part(state, words_of(run.kind.name).steps),
                "axes": _axes(run),
                "coverage": state.archive.coverage,
                "qd_score": state.archive.qd_score,
                "designs": designs,
                "progress": progress(run.tasks, state.archive.axes, _events(run)),
                "finalists": finalists,
                "pipelines": pipelines_part(run, finalists),
                "decisions": _decisions(run),
                "outcomes": _outcomes(state),
                "cost": _cost(state),
                "authoring": authoring_part(run, beside),
                "shortcuts": [*_rungs(state), *_zero_cost(run.kind.name, state, designs), *_recipe(state)],
            }
        )
    )


def _events(run: Run) -> Sequence[Event]:
    """Return the log as far as the run's state knows it; an engine may be writing more."""
    return [event for event in run.store.events() if event.number <= run.state.last_event]


def _tasks(run: Run) -> list[dict[str, Any]]:
    wanted = ("name", "description", "metric", "chance", "ceiling")
    warnings = headroom_warnings(run.state)
    return [
        {**{key: getattr(task, key) for key in wanted}, "warning": warnings.get(task.name, "")}
        for task in run.tasks
    ]


def _axes(run: Run) -> list[dict[str, Any]]:
    return [
        {"name": axis.name, "low": axis.low, "high": axis.high, "bins": axis.bins, "log": axis.log}
        for axis in run.state.archive.axes
    ]


def _designs(state: RunState, words: Words) -> list[dict[str, Any]]:
    elites = {elite.design.id for elite in state.archive.elites.values()}
    return [
        {
            **scored_summary(scored),
            "arm": state.arm_of[scored.design.id],
            "n": scored.score.n,
            "parameters": _most_parameters(state.evaluations(scored.design.id)),
            "latency_seconds": measures.get(words.latency_measure),
            "niche": list(niche_of(scored.descriptors, state.archive.axes)),
            "is_elite": scored.design.id in elites,
            "measures": measures,
        }
        for scored in state.all_scored()
        if (measures := _measures(_behind(state, scored)))
    ]


def _behind(state: RunState, scored: ScoredDesign) -> list[Evaluation]:
    """Return the evaluations of a design on the search split, from the first ranked rung on."""
    return [
        evaluation
        for evaluation in state.evaluations(scored.design.id)
        if evaluation.score is not None
        and evaluation.request.rung >= FIRST_RANKED_RUNG
        and evaluation.request.split == "search"
        and evaluation.request.learning_rate == 1.0
    ]


def _most_parameters(evaluations: Sequence[Evaluation]) -> int | None:
    return max((e.parameters for e in evaluations if e.parameters is not None), default=None)


def _measures(evaluations: Sequence[Evaluation]) -> dict[str, float]:
    """Return what was measured beside the score, averaged over the evaluations that have it."""
    found: dict[str, list[float]] = {}
    for evaluation in evaluations:
        for name, value in evaluation.measures.items():
            found.setdefault(name, []).append(value)
    return {
        **{name: sum(values) / len(values) for name, values in found.items()},
        "peak_memory_mib": max(e.cost.peak_memory_bytes for e in evaluations) / 2**20,
        "cpu_seconds": sum(e.cost.cpu_seconds for e in evaluations),
    }


def _rungs(state: RunState) -> list[dict[str, Any]]:
    """Return how well each rung ranks the designs that did a higher one as well."""
    scored = state.all_scored()
    found = []
    for lower, higher in combinations(sorted({rung for one in scored for rung in one.scores}), 2):
        both = [one.scores for one in scored if lower in one.scores and higher in one.scores]
        pairs = [(one[lower].value, one[higher].value) for one in both]
        found.append(_shortcut(f"rung {lower}", f"rung {higher}", "the best, which climbed", pairs))
    return found


def _zero_cost(kind: str, state: RunState, designs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return how well scores that need no training rank designs, and beside them how well size alone does.

    They are held against the rung that every design does: those that climb are alike, and nothing ranks them well.
    """
    scores = {
        one.design.id: one.scores[FIRST_RANKED_RUNG].value
        for one in state.all_scored()
        if FIRST_RANKED_RUNG in one.scores
    }
    ranked = [one for one in designs if one["id"] in scores]
    found = []
    size = words_of(kind).size
    for name in (size, *ZERO_COST):
        values = [
            size_of(kind, one["parameters"], one["descriptors"])
            if name == size
            else one["measures"].get(name)
            for one in ranked
        ]
        pairs = [
            (value, scores[one["id"]]) for one, value in zip(ranked, values, strict=True) if value is not None
        ]
        if pairs:
            found.append(
                _shortcut(name, f"rung {FIRST_RANKED_RUNG}", "all that were scored and have it", pairs)
            )
    return found


def _recipe(state: RunState) -> list[dict[str, Any]]:
    """Return how well scores under the frozen recipe rank the designs whose learning rate was tuned."""
    pairs = fixed_and_tuned(state)
    among = "those that were tuned, one seed each"
    return [_shortcut("the frozen recipe", "a learning rate of its own", among, pairs)] if pairs else []


def _shortcut(name: str, target: str, among: str, pairs: Sequence[tuple[float, float]]) -> dict[str, Any]:
    correlation = spearman([one for one, _ in pairs], [other for _, other in pairs])
    return {
        "name": name,
        "stands_in_for": target,
        "among": among,
        "correlation": correlation,
        "n": len(pairs),
    }


def _decisions(run: Run) -> list[dict[str, Any]]:
    """Return what the log gives a reason for: decisions, proposals refused, work given back, why a session ended.

    Why a request to a model failed is no decision; the ledger counts those.
    """
    found = []
    for event in _events(run):
        reason = event.body.get("reason") or event.body.get("why")
        if reason and event.kind != "answered":
            proposal = event.body.get("proposal")
            what = proposal.get("name") if isinstance(proposal, Mapping) else proposal
            told = f"{what}: {reason}" if what else str(reason)
            kind = event.body["kind"] if event.kind == "decided" else event.kind
            found.append({"number": event.number, "kind": kind, "reason": one_line(told, _REASON_CHARACTERS)})
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
    return {
        "wall_seconds": state.engine_seconds,
        "cpu_seconds": state.candidate_cpu_seconds,
        "evaluations": state.done,
        "by_arm": {
            name: {"evaluations": arm.evaluations, "steps": arm.steps, "cpu_seconds": arm.cpu_seconds}
            for name, arm in state.arms.items()
            if arm.evaluations
        },
    }
