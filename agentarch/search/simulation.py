"""Simulated runs: what the plan declares when it is known which design, if any, is better.

The very code that decides in a real run decides here (`Plan`, `RunState`); only the scores are drawn, from the spread
between training seeds that was measured on real designs. An A/A run, in which all designs are equal, must declare no
winner; a run with one better design must find it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentarch.design import Contract, Design
from agentarch.evaluation import Request
from agentarch.kinds.controls import network_controls
from agentarch.qd import Axis
from agentarch.search.arm import BASELINE, RANDOM, SEARCH
from agentarch.search.decision import Choice, Decision
from agentarch.search.finish import FINALIST
from agentarch.search.plan import Clock, Plan, Propose
from agentarch.search.state import SEED_OPERATOR, RunState
from agentarch.store import DESIGNS, REQUESTS, Event
from agentarch.task import Task

Residuals = Mapping[tuple[str, int], Sequence[Sequence[float]]]
"""By task and rung: for each of some designs, how its scores with several training seeds lie about their mean."""

AXES = (Axis("parameters", 0, 1, bins=5), Axis("mixing", 0, 1, bins=6))
MOST_SEED_DESIGNS = 10
ITEMS, ITEM_HALF_WIDTH = 256, 0.02
BASE = 0.5


Scored = Callable[[Request], float]
"""What an evaluation scores."""


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
    rng = random.Random(seed)
    seeds = min(MOST_SEED_DESIGNS, setting.designs // 3)
    better = f"{SEARCH}{rng.randrange(seeds, setting.designs)}" if setting.better else ""
    profiles: dict[tuple[str, str, int], Sequence[float]] = {}

    def score(request: Request) -> float:
        # Designs that are equally good are not equally noisy: each has the noise of some real one.
        key = request.design_id, request.task, request.rung
        if key not in profiles:
            profiles[key] = rng.choice(setting.residuals.get(key[1:], ((0.0,),)))
        bonus = setting.better if request.design_id == better else 0.0
        return BASE + bonus + rng.choice(profiles[key])

    run = Rehearsal(
        setting.tasks,
        {arm: _made_up(arm, setting.designs, seeds if arm == SEARCH else 0) for arm in (SEARCH, RANDOM)},
        score,
        rng,
        limit=setting.limit,
        top=setting.top_rung,
        confirm_seeds=setting.confirm_seeds,
    )
    run.go()
    (verdict,) = run.state.decided(Choice.VERDICT)
    line_up = run.state.decided(Choice.FINALISTS)
    contenders = line_up[0].facts["contenders"] if line_up else []
    is_won = bool(verdict.facts["won"])
    return Found(
        is_won=is_won,
        is_right=is_won and verdict.facts["leader"]["design"] == better,
        was_finalist=any(one["design"] == better and one["role"] == FINALIST for one in contenders),
        evaluations=run.state.done,
        sentence=verdict.reason,
    )


def _made_up(arm: str, count: int, seeds: int) -> list[Design]:
    return [
        Design(f"{arm}{n}", "network", f"{arm}{n}", "", operator=SEED_OPERATOR if n < seeds else "drawn")
        for n in range(count)
    ]


class Rehearsal:
    """A run of given designs whose scores are known beforehand; its log is kept in memory, and no box is used.

    Args:
        tasks: that designs are scored on.
        designs: by arm, in the order they are proposed; an arm that is missing takes no part.
        score: what each evaluation scores.
        rng: of the niches that designs fall into.
        limit: on evaluations; None for none.
        top: the highest rung; None for the highest that all tasks have.
        confirm_seeds: training seeds of each confirmation.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        designs: Mapping[str, Sequence[Design]],
        score: Scored,
        rng: random.Random,
        limit: int | None,
        top: int | None,
        confirm_seeds: int,
    ) -> None:
        self.state = RunState.empty(tasks, AXES)
        self._score, self._rng = score, rng
        self._waiting = {arm: list(reversed(found)) for arm, found in designs.items()}
        self._plan = Plan(
            tasks,
            top,
            network_controls(Contract("network", "build", 1, False, frozenset()), most_parameters=1.0),
            limit=limit,
            workers=1,
            has_control=RANDOM in designs,
            confirm_seeds=confirm_seeds,
            sweeps=False,
        )
        self._events = self._evaluations = 0

    def go(self) -> None:
        """Take every step of the plan to its end."""
        while (step := self._plan.next(self.state, Clock())) is not None:
            match step:
                case Propose(arm) if self._waiting[arm]:
                    design = self._waiting[arm].pop()
                    self._record(design, arm)
                    self._do(self._plan.first(design.id))
                case Propose(arm):
                    self._plan.give_up(arm)
                case Decision() as decision:
                    self._decide(decision)

    def _decide(self, decision: Decision) -> None:
        for design in decision.designs:
            self._record(design, BASELINE)
        self._log("decided", kind=decision.kind.value, reason=decision.reason, facts=decision.facts)
        self._do(decision.requests)

    def _record(self, design: Design, arm: str) -> None:
        self._log("proposed", design=DESIGNS.dump_python(design, mode="json"), arm=arm)

    def _do(self, requests: Sequence[Request]) -> None:
        """Queue evaluations, and score each at once."""
        for request in requests:
            if self.state.fate(request) != "new":
                continue
            self._evaluations += 1
            number, body = self._evaluations, REQUESTS.dump_python(request, mode="json")
            self._log("queued", number=number, request=body)
            self._log("leased", number=number)
            self._log("evaluated", number=number, evaluation=self._evaluated(request, body))
            finished = self.state.evaluations(request.design_id)[-1]
            if follow_up := self._plan.after(finished, self.state):
                self._decide(follow_up)

    def _evaluated(self, request: Request, body: Any) -> dict[str, Any]:
        score = self._score(request)
        low, high = score - ITEM_HALF_WIDTH, score + ITEM_HALF_WIDTH
        return {
            "request": body,
            "outcome": "scored",
            "score": {"value": score, "low": low, "high": high, "n": ITEMS},
            "descriptors": {axis.name: self._rng.random() for axis in AXES},
            "behaviour": request.design_id,
        }

    def _log(self, kind: str, /, **body: Any) -> None:
        self._events += 1
        self.state.apply(Event(self._events, 0.0, kind, body))
