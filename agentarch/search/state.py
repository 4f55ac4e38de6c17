"""One event log, one reducer: what a run has done so far, and all that is known of it.

The engine, the terminal, `status`, `show` and every report read a `RunState`, so they show the same numbers;
replaying the log gives the same state as living through it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentarch.design import Design
from agentarch.evaluation import Cells, Evaluation, Outcome, Request, Score, ScoredDesign
from agentarch.qd import Archive, Axis
from agentarch.scoring import Noise, NoisePool, cells_score
from agentarch.search.arm import BASELINE, RANDOM, SEARCH, Arm
from agentarch.search.decision import Choice, Decision
from agentarch.search.ledger import Ledger
from agentarch.search.proposals import Proposals, Stage
from agentarch.search.race import FIRST_RANKED_RUNG, Fate, takes_niche
from agentarch.store import DESIGNS, EVALUATIONS, REQUESTS, Event
from agentarch.task import AnyTask

SEED_OPERATOR = "seed"


@dataclass
class RunState:
    """What is known of a run.

    Attributes:
        tasks: the names of the run's tasks.
        arms: by name, what each arm has; the seeds are in all of them.
        designs: every accepted design, by id, in the order they came.
        arm_of: the arm that each design was proposed in; for a seed, the search.
        same_as: designs that turned out to act exactly like an earlier one of their arm, with that one's id.
        refused: proposals refused unread or as duplicates.
        outcomes: finished evaluations by outcome.
        quarantined: finished evaluations whose score was better than the task's ceiling.
        sandboxes: finished evaluations by the sandbox they ran in.
        running: numbers of the evaluations being worked on.
        queued: numbers of the evaluations waiting.
        created: evaluations that exist, in whatever state.
        candidate_seconds: wall seconds inside boxes.
        candidate_cpu_seconds: processor seconds inside boxes.
        engine_seconds: wall seconds an engine was working on the run, over all sessions.
        stopped: why the last session ended; None while one is at work, or when it was killed.
        decisions: every decision, in order.
        ledger: what language models have cost.
        proposals: what has become of each proposal of a proposer that takes several steps.
        enriched: designs that filled or took a niche when they were first scored.
    """

    tasks: tuple[str, ...]
    arms: dict[str, Arm]
    designs: dict[str, Design] = field(default_factory=dict)
    arm_of: dict[str, str] = field(default_factory=dict)
    same_as: dict[str, str] = field(default_factory=dict)
    refused: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    quarantined: int = 0
    sandboxes: Counter[str] = field(default_factory=Counter)
    running: set[int] = field(default_factory=set)
    queued: set[int] = field(default_factory=set)
    created: int = 0
    candidate_seconds: float = 0.0
    candidate_cpu_seconds: float = 0.0
    engine_seconds: float = 0.0
    stopped: str | None = None
    decisions: list[Decision] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    proposals: Proposals = field(default_factory=Proposals)
    enriched: set[str] = field(default_factory=set)
    _steps: Mapping[str, Sequence[int]] = field(default_factory=dict)
    _requests: dict[int, Request] = field(default_factory=dict)
    _numbers: dict[Request, int] = field(default_factory=dict)
    _evaluations: dict[str, list[Evaluation]] = field(default_factory=dict)
    _in_order: list[Evaluation] = field(default_factory=list)
    _behaviours: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _pools: dict[int, NoisePool] = field(default_factory=dict)
    _last: int = 0
    _last_at: float = 0.0
    _is_at_work: bool = False

    @classmethod
    def empty(cls, tasks: Sequence[AnyTask], axes: tuple[Axis, ...]) -> RunState:
        """Return the state of a run in which nothing has happened."""
        state = cls(
            tuple(task.name for task in tasks),
            arms={},
            _steps={task.name: [rung.steps for rung in task.rungs] for task in tasks},
        )
        for name in (SEARCH, RANDOM, BASELINE):
            state.arms[name] = Arm(
                name, Archive(axes, lambda one, other: takes_niche(one, other, state.noise))
            )
        return state

    @property
    def archive(self) -> Archive:
        """The archive of the search itself."""
        return self.arms[SEARCH].archive

    @property
    def last_event(self) -> int:
        """The number of the last event that was applied."""
        return self._last

    @property
    def done(self) -> int:
        """Evaluations that have ended."""
        return sum(self.outcomes.values())

    @property
    def is_idle(self) -> bool:
        """Whether no evaluation waits or is being worked on."""
        return not self.running and not self.queued

    def evaluations(self, design_id: str) -> Sequence[Evaluation]:
        """Return every finished evaluation of a design, in the order they ended."""
        return self._evaluations.get(design_id, ())

    def scored(self, design_id: str) -> ScoredDesign | None:
        """Return what is known of a design once some ranked rung is done on every task."""
        return next((arm.scored[design_id] for arm in self.arms.values() if design_id in arm.scored), None)

    def all_evaluations(self) -> Sequence[Evaluation]:
        """Return every finished evaluation, in the order in which they were recorded."""
        return self._in_order

    def all_scored(self) -> Sequence[ScoredDesign]:
        """Return every design that has a score, of whatever arm."""
        return tuple({name: one for arm in self.arms.values() for name, one in arm.scored.items()}.values())

    def fate(self, request: Request) -> Fate:
        """Return what has become of an evaluation so far."""
        if request not in self._numbers:
            return "new"
        number = self._numbers[request]
        return "pending" if number in self.queued or number in self.running else "done"

    def smoke_runs_in_flight(self) -> int:
        """Return how many designs are at their smoke run, or wait for it, and so may want more evaluations."""
        return sum(self._requests[number].rung < FIRST_RANKED_RUNG for number in self.running | self.queued)

    def noise(self, rung: int) -> Noise:
        """Return how much scores of one design vary between training seeds, by task, as measured in this run."""
        return self._pools[rung].noise if rung in self._pools else {}

    def cells(self, design_id: str, split: str, rung: int, learning_rate: float = 1.0) -> Cells:
        """Return a design's scores at a rung by task and seed.

        A repeat that failed through the design's own fault counts as 0, the trivial baseline, or as its worst score
        where that is lower, with `n` 0. In the finish every run is a repeat of what the search has seen; in the search,
        a task on which nothing was scored is left out.
        """
        cells: dict[str, dict[int, Score]] = {}
        failed: list[Request] = []
        for evaluation in self.evaluations(design_id):
            request = evaluation.request
            if (request.split, request.rung, request.learning_rate) != (split, rung, learning_rate):
                continue
            if evaluation.score is not None and evaluation.was_contained:
                cells.setdefault(request.task, {})[request.seed] = evaluation.score
            elif evaluation.score is None and evaluation.outcome is not Outcome.INFRASTRUCTURE:
                failed.append(request)
        for request in failed:
            found = cells.setdefault(request.task, {}) if split != "search" else cells.get(request.task)
            if found is not None:
                worst = min(0.0, *(score.value for score in found.values())) if found else 0.0
                found[request.seed] = Score(worst, worst, worst, 0)
        return cells

    def decided(self, kind: Choice) -> Sequence[Decision]:
        """Return the decisions of a kind, in order."""
        return [decision for decision in self.decisions if decision.kind is kind]

    def apply(self, event: Event) -> None:
        """Take one event in. Events come in the order of their numbers."""
        if self._is_at_work and event.kind != "started":  # time between sessions is nobody's
            self.engine_seconds += max(0.0, event.at - self._last_at)
        self._last, self._last_at = event.number, event.at
        self._is_at_work = event.kind != "stopped" and (self._is_at_work or event.kind == "started")
        self.ledger.apply(event)
        self.proposals.apply(event)
        handle = getattr(self, f"_on_{event.kind}", None)
        if handle is not None:
            handle(event.body)

    def _on_started(self, body: dict[str, Any]) -> None:
        self.stopped = None

    def _on_stopped(self, body: dict[str, Any]) -> None:
        self.stopped = body["why"]

    def _on_proposed(self, body: dict[str, Any]) -> None:
        design = DESIGNS.validate_python(body["design"])
        self.designs[design.id] = design
        self.arm_of[design.id] = body["arm"]

    def _on_refused(self, body: dict[str, Any]) -> None:
        self.refused += 1

    def _on_decided(self, body: dict[str, Any]) -> None:
        self.decisions.append(Decision(Choice(body["kind"]), body["reason"], (), body["facts"]))

    def _on_queued(self, body: dict[str, Any]) -> None:
        self.created += 1
        self.queued.add(body["number"])
        request = REQUESTS.validate_python(body["request"])
        self._numbers[request] = body["number"]
        self._requests[body["number"]] = request
        steps = self._steps[request.task][request.rung]
        is_recheck = bool(self.decisions) and self.decisions[-1].kind is Choice.RECHECK and request.seed > 0
        for arm in self.arms_of(request.design_id):
            arm.evaluations += 1
            if request.split == "search" and request.learning_rate == 1.0:
                arm.steps += steps
                arm.recheck_steps += steps if is_recheck else 0
                arm.send_up(request.rung, request.design_id)

    def _on_leased(self, body: dict[str, Any]) -> None:
        self.queued.discard(body["number"])
        self.running.add(body["number"])

    def _on_released(self, body: dict[str, Any]) -> None:
        self.running.discard(body["number"])
        self.queued.add(body["number"])

    def _on_dropped(self, body: dict[str, Any]) -> None:
        self.queued.discard(body["number"])
        self.created -= 1

    def _on_evaluated(self, body: dict[str, Any]) -> None:
        evaluation = EVALUATIONS.validate_python(body["evaluation"])
        request = evaluation.request
        self.running.discard(body["number"])
        self.outcomes[evaluation.outcome] += 1
        self.candidate_seconds += evaluation.cost.wall_seconds
        self.candidate_cpu_seconds += evaluation.cost.cpu_seconds
        self._evaluations.setdefault(request.design_id, []).append(evaluation)
        self._in_order.append(evaluation)
        for arm in self.arms_of(request.design_id):
            arm.cpu_seconds += evaluation.cost.cpu_seconds
            if evaluation.behaviour is not None and request.rung < FIRST_RANKED_RUNG:
                first = self._behaviours.setdefault(
                    (arm.name, request.task, evaluation.behaviour), request.design_id
                )
                if self._is_edit_of(request.design_id, first):
                    self._behaviours[arm.name, request.task, evaluation.behaviour] = request.design_id
                elif first != request.design_id:
                    self.same_as[request.design_id] = first
        self.quarantined += evaluation.is_quarantined
        if evaluation.sandbox:
            self.sandboxes[evaluation.sandbox] += 1
        if request.rung >= FIRST_RANKED_RUNG and request.split == "search" and request.learning_rate == 1.0:
            self._score(self.designs[request.design_id], request.rung)

    def arms_of(self, design_id: str) -> Sequence[Arm]:
        """Return the arms that a design belongs to: its own; for a seed, both that propose."""
        if self.designs[design_id].operator == SEED_OPERATOR:
            return self.arms[SEARCH], self.arms[RANDOM]
        return (self.arms[self.arm_of[design_id]],)

    def may_be_scored(self, design_id: str) -> bool:
        """Whether a design that came through its smoke run is to be scored.

        One under review is not yet, and one that a reviewer changed never is: what it was changed into is.
        """
        name = self.proposals.of_design.get(design_id)
        if name is None:
            return True
        record = self.proposals[name]
        return record.stage is Stage.QUEUED and record.design_id == design_id

    def _is_edit_of(self, design_id: str, first: str) -> bool:
        """Whether a reviewer put a design in the place of one, which will not be scored and so is no duplicate."""
        of = self.proposals.of_design.get(design_id)
        return of is not None and first != design_id and self.proposals.of_design.get(first) == of

    def _score(self, design: Design, rung: int) -> None:
        """Take in what a rung has shown of a design, once that is done on every task."""
        cells = self.cells(design.id, "search", rung)
        if len(cells) < len(self.tasks):
            return
        before = self.scored(design.id)
        known = dict(before.cells) if before else {}
        known[rung] = cells
        self._pools.setdefault(rung, NoisePool()).put(design.id, cells)
        scored = ScoredDesign(
            design=design,
            scores={**(before.scores if before else {}), rung: cells_score(cells, self.noise(rung))},
            descriptors=before.descriptors
            if before and rung >= min(before.cells)
            else self._measured(design, rung),
            cells=known,
        )
        for arm in self.arms_of(design.id):
            if arm.add(scored) and before is None:
                self.enriched.add(design.id)

    def _measured(self, design: Design, rung: int) -> dict[str, float]:
        """Return a design's descriptors at a rung, averaged over tasks."""
        found = {
            e.request.task: e.descriptors
            for e in reversed(self.evaluations(design.id))
            if e.score is not None and (e.request.split, e.request.rung) == ("search", rung)
            if e.request.learning_rate == 1.0
        }
        return {
            axis.name: sum(one[axis.name] for one in found.values()) / len(found)
            for axis in self.archive.axes
        }
