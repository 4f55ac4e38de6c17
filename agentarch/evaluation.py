"""What is known once a design has been run: outcome, cost, score, evaluation.

Plain records that cross every room of the engine. Knows nothing of how they are produced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from agentarch.design import Design

QUARANTINED = "quarantined"
"""How the reason begins of a run whose score is better than can honestly be; it is kept, unscored."""


class Outcome(StrEnum):
    """How an evaluation ended. Only `INFRASTRUCTURE` is our fault; it is retried and never scored."""

    SCORED = "scored"
    INVALID = "invalid"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    OUTPUT_LIMIT = "output_limit"
    INFRASTRUCTURE = "infrastructure"


@dataclass(frozen=True)
class Cost:
    """What running a design cost, measured from outside its process.

    Attributes:
        wall_seconds: of all its boxes, each from when its limits came until everything in it had ended.
        cpu_seconds: user plus system time of every process in the box.
        peak_memory_bytes: resident set of the largest process in the box, torch included.
    """

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0


@dataclass(frozen=True)
class Score:
    """A task metric mapped so that 0 is the trivial baseline and 1 is perfect.

    Attributes:
        value: the mapped mean; below 0 when worse than the baseline.
        low: lower end of the 95% interval.
        high: upper end of the 95% interval.
        n: independent items behind it.
        items: the mapped metric of each item, in the order of the data, where designs are compared item by item; empty
            where what differs between training seeds matters more.
    """

    value: float
    low: float
    high: float
    n: int
    items: tuple[float, ...] = ()

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Request:
    """One evaluation to be done.

    Attributes:
        design_id: which design.
        task: on which task.
        rung: at which fidelity of it.
        seed: draws the data, the initial weights and the order of items; the same for designs to be compared.
        split: on which items.
        learning_rate: as a multiple of the frozen recipe's.
    """

    design_id: str
    task: str
    rung: int
    seed: int
    split: str = "search"
    learning_rate: float = 1.0


@dataclass(frozen=True)
class Evaluation:
    """One evaluation that has been done.

    Attributes:
        request: what was evaluated.
        outcome: how it ended.
        reason: one line that the design's author can act on; empty when scored.
        score: present exactly when the outcome is `scored`.
        metrics: raw task metrics, averaged over items.
        descriptors: measured properties of behaviour and cost, by axis name.
        parameters: trainable parameters, and what else training changed, in values of 4 bytes: at least what was
            carried, counted outside, to where it predicts; None when never built.
        behaviour: fingerprint of the raw predictions, and of all that an agent asked for them; two designs with
            equal ones act the same.
        cost: measured from outside.
        report: what the box claims about the run (losses, the design's own recipe, and the step at which a run that
            learnt nothing was stopped); never used to rank.
        output: the tail of what the design printed, stripped of control characters.
        sandbox: the tier that it ran in, e.g. `"jail"`; empty when no box was used.
        measures: what else was measured of a scored design, by name, each finite; what is not defined is not there.
            Nothing is ranked by them, and some are the design's own word; see `agentarch.kinds.measures`.
    """

    request: Request
    outcome: Outcome
    reason: str = ""
    score: Score | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    descriptors: Mapping[str, float] = field(default_factory=dict)
    parameters: int | None = None
    behaviour: str | None = None
    cost: Cost = field(default_factory=Cost)
    report: Mapping[str, Any] = field(default_factory=dict)
    output: str = ""
    sandbox: str = ""
    measures: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_quarantined(self) -> bool:
        """Whether its score was better than the task's ceiling."""
        return self.outcome is Outcome.INVALID and self.reason.startswith(QUARANTINED)

    @property
    def was_contained(self) -> bool:
        """Whether every wall of its sandbox stood; a score from an open box is never an elite's."""
        return self.sandbox != "unsafe" and " without " not in self.sandbox


Cells = Mapping[str, Mapping[int, Score]]
"""The scores of one design at one rung of one split, by task and training seed."""


@dataclass(frozen=True)
class ScoredDesign:
    """A design with what is known of it, as proposers and selection see it.

    Attributes:
        design: the design.
        scores: its mean score over the run's tasks, by rung; only rungs done on every task.
        descriptors: averaged over tasks, at the lowest such rung, so that a design keeps its niche as it climbs.
        cells: what the scores were averaged from, by rung.
    """

    design: Design
    scores: Mapping[int, Score]
    descriptors: Mapping[str, float]
    cells: Mapping[int, Cells] = field(default_factory=dict)

    @property
    def rung(self) -> int:
        """The highest rung done on every task."""
        return max(self.scores)

    @property
    def score(self) -> Score:
        """The score at the highest rung."""
        return self.scores[self.rung]

    def beats(self, other: ScoredDesign) -> bool:
        """Whether the score is higher at the highest rung that both have done.

        Scores of different rungs come from different sizes of a task and are never compared.
        """
        rung = min(self.rung, other.rung)
        while rung not in self.scores or rung not in other.scores:
            rung -= 1
            if rung < 0:
                return False
        return self.scores[rung].value > other.scores[rung].value


def best_of(designs: Iterable[ScoredDesign]) -> ScoredDesign | None:
    """Return the design with the best score among those that have climbed highest; None where there is none."""
    return max(designs, key=lambda one: (one.rung, one.score.value), default=None)
