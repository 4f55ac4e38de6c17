"""What language models wrote in a run, what it cost and what came of it, as plain values; see `contract`.

Runs that are put beside one another have the same tasks, rungs and models, or are refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from agentarch.config import META
from agentarch.errors import UsageError
from agentarch.scoring.intervals import share_interval
from agentarch.search.archive_use import ArchiveUse, archive_use, compare, in_words
from agentarch.search.authoring.accounts import (
    faults_summary,
    lessons_summary,
    reviews_summary,
    trials_summary,
)
from agentarch.search.proposals import Stage
from agentarch.search.session import Run
from agentarch.search.summary import ledger_summary
from agentarch.text import one_line

MOST_LESSONS = 12
_REASON_CHARACTERS = 400


def authoring_part(run: Run, beside: Sequence[Run] = ()) -> dict[str, Any] | None:
    """Return what language models wrote in a run; None where none were asked.

    Args:
        run: the run.
        beside: others, to see what showing them the chosen parents brings.

    Raises:
        UsageError: one of the others does not compare with it.
    """
    if run.config.proposer != META:
        if beside:
            raise UsageError(
                f"no language model wrote the designs of {str(run.folder)!r}, so there is nothing to put beside it"
            )
        return None
    for place, other in enumerate(beside):
        check_comparable(run, other)
        if any(other.folder.resolve() == one.folder.resolve() for one in (run, *beside[:place])):
            raise UsageError(f"--beside names {str(other.folder)!r}, which is in the report already")
    state, config = run.state, run.config
    ledger = ledger_summary(state.ledger)
    elites = [e for e in state.archive.elites.values() if e.design.id in state.proposals.of_design]
    gains = [name for name in state.enriched if name in state.proposals.of_design]
    uses = [archive_use(one.state, one.config.placebo) for one in (run, *beside)]
    comparisons = compare(uses)
    return {
        "ledger": ledger,
        "ceilings": {
            "dollars": config.max_usd,
            "tokens": config.max_tokens,
            "requests": config.max_requests,
        },
        "elites": len(elites),
        "gains": len(gains),
        "dollars_per_elite": _per(ledger["dollars"], len(elites)),
        "dollars_per_gain": _per(ledger["dollars"], len(gains)),
        "stages": {stage.value: count for stage in Stage if (count := state.proposals.counts[stage])},
        "faults": [
            {**one, "example": one_line(one["example"], _REASON_CHARACTERS)} for one in faults_summary(state)
        ],
        "by_model": [_trials(one) for one in trials_summary("model", state)],
        "by_operator": [_trials(one) for one in trials_summary("operator", state)],
        "by_pack": [_trials(one) for one in trials_summary("pack", state)],
        "reviews": reviews_summary(state),
        "lessons": lessons_summary(state, MOST_LESSONS),
        "uses": [_use(one, found) for one, found in zip((run, *beside), uses, strict=True)],
        "comparisons": [asdict(one) for one in comparisons],
        "sentence": in_words(uses, comparisons),
        "notes": _notes(run, beside),
    }


def check_comparable(run: Run, other: Run) -> None:
    """Make sure that two runs tell the same about their models but for what these were shown.

    Raises:
        UsageError: their tasks, rungs or models differ; the message says how.
    """
    differing = [
        f"{what}: {_told(mine)}, and {_told(theirs)} there"
        for what, mine, theirs in (
            ("tasks", _names(run), _names(other)),
            ("rungs", _rungs(run), _rungs(other)),
            ("models", _models(run), _models(other)),
        )
        if mine != theirs
    ]
    changed = [
        name for name, made in _made(run).items() if name in _made(other) and made != _made(other)[name]
    ]
    if changed and not differing:
        differing = [f"what is behind the tasks: {_told(changed)} changed between them"]
    if differing:
        raise UsageError(
            f"{str(other.folder)!r} cannot stand beside {str(run.folder)!r}, for they differ in more than what was "
            f"shown; {'; '.join(differing)}"
        )


def _names(run: Run) -> list[str]:
    return [task.name for task in run.tasks]


def _rungs(run: Run) -> list[str]:
    highest = min(len(task.rungs) for task in run.tasks) - 1
    top = highest if run.config.top_rung is None else min(run.config.top_rung, highest)
    return [f"up to {top}"]


def _models(run: Run) -> list[str]:
    roles = [f"{role}={name}" for role, name in sorted(run.config.role_model.items())]
    fallbacks = [f"fallback {name}" for name in run.config.fallback_model]
    return [*sorted(run.config.model), *roles, *fallbacks]


def _made(run: Run) -> dict[str, str]:
    return dict(json.loads(run.store.settings["tasks"]))


def _told(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _notes(run: Run, beside: Sequence[Run]) -> list[str]:
    """Return what else differs between runs, and may be behind a difference as well."""
    settings = ("prompts", "reflect", "review", "evaluations", "time", "controls", "prompt_tokens")
    return [
        f"{other.folder} also differs in: {', '.join(found)}."
        for other in beside
        if (
            found := [
                name.replace("_", " ")
                for name in settings
                if getattr(run.config, name) != getattr(other.config, name)
            ]
        )
    ]


def _per(dollars: float | None, count: int) -> float | None:
    return None if dollars is None or not count else dollars / count


def _trials(one: dict[str, Any]) -> dict[str, Any]:
    tried, gained, dollars = one["tried"], one["gained"], one["dollars"]
    low, high = share_interval(gained, tried)
    return {
        **one,
        "share": {"value": gained / tried, "low": low, "high": high, "n": tried},
        "per_dollar": gained / dollars if dollars else None,
    }


def _use(run: Run, use: ArchiveUse) -> dict[str, Any]:
    means = {
        name: getattr(use, name)
        for name in ("to_shown", "to_chosen", "to_others", "closer", "share", "change")
    }
    best = use.best
    return {
        "run_dir": str(run.folder),
        "placebo": use.placebo,
        "proposals": use.proposals,
        "gained": sum(use.gains),
        **{name: None if mean is None else asdict(mean) for name, mean in means.items()},
        "best": None if best is None else asdict(best.score),
        "best_name": "" if best is None else best.name,
    }
