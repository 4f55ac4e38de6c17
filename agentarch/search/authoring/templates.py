"""Templates that models wrote, and which of their fillings were tried: from the log to a draft and back."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agentarch.meta.draft import Draft, Hole
from agentarch.meta.holes import Choice, fill, fillings, next_filling
from agentarch.search.proposals import RECENT, ProposalRecord, Stage
from agentarch.search.state import RunState

MOST_TEMPLATES = 20
"""So many of the latest templates are filled; an older one had its chance."""


def draft_of(written: Mapping[str, Any]) -> Draft:
    """Return a draft as it was before it was written into the log."""
    holes = tuple(Hole(hole["name"], tuple(hole["values"])) for hole in written["holes"])
    return Draft(**{**written, "holes": holes, "builds_on": tuple(written["builds_on"])})


def open_templates(state: RunState) -> list[tuple[ProposalRecord, Draft, dict[Choice, float | None]]]:
    """Return the templates that run and have fillings left, the latest first, with the score of each that was tried."""
    tried: dict[str, dict[Choice, float | None]] = {}
    recent = state.proposals.latest(RECENT)
    for record in recent:
        if fills := record.brief["fills"]:
            tried.setdefault(fills["of"], {})[tuple(fills["choice"])] = _score(record, state)
    found: list[tuple[ProposalRecord, Draft, dict[Choice, float | None]]] = []
    for record in reversed(recent):
        if record.stage is not Stage.QUEUED or not record.draft["holes"] or len(found) == MOST_TEMPLATES:
            continue
        draft = draft_of(record.draft)
        known = {(0,) * len(draft.holes): _score(record, state), **tried.get(record.id, {})}
        if len(known) < fillings(draft):
            found.append((record, draft, known))
    return found


def choose_filling(state: RunState, rng: random.Random) -> tuple[ProposalRecord, Choice]:
    """Return a template and the filling to try; there is an open one."""
    record, draft, tried = rng.choice(open_templates(state))
    choice = next_filling(draft, tried, rng)
    assert choice is not None
    return record, choice


def filled(template: Draft, choice: Choice) -> Draft:
    """Return a template with its holes filled, as a draft of its own."""
    told = ", ".join(
        f"{hole.name} = {hole.values[number]}" for number, hole in zip(choice, template.holes, strict=True)
    )
    return replace(
        template,
        source=fill(template, choice),
        name=f"{template.name[:34]}-fill",
        rationale=f"The template of {template.name} with {told}."[:600],
        claim="",
        predicted_change=None,
        builds_on=(),
        form="file",
        template="",
        holes=(),
    )


def _score(record: ProposalRecord, state: RunState) -> float | None:
    scored = state.scored(record.design_id) if record.design_id else None
    return None if scored is None else scored.score.value
