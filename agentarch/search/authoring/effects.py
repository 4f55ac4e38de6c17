"""What changes were measured to do: each proposal against its parent, and each part that was knocked out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from agentarch.evaluation import Cells
from agentarch.meta.briefing import EffectTold
from agentarch.scoring import Difference, difference
from agentarch.search.knockout import FOLDER as KNOCKOUTS
from agentarch.search.proposals import ProposalRecord
from agentarch.search.state import RunState

MOST_KNOCKOUT_FILES = 20


class Effects:
    """Measures the effect of each proposal once, and again when more is known of it."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int, int], Difference | None]] = {}

    def of(self, record: ProposalRecord, state: RunState) -> Difference | None:
        """Return how much better a proposal's design scored than its first parent, paired; None while nobody knows."""
        parents = record.brief["parents"]
        child = state.scored(record.design_id) if record.design_id else None
        parent = state.scored(parents[0]) if parents else None
        if child is None or parent is None:
            return None
        common = child.cells.keys() & parent.cells.keys()
        if not common:
            return None
        rung = max(common)
        key = (rung, _size(child.cells[rung]), _size(parent.cells[rung]))
        known = self._known.get(record.id)
        if known is None or known[0] != key:
            found = difference(child.cells[rung], parent.cells[rung], state.noise(rung))
            known = self._known[record.id] = key, found
        return known[1]


def knocked_out(folder: Path) -> Iterator[EffectTold]:
    """Yield what `agentarch knockout` found in a run so far; files that cannot be read are passed over."""
    files = sorted((folder / KNOCKOUTS).glob("*.json"))[-MOST_KNOCKOUT_FILES:]
    for file in files:
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            parts = found["contributions"]
            name = str(found["name"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        for part in parts:
            if part.get("difference") is not None:
                yield EffectTold(
                    f"{part['done']} in {name}",
                    -part["difference"],
                    -part["high"],
                    -part["low"],
                    part["n"],
                )


def _size(cells: Cells) -> int:
    return sum(len(found) for found in cells.values())
