"""What a run tells of its proposals afterwards, in plain JSON values: of each one, of all together, and its lessons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from agentarch.meta.lessons import Lesson, heaviest
from agentarch.search.authoring.choosing import trials_by
from agentarch.search.authoring.effects import Effects
from agentarch.search.authoring.notebook import notebook_of
from agentarch.search.proposals import FaultKind, ProposalRecord, Stage, Turn
from agentarch.search.state import RunState


def design_account(state: RunState, design_id: str) -> dict[str, Any] | None:
    """Return what is known of the proposal that a design came of; None where it came of none."""
    name = state.proposals.of_design.get(design_id)
    return None if name is None else _account(state, state.proposals[name], design_id)


def lessons_summary(state: RunState, most: int | None = None) -> list[dict[str, Any]]:
    """Return the lab notebook, the heaviest claims first; or so many of those that are most worth telling."""
    book = notebook_of(state, Effects())
    if most is not None:
        return [_lesson(one) for one in heaviest(book, most)]
    return [_lesson(one) for one in sorted(book.values(), key=lambda one: -one.weight)]


def faults_summary(state: RunState) -> list[dict[str, Any]]:
    """Return what was wrong on the way, the most frequent kind first, each with the latest reason as an example."""
    found: dict[FaultKind, dict[str, Any]] = {}
    for record in state.proposals.values():
        for kind, reason in (fault for turn in record.turns for fault in turn.faults):
            count = found[kind]["count"] if kind in found else 0
            found[kind] = {"kind": kind.value, "count": count + 1, "example": reason, "proposal": record.id}
    return sorted(found.values(), key=lambda one: -one["count"])


def trials_summary(of: Literal["operator", "model", "pack"], state: RunState) -> list[dict[str, Any]]:
    """Return what each operator, model or prompt pack has brought, as far as that is known.

    `gained` counts designs that filled or took a niche; `dollars` is None where nobody knows all prices.
    """
    is_priced = state.ledger.total.unpriced == 0
    return [
        {
            "name": name,
            "tried": len(one.gains),
            "gained": int(sum(one.gains)),
            "dollars": sum(one.dollars) if is_priced else None,
        }
        for name, one in sorted(trials_by(of, state.proposals.values(), state).items())
    ]


def reviews_summary(state: RunState) -> list[dict[str, Any]]:
    """Return every decision on a proposal, in order, with its reason."""
    records = [state.proposals[name] for name in state.proposals.reviewed]
    return [
        {"proposal": one.id, "name": str(one.draft.get("name", one.id)), **review}
        for one in records
        if (review := _review(one)) is not None
    ]


def _account(state: RunState, record: ProposalRecord, design_id: str) -> dict[str, Any]:
    turns = _turns_up_to(record, design_id)
    draft: Mapping[str, Any] = next((turn.draft for turn in reversed(turns) if turn.draft is not None), {})
    is_latest = record.design_id == design_id
    found = Effects().of(record, state) if is_latest else None
    return {
        "id": record.id,
        "stage": record.stage.value,
        "reason": record.reason,
        "model": next((turn.answered_by for turn in reversed(turns) if turn.answered_by), None),
        "operator": record.brief["operator"],
        "pack": record.brief["pack"],
        "placebo": record.brief["placebo"],
        "claim": draft.get("claim", ""),
        "predicted_change": draft.get("predicted_change"),
        "measured_change": None
        if found is None
        else {"value": found.value, "low": found.low, "high": found.high, "n": found.n},
        "review": _review(record),
        "faults": [
            {"kind": kind.value, "reason": reason} for turn in record.turns for kind, reason in turn.faults
        ],
        "became": None if is_latest or record.stage is Stage.FAILED else record.design_id,
    }


def _turns_up_to(record: ProposalRecord, design_id: str) -> Sequence[Turn]:
    """Return the turns of a proposal up to the one that a design was read from."""
    last = next((n for n, turn in enumerate(record.turns) if turn.design_id == design_id), len(record.turns))
    return record.turns[: last + 1]


def _review(record: ProposalRecord) -> dict[str, Any] | None:
    if record.review is None:
        return None
    return {key: record.review[key] for key in ("decision", "reason", "by")}


def _lesson(one: Lesson) -> dict[str, Any]:
    return {
        "id": one.id,
        "claim": one.claim,
        "weight": one.weight,
        "right": one.right,
        "wrong": one.wrong,
        "undecided": one.undecided,
        "predicted": one.predicted,
        "measured": one.measured,
    }
