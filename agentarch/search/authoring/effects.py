"""What changes were measured to do: each proposal against its parent, and each part that was knocked out."""

from __future__ import annotations

import contextlib
import heapq
import itertools
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
    """Measures the effect of each proposal once, and again when more is known of it or of its parent.

    How much scores of other designs vary is taken as it was then, and widens or narrows the interval no more: what a
    prompt tells may differ a little from what `show` and the report measure anew.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int, int], Difference | None]] = {}

    def of(self, record: ProposalRecord, state: RunState) -> Difference | None:
        """Return how much better a proposal's design scored than its first parent, paired; None while nobody knows."""
        parents = record.brief["parents"]
        pair = _pair(record.design_id, parents[0] if parents else None, state)
        if pair is None:
            return None
        rung, child, parent = pair
        key = (rung, _size(child), _size(parent))
        known = self._known.get(record.id)
        if known is None or known[0] != key:
            known = self._known[record.id] = key, difference(child, parent, state.noise(rung))
        return known[1]


def change_against(design_id: str | None, other_id: str | None, state: RunState) -> Difference | None:
    """Return how much better one design scored than another at the highest rung of both; None while nobody knows."""
    pair = _pair(design_id, other_id, state)
    return None if pair is None else difference(pair[1], pair[2], state.noise(pair[0]))


def _pair(design_id: str | None, other_id: str | None, state: RunState) -> tuple[int, Cells, Cells] | None:
    """Return the highest rung that two designs have in common, with the scores of each there."""
    one = state.scored(design_id) if design_id else None
    other = state.scored(other_id) if other_id else None
    common = one.cells.keys() & other.cells.keys() if one and other else None
    if not one or not other or not common:
        return None
    rung = max(common)
    return rung, one.cells[rung], other.cells[rung]


class Knockouts:
    """What `agentarch knockout` found in a run; each file is read once, and again when it changed.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / KNOCKOUTS
        self._read: dict[tuple[int, str], tuple[EffectTold, ...]] = {}

    def found(self) -> Iterator[EffectTold]:
        """Yield the effects of the latest knock-outs, the last first; files that cannot be read are passed over."""
        latest = heapq.nlargest(MOST_KNOCKOUT_FILES, _dated(self._folder))
        self._read = {
            one: self._read[one] if one in self._read else _parts(self._folder / one[1]) for one in latest
        }
        return itertools.chain.from_iterable(self._read.values())


def _dated(folder: Path) -> Iterator[tuple[int, str]]:
    """Yield when each knock-out was written, with the name of its file."""
    for file in folder.glob("*.json"):
        with contextlib.suppress(OSError):  # it was taken away meanwhile
            yield file.stat().st_mtime_ns, file.name


def _parts(file: Path) -> tuple[EffectTold, ...]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return tuple(
            EffectTold(
                f"{part['done']} in {found['name']}",
                -part["difference"],
                -part["high"],
                -part["low"],
                part["n"],
            )
            for part in found["contributions"]
            if part.get("difference") is not None
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


def _size(cells: Cells) -> int:
    return sum(len(found) for found in cells.values())
