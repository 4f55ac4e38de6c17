"""Whether proposals use what the archive chose for them: how much they resemble it, and what comes of being shown it.

Pure functions of runs' states. A run with a placebo shows its models other designs than the archive chose, or none
(`--placebo`); what it chose is written down all the same, so every run is held against the same yardsticks.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

import numpy as np

from agentarch.evaluation import Score
from agentarch.meta.similarity import Fingerprint, fingerprint
from agentarch.scoring import cells_score
from agentarch.scoring.evidence import LEVEL, t_quantile
from agentarch.scoring.intervals import share_interval
from agentarch.search.arm import SEARCH
from agentarch.search.authoring.choosing import is_settled
from agentarch.search.authoring.effects import change_against
from agentarch.search.decision import Choice
from agentarch.search.finish import FINALIST, confirmed, judged_contenders, noise_of_finish
from agentarch.search.proposals import ProposalRecord, Turn
from agentarch.search.state import RunState
from agentarch.text import counted

CHOSEN = "chosen"
"""What the placebo of a run is called that has none."""

SHOWN = {CHOSEN: "the chosen parents", "shuffled": "shuffled parents", "none": "no parents"}

MOST_OTHERS = 1_000
"""Designs that a proposal is compared with to see what a random one would have; where there are more, evenly spread."""

FEWEST_RUNS = 2
"""With fewer runs of a kind nobody knows how much such runs differ by themselves."""


@dataclass(frozen=True)
class Mean:
    """A mean with its 95% interval.

    Attributes:
        value: the mean.
        low: lower end of the interval; None where one value says nothing of their spread.
        high: upper end.
        n: values behind it.
    """

    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Confirmed:
    """A finalist's name and its score on the `confirm` split."""

    name: str
    score: Score


@dataclass(frozen=True)
class ArchiveUse:
    """How one run's proposals stand to what its archive chose.

    Similarities are from 0 to 1, each a mean over proposals of the mean over designs. A proposal is taken as the model
    last wrote it; one that filled a template, or that a person edited, is left out.

    Attributes:
        placebo: what was shown: `chosen`, `shuffled` or `none`.
        proposals: that a model wrote so that they could be read.
        to_shown: similarity to the designs in their prompts.
        to_chosen: to those that the archive chose and that were not shown.
        to_others: to all other designs that the search had when the proposal was begun: what a random one would have.
        closer: to those shown, less that to the others, proposal by proposal.
        gains: of every proposal of which it is known, in order, whether it filled or took a niche.
        share: of gains.
        change: of the score against the parent that the archive chose, whatever was shown.
        best: the best finalist, where any was confirmed.
    """

    placebo: str
    proposals: int
    to_shown: Mean | None
    to_chosen: Mean | None
    to_others: Mean | None
    closer: Mean | None
    gains: tuple[bool, ...]
    share: Mean | None
    change: Mean | None
    best: Confirmed | None


@dataclass(frozen=True)
class Comparison:
    """Runs that showed the chosen parents, against runs with one kind of placebo.

    Attributes:
        placebo: that kind.
        difference: of the shares of gains; None where no proposal can be compared.
        runs: how many showed the chosen parents.
        placebo_runs: how many had the placebo.
        sentence: what can be said of it.
    """

    placebo: str
    difference: Mean | None
    runs: int
    placebo_runs: int
    sentence: str


def archive_use(state: RunState, placebo: str | None) -> ArchiveUse:
    """Return how a run's proposals stand to what its archive chose.

    Args:
        state: of the run.
        placebo: of its settings.
    """
    written = [(record, turn) for record in state.proposals.values() if (turn := _written(record))]
    resembling = _Resemblances(state)
    found = [resembling.of(record, turn) for record, turn in written]
    settled = [record for record, _ in written if is_settled(record, state)]
    gains = tuple(record.design_id in state.enriched for record in settled)
    changes = [
        change_against(record.design_id, next(iter(record.brief["chosen"]), None), state)
        for record, _ in written
    ]
    return ArchiveUse(
        placebo=placebo or CHOSEN,
        proposals=len(written),
        to_shown=_mean([shown for shown, _, _ in found]),
        to_chosen=_mean([chosen for _, chosen, _ in found]),
        to_others=_mean([others for _, _, others in found]),
        closer=_mean([None if None in (one, other) else _less(one, other) for one, _, other in found]),
        gains=gains,
        share=Mean(sum(gains) / len(gains), *share_interval(sum(gains), len(gains)), len(gains))
        if gains
        else None,
        change=_mean([None if one is None else one.value for one in changes]),
        best=_best(state),
    )


def compare(runs: Sequence[ArchiveUse]) -> list[Comparison]:
    """Return what runs can tell of showing the chosen parents, against each kind of placebo among them.

    Gains grow rarer as an archive fills, so that only the first proposals count, as many of every run as the run with
    the fewest has. The interval is the wider of two: Newcombe's of a difference of shares (1998), in which proposals
    are independent, and, where there are several runs, Welch's over the shares of whole runs.
    """
    with_chosen = [one for one in runs if one.placebo == CHOSEN]
    kinds = [kind for kind in SHOWN if kind != CHOSEN and any(one.placebo == kind for one in runs)]
    if not with_chosen:
        return []
    return [_against(kind, with_chosen, [one for one in runs if one.placebo == kind]) for kind in kinds]


def in_words(runs: Sequence[ArchiveUse], comparisons: Sequence[Comparison]) -> str:
    """Return what some runs can tell together: a sentence for each kind of placebo."""
    if comparisons:
        return " ".join(one.sentence for one in comparisons)
    lacking = "--placebo shuffled" if any(one.placebo == CHOSEN for one in runs) else "no placebo"
    return (
        "Whether showing the chosen parents helps cannot be told from "
        f"{'this run alone' if len(runs) == 1 else 'these runs'}: it takes runs with {lacking}, named with --beside."
    )


def _against(kind: str, with_chosen: Sequence[ArchiveUse], others: Sequence[ArchiveUse]) -> Comparison:
    counts = len(with_chosen), len(others)
    first = min(len(one.gains) for one in (*with_chosen, *others))
    about = f"against {SHOWN[kind]}"
    unknown = f"Whether showing the chosen parents helped {about} cannot be told"
    if not first:
        return Comparison(
            kind, None, *counts, f"{unknown}: a run has no proposal of which it is known what came of it."
        )
    found = _difference(
        [sum(one.gains[:first]) for one in with_chosen], [sum(one.gains[:first]) for one in others], first
    )
    assert found.low is not None
    assert found.high is not None
    told = (
        f"the share of proposals that filled or took a niche differs by {found.value:+.2f} "
        f"[{found.low:+.2f}, {found.high:+.2f}] over the first {counted(first, 'proposal')} of each run"
    )
    if min(counts) < FEWEST_RUNS:
        sentence = (
            f"{unknown}: {told}, but {counted(counts[0], 'run')} with the chosen parents and {counts[1]:,} without do "
            "not show how much runs differ by themselves."
        )
    elif found.low <= 0 <= found.high:
        sentence = f"{unknown}: {told}, and the interval includes 0."
    else:
        sentence = (
            f"Showing the chosen parents {'helped' if found.value > 0 else 'did harm'} {about}: {told}."
        )
    return Comparison(kind, found, *counts, sentence)


def _difference(gained: Sequence[int], others: Sequence[int], each: int) -> Mean:
    n, m = each * len(gained), each * len(others)
    one, other = sum(gained) / n, sum(others) / m
    (low, high), (other_low, other_high) = share_interval(sum(gained), n), share_interval(sum(others), m)
    value = one - other
    below, above = math.hypot(one - low, other_high - other), math.hypot(high - one, other - other_low)
    half = _welch([count / each for count in gained], [count / each for count in others])
    return Mean(value, max(-1.0, value - max(below, half)), min(1.0, value + max(above, half)), n + m)


def _welch(one: Sequence[float], other: Sequence[float]) -> float:
    """Return half the width of an interval of the difference of two means; 0 where nothing is known of spread."""
    if min(len(one), len(other)) < FEWEST_RUNS:
        return 0.0
    parts = [variance(values) / len(values) for values in (one, other)]
    if not sum(parts):
        return 0.0
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(values) - 1) for part, values in zip(parts, (one, other), strict=True)
    )
    return t_quantile((1 + LEVEL) / 2, freedom) * math.sqrt(sum(parts))


def _written(record: ProposalRecord) -> Turn | None:
    """Return a proposal as a model last wrote it; None where none did, or a person changed it afterwards."""
    last = next((turn for turn in reversed(record.turns) if turn.draft is not None), None)
    return last if last is not None and last.answered_by else None


class _Resemblances:
    """How alike proposals and the designs of a run's search are; each design is looked at once."""

    def __init__(self, state: RunState) -> None:
        names = [name for name in state.designs if state.arm_of[name] == SEARCH]
        numbers = {name: number for number, name in enumerate(state.designs)}
        self._rows = {name: row for row, name in enumerate(names)}
        self._came = [numbers[name] for name in names]
        self._known = np.stack([fingerprint(state.designs[name].source) for name in names]) if names else None

    def of(self, record: ProposalRecord, turn: Turn) -> tuple[float | None, float | None, float | None]:
        """Return how like a proposal is to what was shown, to what was chosen and not shown, and to other designs."""
        assert turn.draft is not None
        own = fingerprint(turn.draft["source"])
        shown = self._rows_of(turn.shown)
        chosen = [row for row in self._rows_of(record.brief["chosen"]) if row not in shown]
        there = bisect_left(self._came, record.designs_before)
        others = range(0, there, 1 + there // MOST_OTHERS)
        told = {*shown, *chosen}
        return (
            self._to(own, shown),
            self._to(own, chosen),
            self._to(own, [o for o in others if o not in told]),
        )

    def _rows_of(self, names: Iterable[str]) -> list[int]:
        return [self._rows[name] for name in names if name in self._rows]

    def _to(self, own: Fingerprint, rows: Sequence[int]) -> float | None:
        return float(np.mean(self._known[rows] == own)) if self._known is not None and rows else None


def _best(state: RunState) -> Confirmed | None:
    if not state.decided(Choice.FINALISTS):
        return None
    noise = noise_of_finish(state)
    found = [
        Confirmed(state.designs[one.design_id].name, cells_score(cells, noise))
        for one in judged_contenders(state)
        if one.role == FINALIST and len(cells := confirmed(state, one)) == len(state.tasks)
    ]
    return max(found, key=lambda one: one.score.value, default=None)


def _less(one: float | None, other: float | None) -> float:
    assert one is not None
    assert other is not None
    return one - other


def _mean(values: Sequence[float | None]) -> Mean | None:
    """Return the mean of those that are known, with Student's interval."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    mean, n = fmean(known), len(known)
    if n < 2:
        return Mean(mean, None, None, n)
    half = t_quantile((1 + LEVEL) / 2, n - 1) * math.sqrt(variance(known) / n)
    return Mean(mean, mean - half, mean + half, n)
