"""The one reducer: from a run's log of events to everything that is known of it.

The engine, the terminal, `status`, `show` and every report read a `RunState`, so they show the same numbers;
replaying the log gives the same state as living through it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agentarch.design import Design
from agentarch.evaluation import Evaluation, Outcome, Request, Score, ScoredDesign
from agentarch.qd import Archive, Axis
from agentarch.scoring import mean_score
from agentarch.store import DESIGNS, EVALUATIONS, REQUESTS, Event

FIRST_RANKED_RUNG = 1
"""Rung 0 is a smoke run: it finds broken designs and ranks nothing."""


@dataclass
class RunState:
    """What is known of a run.

    Attributes:
        tasks: the names of the run's tasks.
        archive: elites of the designs scored on every task.
        designs: every accepted design, by id, in the order they came.
        same_as: designs that turned out to act exactly like an earlier one, with that one's id.
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
    """

    tasks: tuple[str, ...]
    archive: Archive
    designs: dict[str, Design] = field(default_factory=dict)
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
    _requested: set[Request] = field(default_factory=set)
    _rungs: dict[int, int] = field(default_factory=dict)
    _evaluations: dict[str, list[Evaluation]] = field(default_factory=dict)
    _scored: dict[str, ScoredDesign] = field(default_factory=dict)
    _behaviours: dict[tuple[str, int, str], str] = field(default_factory=dict)
    _last: int = 0
    _last_at: float | None = None

    @classmethod
    def empty(cls, tasks: Sequence[str], axes: tuple[Axis, ...]) -> RunState:
        """Return the state of a run in which nothing has happened."""
        return cls(tuple(tasks), Archive(axes))

    @property
    def last_event(self) -> int:
        """The number of the last event that was applied."""
        return self._last

    @property
    def done(self) -> int:
        """Evaluations that have ended."""
        return sum(self.outcomes.values())

    def evaluations(self, design_id: str) -> Sequence[Evaluation]:
        """Return every finished evaluation of a design, in the order they ended."""
        return self._evaluations.get(design_id, ())

    def scored(self, design_id: str) -> ScoredDesign | None:
        """Return what is known of a design once some ranked rung is done on every task."""
        return self._scored.get(design_id)

    def all_evaluations(self) -> Sequence[Evaluation]:
        """Return every finished evaluation, design by design."""
        return tuple(evaluation for found in self._evaluations.values() for evaluation in found)

    def all_scored(self) -> Sequence[ScoredDesign]:
        """Return every design that has a score."""
        return tuple(self._scored.values())

    def was_requested(self, request: Request) -> bool:
        """Whether an evaluation exists, in whatever state."""
        return request in self._requested

    def smoke_runs_in_flight(self) -> int:
        """Return how many designs are at their smoke run, or wait for it, and so may want more evaluations."""
        return sum(self._rungs[number] == 0 for number in self.running | self.queued)

    def apply(self, event: Event) -> None:
        """Take one event in. Events come in the order of their numbers."""
        if event.kind != "started" and self._last_at is not None:  # time between sessions is nobody's
            self.engine_seconds += max(0.0, event.at - self._last_at)
        self._last, self._last_at = event.number, event.at
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

    def _on_refused(self, body: dict[str, Any]) -> None:
        self.refused += 1

    def _on_queued(self, body: dict[str, Any]) -> None:
        self.created += 1
        self.queued.add(body["number"])
        request = REQUESTS.validate_python(body["request"])
        self._requested.add(request)
        self._rungs[body["number"]] = request.rung

    def _on_leased(self, body: dict[str, Any]) -> None:
        self.queued.discard(body["number"])
        self.running.add(body["number"])

    def _on_released(self, body: dict[str, Any]) -> None:
        self.running.discard(body["number"])
        self.queued.add(body["number"])

    def _on_evaluated(self, body: dict[str, Any]) -> None:
        evaluation = EVALUATIONS.validate_python(body["evaluation"])
        request = evaluation.request
        self.running.discard(body["number"])
        self.outcomes[evaluation.outcome] += 1
        self.candidate_seconds += evaluation.cost.wall_seconds
        self.candidate_cpu_seconds += evaluation.cost.cpu_seconds
        self._evaluations.setdefault(request.design_id, []).append(evaluation)
        if evaluation.behaviour is not None and request.rung < FIRST_RANKED_RUNG:
            first = self._behaviours.setdefault(
                (request.task, request.rung, evaluation.behaviour), request.design_id
            )
            if first != request.design_id:
                self.same_as[request.design_id] = first
        self.quarantined += evaluation.is_quarantined
        if evaluation.sandbox:
            self.sandboxes[evaluation.sandbox] += 1
        if request.rung >= FIRST_RANKED_RUNG and evaluation.score is not None and evaluation.was_contained:
            self._score(self.designs[request.design_id])

    def _score(self, design: Design) -> None:
        by_rung: dict[int, dict[str, tuple[Score, Evaluation]]] = {}
        for evaluation in self._evaluations[design.id]:
            request = evaluation.request
            if evaluation.score is not None and request.rung >= FIRST_RANKED_RUNG:
                by_rung.setdefault(request.rung, {})[request.task] = (evaluation.score, evaluation)
        complete = {rung: found for rung, found in by_rung.items() if len(found) == len(self.tasks)}
        if not complete:
            return
        lowest = [evaluation for _, evaluation in complete[min(complete)].values()]
        scored = ScoredDesign(
            design=design,
            scores={
                rung: mean_score([score for score, _ in found.values()]) for rung, found in complete.items()
            },
            descriptors={
                axis.name: sum(e.descriptors[axis.name] for e in lowest) / len(lowest)
                for axis in self.archive.axes
            },
        )
        self._scored[design.id] = scored
        self.archive.add(scored)
