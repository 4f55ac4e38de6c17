"""What a run does next: scores what has begun, races what has been scored, proposes, and in the end confirms.

Looks at a run's state and says one step; whoever drives the run takes it. The engine does so with real boxes, and
`agentarch.search.simulation` with drawn scores, so that what is simulated is what decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentarch.evaluation import Evaluation, Outcome, Request
from agentarch.kinds.controls import Controls
from agentarch.search.arm import RANDOM, SEARCH, Arm
from agentarch.search.decision import Choice, Decision
from agentarch.search.finish import SHARE, Extent, Finish, has_candidates, judged, largest_extent, verdict_of
from agentarch.search.proposals import Stage
from agentarch.search.race import FIRST_RANKED_RUNG, Race
from agentarch.search.state import RunState
from agentarch.task import AnyTask

SMOKE_RUNG = 0

BACKLOG = 2
"""With so many evaluations waiting per worker, no proposal is begun ahead of need: later ones know more."""

MOST_PENDING = 64
"""With so many proposals before a person, no more are written until some are decided."""


@dataclass(frozen=True)
class Propose:
    """A new design is wanted.

    Attributes:
        arm: in which arm.
    """

    arm: str


@dataclass(frozen=True)
class Clock:
    """How a run stands against its limit on time.

    Attributes:
        share_spent: 0 to 1; 0 when there is no limit.
        seconds_left: infinite when there is no limit.
    """

    share_spent: float = 0.0
    seconds_left: float = float("inf")


class Plan:
    """The plan of one run; what it says follows from the state alone.

    Args:
        tasks: of the run; the smoke run is on the first.
        top: the highest rung, or None for the highest that all tasks have.
        controls: that finalists are compared with.
        limit: on evaluations; None for none.
        workers: boxes at a time.
        has_control: whether random proposals get a budget equal to the search's.
        confirm_seeds: training seeds of each confirmation.
        sweeps: whether finalists are also trained at the best of several learning rates.
        in_flight: of the search's designs, after the seeds, so many are written at a time while others are evaluated,
            and come of their own accord; 0 when they are asked for one at a time.
    """

    def __init__(
        self,
        tasks: Sequence[AnyTask],
        top: int | None,
        controls: Controls,
        limit: int | None,
        workers: int,
        has_control: bool,
        confirm_seeds: int,
        sweeps: bool,
        in_flight: int = 0,
    ) -> None:
        names = tuple(task.name for task in tasks)
        highest = min(len(task.rungs) for task in tasks) - 1
        self.top = highest if top is None else min(top, highest)
        self._tasks, self._limit, self._workers = names, limit, workers
        self._seeds, self._sweeps = confirm_seeds, sweeps
        self.arms = (SEARCH, RANDOM) if has_control else (SEARCH,)
        self._race = Race(names, self.top)
        self._finish = Finish(names, confirm_seeds, controls, sweeps)
        self._controls = controls
        self._reserved = self._extent(SHARE * limit) if limit is not None else None
        self._exhausted: set[str] = set()
        self._in_flight, self._has_seeds = in_flight, True

    def first(self, design_id: str) -> tuple[Request, ...]:
        """Return what a new design begins with."""
        return (Request(design_id, self._tasks[0], SMOKE_RUNG, seed=0),)

    def after(self, evaluation: Evaluation, state: RunState) -> Decision | None:
        """Return what follows at once from a finished evaluation."""
        request = evaluation.request
        if request.rung != SMOKE_RUNG or evaluation.outcome is not Outcome.SCORED:
            return None
        if request.design_id in state.same_as or self.top < FIRST_RANKED_RUNG:
            return None
        if not state.may_be_scored(request.design_id):
            return None
        return self._affordable(
            Decision(
                Choice.BEGIN,
                f"{state.designs[request.design_id].label} runs, and acts like none before it",
                self._race.on_every_task(request.design_id, FIRST_RANKED_RUNG),
            ),
            state,
        )

    def give_up(self, arm: str) -> None:
        """Take note that an arm's proposer, asked for one design at a time, has nothing new."""
        if arm == SEARCH and self._in_flight:
            self._has_seeds = False
        else:
            self._exhausted.add(arm)

    def end_proposals(self) -> None:
        """Take note that no more designs will come of their own accord."""
        self._exhausted.add(SEARCH)

    @property
    def is_exhausted(self) -> bool:
        """Whether the search's proposer had nothing new."""
        return SEARCH in self._exhausted

    def next(self, state: RunState, clock: Clock) -> Decision | Propose | None:
        """Return the next step; None when the run waits for what is being worked on, or is over."""
        if state.decided(Choice.FINALISTS) or state.decided(Choice.VERDICT):
            return self._finish.next(state) if state.is_idle else None
        if not self.is_over(state, clock):
            step = self._search(state)
            if step is not None:
                return step
            if self.awaits_proposals(state, clock):
                return None
        return self._finish.begin(state, self._extent_left(state, clock)) if state.is_idle else None

    def awaits_proposals(self, state: RunState, clock: Clock) -> bool:
        """Whether the search goes on as soon as a proposal that is being written, or reviewed, is there."""
        if not self._in_flight or self.is_over(state, clock):
            return False
        return bool(state.proposals.live) or self.wants_proposal(state, clock, 0)

    def wants_proposal(self, state: RunState, clock: Clock, writing: int) -> bool:
        """Whether another proposal should be begun now.

        Args:
            state: of the run.
            clock: of the run.
            writing: proposals that were begun and of which the log has nothing yet.
        """
        if not self._in_flight or self._has_seeds or SEARCH in self._exhausted or self.is_over(state, clock):
            return False
        if (
            len(state.queued) > BACKLOG * self._workers
            or state.proposals.counts[Stage.PENDING_REVIEW] >= MOST_PENDING
        ):
            return False
        design = len(self._tasks) + 1
        owed = self._owed_to_control(state)
        if owed > self._in_flight * design:
            return False
        begun = len(state.proposals.live) + writing
        return self._has_room_for_a_design(state, begun, begun * design * len(self.arms) + owed)

    def _owed_to_control(self, state: RunState) -> float:
        """Return how many evaluations the control may do until it has spent as much as the search."""
        if RANDOM not in self.arms or RANDOM in self._exhausted:
            return 0.0
        search = state.arms[SEARCH]
        behind = max(0, search.steps - state.arms[RANDOM].steps)
        return behind / search.mean_steps if search.steps else 0.0

    def cut_short(self, state: RunState) -> Decision | None:
        """Return the verdict of a run whose time is up, from what it has; None when it has one already."""
        if state.decided(Choice.VERDICT):
            return None
        if state.decided(Choice.FINALISTS):
            return verdict_of(state, judged(state))
        return self._finish.begin(state, None)

    def left(self, state: RunState) -> int | None:
        """Return how many evaluations the search may still ask for; None when evaluations do not limit it.

        Nothing is kept for a finish as long as there is nothing to confirm.
        """
        if self._limit is None:
            return None
        kept = self._kept if has_candidates(state) else 0
        return max(0, self._limit - kept - state.created)

    @property
    def _kept(self) -> int:
        """How many evaluations are kept for a finish once there is something to confirm."""
        return self._reserved.evaluations(len(self._tasks), self._seeds) if self._reserved else 0

    def is_over(self, state: RunState, clock: Clock) -> bool:
        """Whether the search has spent its share of the budget, and only the finish is left."""
        return self.left(state) == 0 or clock.share_spent >= 1 - SHARE

    def _search(self, state: RunState) -> Decision | Propose | None:
        """Return the next step of the arm that has spent less, so that all spend alike."""
        arms = sorted((state.arms[name] for name in self.arms), key=lambda arm: arm.steps)
        for arm in arms:
            decision = self._race.next(arm, state.noise, state.fate)
            if decision is not None and (affordable := self._affordable(decision, state)):
                return affordable
            if self._may_be_asked(arm, state):
                return Propose(arm.name)
        return None

    def _may_be_asked(self, arm: Arm, state: RunState) -> bool:
        """Whether the next step may be a design of an arm; the control does not overtake the search."""
        begun = len(state.proposals.live)
        if arm.name in self._exhausted:
            return False
        if not self._has_room_for_a_design(state, begun, begun * (len(self._tasks) + 1)):
            return False
        comes_by_itself = self._in_flight > 0 and not self._has_seeds
        if arm.name == SEARCH:
            return not comes_by_itself
        sets_the_pace = comes_by_itself or SEARCH in self._exhausted
        return not sets_the_pace or arm.steps < state.arms[SEARCH].steps

    def _has_room_for_a_design(self, state: RunState, begun: int, owed: float) -> bool:
        """Whether the budget holds one more; better to finish the designs begun than to begin one too many.

        Args:
            state: of the run.
            begun: proposals of which something is still to come.
            owed: evaluations that were promised, beside those of designs in their smoke run.
        """
        left = self.left(state)
        if left is None:
            return True
        if begun and not has_candidates(state):  # the first of these to be scored is something to confirm
            left -= self._kept
        return left > state.smoke_runs_in_flight() * len(self._tasks) + owed

    def _affordable(self, decision: Decision, state: RunState) -> Decision | None:
        """Return a decision cut to what is left of the budget; None when nothing of it is."""
        left = self.left(state)
        chosen = decision.requests if left is None else decision.requests[:left]
        if not chosen:
            return None
        return Decision(decision.kind, decision.reason, chosen, decision.facts, decision.designs)

    def _extent(self, budget: float) -> Extent | None:
        return largest_extent(
            budget, len(self._tasks), self._seeds, RANDOM in self.arms, self._sweeps, self._controls
        )

    def _extent_left(self, state: RunState, clock: Clock) -> Extent | None:
        """Return the fullest finish that what is left of evaluations and time has room for."""
        budget = float("inf") if self._limit is None else float(self._limit - state.created)
        if clock.seconds_left < float("inf"):
            reached = max((one.rung for one in state.all_scored()), default=FIRST_RANKED_RUNG)
            walls = [
                e.cost.wall_seconds for e in state.all_evaluations() if e.request.rung == reached and e.score
            ]
            if walls:
                budget = min(budget, clock.seconds_left * self._workers * len(walls) / sum(walls))
        return self._extent(budget)
