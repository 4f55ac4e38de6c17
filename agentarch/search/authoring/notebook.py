"""The lab notebook of a run: what proposals claimed, and what was measured of it."""

from __future__ import annotations

from collections.abc import Iterable

from agentarch.meta.lessons import Notebook, Prediction, notebook
from agentarch.search.authoring.effects import Effects
from agentarch.search.proposals import RECENT
from agentarch.search.state import RunState


def notebook_of(state: RunState, effects: Effects) -> Notebook:
    """Return the lessons of a run's latest proposals; a claim without a predicted change is none."""
    return notebook(_predictions(state, effects))


def _predictions(state: RunState, effects: Effects) -> Iterable[Prediction]:
    for record in state.proposals.latest(RECENT):
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
