"""Replays five published searches for agents: what would our selection have picked from validation alone, and claimed?

Reads `tabular/agent_search_archives.csv` (164 agents with validation and test medians and intervals, from the published
results of ADAS) from the folder that AGENTARCH_DATA names. Choosing looks at validation only; test figures tell
afterwards what the choice lost against the best agent of its domain. What a run claims rests on paired runs
(`agentarch.scoring.selection.judge`); published intervals are all there is here, so a claim is an unpaired difference.
Prints one line a domain, then the means.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import NormalDist, mean

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.data import data_file

from agentarch.evaluation import Score
from agentarch.scoring import mean_score
from agentarch.scoring.evidence import LEVEL
from agentarch.scoring.intervals import Z
from agentarch.scoring.selection import surest

FILE = "tabular/agent_search_archives.csv"


@dataclass(frozen=True)
class Row:
    """One evaluation of one agent, in per cent; `is_initial` for agents that the search began with."""

    domain: str
    agent: str
    is_initial: bool
    validation: Score
    test: float


@dataclass(frozen=True)
class Replayed:
    """What came of one domain.

    Attributes:
        domain: its name.
        chosen: by our selection.
        loss: on test, against the best agent, in points.
        highest: the agent with the highest validation median.
        highest_loss: its loss.
        claims: whether the choice is claimed to be better than the surest agent the search began with.
        difference: on validation, with its interval, corrected for the number of agents.
        test_difference: what became of that difference on test.
    """

    domain: str
    chosen: str
    loss: float
    highest: str
    highest_loss: float
    claims: bool
    difference: tuple[float, float, float]
    test_difference: float


def read(path: Path) -> list[Row]:
    """Read the rows; an interval that does not hold its own median is widened until it does, to both sides."""
    with path.open(newline="") as file:
        return [
            Row(
                domain=row["domain"],
                # Rows of one name are one agent, evaluated again or slightly rewritten: pooled, as seeds are in a run.
                agent=row["design"],
                is_initial=row["generation"] == "initial",
                validation=_score(float(row["val_median"]), float(row["val_lo"]), float(row["val_hi"])),
                test=float(row["test_median"]),
            )
            for row in csv.DictReader(file)
        ]


def unpaired_difference(one: Score, other: Score, tries: int) -> tuple[float, float, float]:
    """Compare two independent scores when `one` was picked among so many; return the difference and its 95% interval.

    Intervals are combined (MOVER: Zou & Donner 2008) and widened for the tries (Bonferroni).
    """
    wider = NormalDist().inv_cdf(1 - (1 - LEVEL) / 2 / max(1, tries)) / Z
    value = one.value - other.value
    below = wider * math.hypot(one.value - one.low, other.high - other.value)
    above = wider * math.hypot(one.high - one.value, other.value - other.low)
    return value, value - below, value + above


def replay(rows: list[Row]) -> Replayed:
    """Choose among the rows of one domain."""
    agents: dict[str, list[Row]] = {}
    for row in rows:
        agents.setdefault(row.agent, []).append(row)
    scores = {name: mean_score([row.validation for row in found]) for name, found in agents.items()}
    order = surest(scores)
    chosen = order[0]
    control = next(name for name in order if agents[name][0].is_initial)
    difference = unpaired_difference(scores[chosen], scores[control], tries=len(agents))
    highest = max(rows, key=lambda row: row.validation.value)
    best = max(row.test for row in rows)
    test = {name: mean(row.test for row in found) for name, found in agents.items()}
    return Replayed(
        domain=rows[0].domain,
        chosen=chosen,
        loss=best - test[chosen],
        highest=highest.agent,
        highest_loss=best - highest.test,
        claims=chosen != control and difference[1] > 0,
        difference=difference,
        test_difference=test[chosen] - test[control],
    )


def replay_all(path: Path) -> list[Replayed]:
    """Replay every domain of the file."""
    domains: dict[str, list[Row]] = {}
    for row in read(path):
        domains.setdefault(row.domain, []).append(row)
    return [replay(rows) for rows in domains.values()]


def _score(median: float, low: float, high: float) -> Score:
    half = max(abs(median - low), abs(high - median)) if not low <= median <= high else None
    return Score(median, median - half, median + half, 1) if half is not None else Score(median, low, high, 1)


def main() -> None:
    """Print what came of each domain."""
    path = data_file(FILE)
    if not path.is_file():
        print(
            f"not replayed: there is no {str(path)!r}; name the folder that holds tabular/ in AGENTARCH_DATA"
        )
        return
    found = replay_all(path)
    if "--json" in sys.argv:
        print(json.dumps([asdict(one) for one in found], indent=2))
        return
    for one in found:
        value, low, high = one.difference
        claim = "claimed better than what the search began with" if one.claims else "no claim"
        print(
            f"{one.domain:<5} chosen {one.chosen}: {one.loss:.1f} points lost on test (highest validation median: "
            f"{one.highest_loss:.1f}); {claim}: {value:+.1f} [{low:+.1f}, {high:+.1f}] on validation, "
            f"{one.test_difference:+.1f} on test"
        )
    ours, theirs = mean(one.loss for one in found), mean(one.highest_loss for one in found)
    print(
        f"mean loss on test: {ours:.2f} points by our selection, {theirs:.2f} by the highest validation median"
    )


if __name__ == "__main__":
    main()
