"""The lab notebook of a run: what proposals claimed, and what was measured of it."""

from __future__ import annotations

from collections.abc import Iterable

from agentarch.meta.lessons import Notebook, Prediction, notebook
from agentarch.search.authoring.effects import Effects
from agentarch.search.state import RunState


def notebook_of(state: RunState, effects: Effects, latest: int | None = None) -> Notebook:
    """Return the lessons of a run's proposals; a claim without a predicted change is none.

    Args:
        state: of the run.
        effects: measured so far.
        latest: so many of the proposals that were begun last are looked at; None for all.
    """
    return notebook(_predictions(state, effects, len(state.proposals) if latest is None else latest))


def _predictions(state: RunState, effects: Effects, latest: int) -> Iterable[Prediction]:
    for record in state.proposals.latest(latest):
        draft = record.draft
        if not draft.get("claim") or draft["predicted_change"] is None:
            continue
        found = effects.of(record, state)
        yield Prediction(
            lesson=record.id,
            claim=draft["claim"],
            predicted=draft["predicted_change"],
            builds_on=tuple(draft["builds_on"]),
            value=None if found is None else found.value,
            low=None if found is None else found.low,
            high=None if found is None else found.high,
        )
