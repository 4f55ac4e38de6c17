"""Simulated runs: what the plan declares when it is known which design, if any, is better.

The very code that decides in a real run decides here (`Plan`, `RunState`); only the scores are drawn, from the spread
between training seeds that was measured on real designs. An A/A run, in which all designs are equal, must declare no
winner; a run with one better design must find it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentarch.design import Contract, Design
from agentarch.evaluation import Request
from agentarch.qd import Axis
from agentarch.search.arm import BASELINE, SEARCH
from agentarch.search.decision import Choice, Decision
from agentarch.search.plan import Clock, Plan, Propose
from agentarch.search.state import SEED_OPERATOR, RunState
from agentarch.store import DESIGNS, REQUESTS, Event
from agentarch.task import Task

Residuals = Mapping[tuple[str, int], Sequence[Sequence[float]]]
"""By task and rung: for each of some designs, how its scores with several training seeds lie about their mean."""

SEEDS = 10
ITEM_HALF_WIDTH = 0.02
BASE = 0.5


@dataclass(frozen=True)
class Setting:
    """What is simulated.

    Attributes:
        tasks: that designs are scored on.
        residuals: the noise.
        designs: of the search, a third of them seeds.
        better: by how much one of them is truly better on every task; 0 for an A/A run.
        limit: on evaluations.
        confirm_seeds: training seeds of each confirmation.
        top_rung: the highest rung.
    """

    tasks: Sequence[Task]
    residuals: Residuals
    designs: int
    better: float
    limit: int
    confirm_seeds: int
    top_rung: int | None = None


@dataclass(frozen=True)
class Found:
    """What a simulated run ended with.

    Attributes:
        is_won: whether a winner was declared.
        is_right: whether that winner is the better design.
        was_finalist: whether the better design was among the finalists.
        evaluations: that the run took.
        sentence: the verdict.
    """

    is_won: bool
    is_right: bool
    was_finalist: bool
    evaluations: int
    sentence: str


def residuals_of(cells: Iterable[tuple[str, int, str, float]]) -> dict[tuple[str, int], list[list[float]]]:
    """Return how measured scores lie about the mean of their design, widened to be unbiased for so few seeds.

    Args:
        cells: task, rung, design and score of each training seed.
    """
    scores: dict[tuple[str, int], dict[str, list[float]]] = {}
    for task, rung, design, score in cells:
        scores.setdefault((task, rung), {}).setdefault(design, []).append(score)
    residuals: dict[tuple[str, int], list[list[float]]] = {}
    for key, designs in scores.items():
        for found in designs.values():
            if len(found) > 1:
                mean, widen = sum(found) / len(found), math.sqrt(len(found) / (len(found) - 1))
                residuals.setdefault(key, []).append([widen * (score - mean) for score in found])
    return residuals


def simulate(setting: Setting, seed: int) -> Found:
    """Simulate one run from its first proposal to its verdict."""
    return _SimulatedRun(setting, seed).run()


class _SimulatedRun:
    """A run whose log is kept in memory and whose scores are drawn."""

    def __init__(self, setting: Setting, seed: int) -> None:
        self._setting = setting
        self._rng = random.Random(seed)
        self._axes = (Axis("parameters", 0, 1, bins=5), Axis("mixing", 0, 1, bins=6))
        self._state = RunState.empty(setting.tasks, self._axes)
        self._plan = Plan(
            setting.tasks,
            setting.top_rung,
            Contract("network", "build", 1, False, frozenset()),
            most_parameters=1.0,
            limit=setting.limit,
            workers=1,
            has_control=True,
            confirm_seeds=setting.confirm_seeds,
            sweeps=False,
        )
        seeds = min(SEEDS, setting.designs // 3)
        better = self._rng.randrange(seeds, setting.designs)
        self._kinds = [SEED_OPERATOR if n < seeds else "drawn" for n in range(setting.designs)]
        self._better = f"search{better}" if setting.better else ""
        # Designs that are equal are equally noisy: one real design's noise for each task.
        self._profiles = {key: self._rng.choice(profiles) for key, profiles in setting.residuals.items()}
        self._proposed = {"search": 0, "random": 0}
        self._numbers = 0
        self._evaluations = 0

    def run(self) -> Found:
        while (step := self._plan.next(self._state, Clock())) is not None:
            match step:
                case Propose(arm):
                    self._propose(arm)
                case Decision() as decision:
                    self._decide(decision)
        (verdict,) = self._state.decided(Choice.VERDICT)
        lineup = self._state.decided(Choice.FINALISTS)
        contenders = lineup[0].facts["contenders"] if lineup else []
        is_won = bool(verdict.facts["won"])
        return Found(
            is_won=is_won,
            is_right=is_won and verdict.facts["leader"]["design"] == self._better,
            was_finalist=any(
                one["design"] == self._better and one["role"] == "finalist" for one in contenders
            ),
            evaluations=self._state.done,
            sentence=verdict.reason,
        )

    def _propose(self, arm: str) -> None:
        number = self._proposed[arm]
        if number >= len(self._kinds):
            self._plan.give_up(arm)
            return
        self._proposed[arm] += 1
        operator = self._kinds[number] if arm == SEARCH else "drawn"
        design = Design(f"{arm}{number}", "network", f"{arm}{number}", "", operator=operator)
        self._log("proposed", design=DESIGNS.dump_python(design, mode="json"), arm=arm)
        self._do(self._plan.first(design.id))

    def _decide(self, decision: Decision) -> None:
        for design in decision.designs:
            self._log("proposed", design=DESIGNS.dump_python(design, mode="json"), arm=BASELINE)
        self._log("decided", kind=decision.kind.value, reason=decision.reason, facts=decision.facts)
        self._do(decision.requests)

    def _do(self, requests: Sequence[Request]) -> None:
        """Queue evaluations and draw their scores at once."""
        for request in requests:
            if self._state.fate(request) != "new":
                continue
            self._evaluations += 1
            body = REQUESTS.dump_python(request, mode="json")
            self._log("queued", number=self._evaluations, request=body)
            self._log("leased", number=self._evaluations)
            score = self._draw(request)
            evaluation = {
                "request": body,
                "outcome": "scored",
                "score": {
                    "value": score,
                    "low": score - ITEM_HALF_WIDTH,
                    "high": score + ITEM_HALF_WIDTH,
                    "n": 256,
                },
                "descriptors": {axis.name: self._rng.random() for axis in self._axes},
                "behaviour": request.design_id,
            }
            self._log("evaluated", number=self._evaluations, evaluation=evaluation)
            finished = self._state.evaluations(request.design_id)[-1]
            if follow_up := self._plan.after(finished, self._state):
                self._decide(follow_up)

    def _draw(self, request: Request) -> float:
        bonus = self._setting.better if request.design_id == self._better else 0.0
        profile = self._profiles.get((request.task, request.rung), (0.0,))
        return BASE + bonus + self._rng.choice(profile)

    def _log(self, kind: str, /, **body: Any) -> None:
        self._numbers += 1
        self._state.apply(Event(self._numbers, 0.0, kind, body))
