"""Who won: finalists against controls, with a margin that has been corrected for how many finalists were tried.

Scores come from a split that no earlier decision has seen, so that only the finalists count as tries, however many
designs the search went through to find them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agentarch.evaluation import Cells, Score
from agentarch.scoring.evidence import LEVEL, Difference, NoisePool, Variance, difference


def surest(scores: Mapping[str, Score]) -> list[str]:
    """Return names by what is sure of them, the lower end of the interval, best first; the first named on ties.

    The highest of many noisy scores is mostly luck; the highest lower end asks for evidence, and repeats give it.
    """
    return sorted(scores, key=lambda name: scores[name].low, reverse=True)


@dataclass(frozen=True)
class Judgement:
    """What the scores of finalists and controls say.

    Attributes:
        leader: the finalist that stands best against the control hardest for it to beat.
        control: that control.
        difference: leader minus control; its 95% interval holds for all finalists at once (Bonferroni).
        finalists: how many were tried.
        against: leader minus each control, by the control's name, with intervals of the same level.
    """

    leader: str
    control: str
    difference: Difference
    finalists: int
    against: Mapping[str, Difference]

    @property
    def is_won(self) -> bool:
        """Whether the leader beat every control."""
        return self.difference.is_positive


def judge(finalists: Mapping[str, Cells], controls: Mapping[str, Cells]) -> Judgement | None:
    """Judge finalists by the control that each is least sure to beat.

    To win, a finalist must beat every control (an intersection-union test: Berger 1982), which needs no correction for
    the number of controls. Nothing is judged on noise that has not been measured. Behind a pair stands the noise of
    the other contenders; where they are too few, the pair's own spread stands alone, for it is not to vouch for itself.

    Args:
        finalists: their scores by name; those without any count as tried.
        controls: likewise; all must have scores.

    Returns:
        The judgement, or None when no finalist can be compared with every control on every task, or when how much
        scores vary between training seeds is not known of some task.
    """
    pool = NoisePool()
    for name, cells in (*finalists.items(), *controls.items()):
        pool.put(name, cells)
    level = 1 - (1 - LEVEL) / max(1, len(finalists))
    tasks = {task for cells in (*finalists.values(), *controls.values()) for task in cells}
    if not tasks <= pool.noise.keys():
        return None
    unknown = {task: Variance(0.0, 0.0) for task in tasks}
    best: Judgement | None = None
    for name, cells in finalists.items():
        found = {
            other: difference(cells, theirs, unknown | pool.without(name, other), level)
            for other, theirs in controls.items()
        }
        against = {other: one for other, one in found.items() if one is not None}
        if not against or len(against) < len(controls):
            continue
        hardest = min(against, key=lambda other: against[other].low)
        if best is None or against[hardest].low > best.difference.low:
            best = Judgement(name, hardest, against[hardest], len(finalists), against)
    return best
