"""Decisions of people on proposals: what they are shown, and how a decision reaches the run.

A decision is one row of the run's log, made once, whoever comes first; an engine that drives the run finds it there.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from agentarch.design import Design, DesignError, Proposal, read_design
from agentarch.differences import source_difference
from agentarch.errors import UsageError
from agentarch.kinds.words import size_of
from agentarch.search.fingerprints import Fingerprints
from agentarch.search.log import Log
from agentarch.search.proposals import ProposalRecord, Stage
from agentarch.search.race import FIRST_RANKED_RUNG
from agentarch.search.session import Run
from agentarch.search.traced import typical_graph
from agentarch.text import one_line
from agentarch.traces import typical_account


def decide(run: Run, proposal: str, decision: str, reason: str, by: str, source: str | None = None) -> None:
    """Decide on a proposal that waits.

    Args:
        run: an opened run; an engine may be driving it.
        proposal: its id.
        decision: `approve`, `reject` or `edit`.
        reason: why; later prompts tell it to the models.
        by: who decided.
        source: that takes the place of the proposal's, for `edit`.

    Raises:
        UsageError: it does not wait (any more), or the source cannot be read as a design. Nothing was decided.
    """
    record = waiting(run, proposal)
    body: dict[str, Any] = {"decision": decision, "reason": reason, "by": by}
    if decision == "edit":
        body["source"] = _readable(run, record, source or "")
    is_first = run.store.review(proposal, body)
    _look_again(run)
    if record.review is None:  # the search was over an instant before
        raise _not_waiting(record)
    if not is_first:
        raise _decided_before(record, record.review)


def defer(run: Run, proposal: str, by: str) -> None:
    """Put off the decision on a proposal: its timeout starts again, and it goes to the end of the list.

    Raises:
        UsageError: it does not wait.
    """
    waiting(run, proposal)
    run.store.note("deferred", proposal=proposal, by=by)


def waiting(run: Run, proposal: str) -> ProposalRecord:
    """Return a proposal that waits for a person, as the run's log says by now.

    Raises:
        UsageError: it does not wait.
    """
    _look_again(run)
    record = run.state.proposals[proposal]
    if record.review is not None:
        raise _decided_before(record, record.review)
    if record.stage is not Stage.PENDING_REVIEW:
        raise _not_waiting(record)
    return record


def waiting_summaries(run: Run) -> list[dict[str, Any]]:
    """Return what waits for a person, the longest waiting first, without sources and what is compared with them."""
    return [_outline(run, record) for record in run.state.proposals.pending]


def proposal_summary(run: Run, proposal: str, known: Fingerprints | None = None) -> dict[str, Any]:
    """Return a proposal as a reviewer sees it, in plain JSON values.

    Args:
        run: an opened run.
        proposal: its id.
        known: of this run; give the same again to spare looking at each design again.
    """
    record = run.state.proposals[proposal]
    draft, parents = record.draft, _parents(run, record)
    known = known or Fingerprints()
    known.notice(run.state.designs)
    graph = typical_graph(run, record.design_id) if record.design_id else None
    nearest = known.nearest(draft.get("source", ""), but=record.design_id)
    return {
        **_outline(run, record),
        "nearest": None
        if nearest is None
        else {"id": nearest[0].id, "name": nearest[0].name, "similarity": nearest[1]},
        "difference": _difference(parents[0], draft) if parents and draft else None,
        "source": draft.get("source", ""),
        "pipeline": None if graph is None else typical_account(graph),
    }


def _look_again(run: Run) -> None:
    """Bring a run up to what an engine, or somebody else, has written meanwhile."""
    Log(run.store, run.state).advance()


def _parents(run: Run, record: ProposalRecord) -> list[Design]:
    return [run.state.designs[name] for name in record.brief["parents"] if name in run.state.designs]


def _outline(run: Run, record: ProposalRecord) -> dict[str, Any]:
    """Return what is known of a proposal without a look at any source."""
    state, draft = run.state, record.draft
    smoke = next(
        (e for e in state.evaluations(record.design_id or "") if e.request.rung < FIRST_RANKED_RUNG), None
    )
    return {
        "id": record.id,
        "stage": record.stage.value,
        "reason": record.reason,
        "design": record.design_id,
        "name": draft.get("name", ""),
        "rationale": draft.get("rationale", ""),
        "claim": draft.get("claim", ""),
        "predicted_change": draft.get("predicted_change"),
        "operator": record.brief["operator"],
        "model": record.brief["model"],
        "pack": record.brief["pack"],
        "concerns": list((record.reflection or {}).get("concerns", ())),
        "faults": [reason for turn in record.turns for _, reason in turn.faults],
        "parents": [{"id": one.id, "name": one.name} for one in _parents(run, record)],
        "parameters": None if smoke is None else smoke.parameters,
        "size": None if smoke is None else size_of(run.kind.name, smoke.parameters, smoke.descriptors),
        "kind": run.kind.name,
        "steps": sum(task.rungs[FIRST_RANKED_RUNG].steps for task in run.tasks),
        "waiting_seconds": None if record.gated_at is None else max(0.0, time.time() - record.gated_at),
        "review": None
        if record.review is None
        else {k: v for k, v in record.review.items() if k != "source"},
    }


def _difference(parent: Design, draft: Mapping[str, Any]) -> str | None:
    return source_difference(parent.source, draft["source"], parent.name, draft["name"])


def _readable(run: Run, record: ProposalRecord, source: str) -> str:
    """Return an edited source that is a design of its own.

    Raises:
        UsageError: it is none.
    """
    if not source.strip():
        raise UsageError("the edited source is empty. Nothing was decided; write a whole design")
    try:
        edited = read_design(Proposal(source, record.draft["name"]), run.kind.contract)
    except DesignError as error:
        raise UsageError(
            f"the edited source cannot be used: {error}. Nothing was decided; mend it and edit again"
        ) from None
    if edited.id == record.design_id:
        raise UsageError(
            f"the edited source is the design that {record.id} is already, but for comments, docstrings or layout. "
            f"Nothing was decided; change what it does, or approve {record.id}"
        )
    if edited.id in run.state.designs:
        raise UsageError(
            f"the edited source is the same design as {run.state.designs[edited.id].label}, which the run knows "
            f"already. Nothing was decided; change it and edit again, or reject {record.id}"
        )
    return source


def _not_waiting(record: ProposalRecord) -> UsageError:
    why = f": {one_line(record.reason)}" if record.reason else ""
    return UsageError(
        f"{record.id} does not wait for a review, it is {record.stage.value}{why}; "
        "--list shows what waits, and nothing was decided"
    )


def _decided_before(record: ProposalRecord, review: Mapping[str, Any]) -> UsageError:
    by, decision, reason = (review[key] for key in ("by", "decision", "reason"))
    because = f", because: {one_line(reason)}" if reason else ""
    return UsageError(
        f"{record.id} was decided before ({decision}, by {by}{because}); your decision changes nothing"
    )
