"""The loop: propose, screen, evaluate, archive, again, until the budget is spent.

Every step is in the store before it is an action, so the loop can be killed at any moment and go on. Knows
designs, tasks and descriptors; what a network or an agent is, it leaves to the kind.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Sequence

from agentarch.config import RunConfig
from agentarch.design import Design, DesignError, Proposal, read_design
from agentarch.errors import AgentarchError
from agentarch.evaluation import Evaluation, Outcome
from agentarch.execution import ExecutionStopped, Executor
from agentarch.kinds import Kind
from agentarch.models.contract import BudgetSpent
from agentarch.proposers import Context, Proposer, make_proposer
from agentarch.qd import choose_inspirations, choose_parents
from agentarch.search.arm import BASELINE, RANDOM, SEARCH
from agentarch.search.authoring.contract import Beside, NoRoom, Workshop
from agentarch.search.decision import Choice, Decision
from agentarch.search.log import Log
from agentarch.search.plan import Clock, Plan, Propose
from agentarch.search.state import RunState
from agentarch.seeding import derive_seed
from agentarch.store import Lease
from agentarch.task import AnyTask
from agentarch.text import one_line

ATTEMPTS = 3
"""How often an evaluation is tried when the fault is ours."""

BACK_OFF_SECONDS = 0.5
"""How long a worker waits after the first fault of ours; four times as long after the next."""

FAULTS_IN_A_ROW = 9
"""So many faults of ours without one result in between, and the run stops rather than burn its budget."""

FRUITLESS_PROPOSALS = 100
"""So often no proposal, or a refused one, and the proposer counts as having nothing new."""

IDLE_SECONDS = 1.0
"""How often a worker that has nothing to do looks whether the time calls for the finish."""

PARENTS, INSPIRATIONS = 2, 3
LEASE_GRACE_SECONDS = 120.0


class BoxesFail(AgentarchError):
    """Boxes fail again and again through no fault of the designs."""


class Engine:
    """Drives one run to the end of its budget.

    Args:
        log: the run's store and state, replayed up to its end; the engine is the only writer but for reviewers.
        config: what the run was told to do.
        secret: from which the run's chance is derived.
        kind: of design.
        tasks: to score on, in order.
        proposer: writes the designs.
        seeds: designs the run starts from.
        executor: runs them; started and closed by the caller.
        make_studio: returns what writes designs in several steps while others are evaluated, given what it needs of
            the engine; without it the proposer is asked for one design at a time.
    """

    def __init__(
        self,
        log: Log,
        config: RunConfig,
        secret: str,
        kind: Kind,
        tasks: Sequence[AnyTask],
        proposer: Proposer,
        seeds: tuple[Design, ...],
        executor: Executor,
        make_studio: Callable[[Workshop], Beside] | None = None,
    ) -> None:
        self.state, self._log = log.state, log
        self._store, self._config, self._secret = log.store, config, secret
        self._kind, self._seeds, self._executor = kind, seeds, executor
        self._tasks = {task.name: task for task in tasks}
        self._limits = kind.limits(tasks)
        self._plan = Plan(
            tasks,
            top=config.top_rung,
            controls=kind.controls(tasks),
            limit=config.evaluation_limit,
            workers=config.workers,
            has_control=config.has_random_control,
            confirm_seeds=config.confirm_seeds,
            sweeps=config.sweep,
            in_flight=0 if make_studio is None else config.proposals_in_flight,
        )
        self._proposers = {SEARCH: proposer, RANDOM: make_proposer("random", kind.name)}
        self._started, self._before = time.monotonic(), self.state.engine_seconds
        self._changed = log.changed
        self._stopping: str | None = None
        self._error: BaseException | None = None
        self._faults_in_a_row = 0
        self._spent = ""
        self._studio = None if make_studio is None else make_studio(self)

    @property
    def paused_seconds(self) -> float:
        """How long it is until a provider that cannot be reached is tried again; 0 when none is waited for."""
        return 0.0 if self._studio is None else self._studio.paused_seconds

    def run(self, watch: Callable[[RunState], None], interval_seconds: float = 0.2) -> str:
        """Work until the budget is spent or `stop` is called.

        Args:
            watch: called with the state every interval and at the end, never while it changes.
            interval_seconds: between looks.

        Returns:
            Why it ended: `evaluations`, `time`, `exhausted` (the proposer has nothing new), a ceiling of the
            ledger (`dollars`, `tokens`, `requests`), or what `stop` was given.

        Raises:
            AgentarchError: the store or the boxes failed; the run can be resumed.
        """
        with self._changed:
            was_over = self.state.stopped if self.state.decided(Choice.VERDICT) else None
            self._store.note("started")
            self._store.release_all("the engine that worked on it is gone")
            self._advance()
            for evaluation in tuple(self.state.all_evaluations()):
                self._teach(evaluation)  # a proposer's memory is not in the store
                self._follow_up(evaluation)  # what a kill kept from being queued
        self._started, self._before = time.monotonic(), self.state.engine_seconds
        workers = [threading.Thread(target=self._work, daemon=True) for _ in range(self._config.workers)]
        for worker in workers:
            worker.start()
        try:
            while any(worker.is_alive() for worker in workers):
                with self._changed:
                    self._changed.wait(interval_seconds)
                    self._advance()  # a reviewer may have decided
                    watch(self.state)
                if self._studio is not None and self._stopping is None:
                    self._studio.tick()
                if self._clock().seconds_left <= 0:
                    self.stop("time")
        except BaseException as error:  # e.g. the store is full; nobody may go on working then
            self.fail(error)
        finally:
            if self._studio is not None:
                self._studio.close()
            self._kind.close()
        if self._error is not None:
            with contextlib.suppress(AgentarchError):  # the store itself may be what failed
                self._store.note("stopped", why="failed")
            raise self._error
        why = self._stopping or "evaluations"
        if was_over is not None and why not in ("interrupted", "failed"):
            why = was_over  # what was done since changes nothing of why the run ended
        with self._changed:
            if why == "time" and (verdict := self._plan.cut_short(self.state)):
                self._store.drop_queued("the time was up, and the run has its verdict")
                self._advance()
                self._decide(verdict)
            self._store.note("stopped", why=why)
            self._advance()
            watch(self.state)
        return why

    def decide(self, decision: Decision) -> None:
        """Record a decision that the plan did not take; its evaluations are done when the engine runs."""
        with self._changed:
            self._decide(decision)

    def wants_proposal(self, writing: int) -> bool:
        """Whether another proposal should be begun now, beside so many of which the log has nothing yet."""
        with self._changed:
            return self._stopping is None and self._plan.wants_proposal(self.state, self._clock(), writing)

    @property
    def is_searching(self) -> bool:
        """Whether designs are still wanted; see `Workshop`."""
        with self._changed:
            return self._stopping is None and not self._plan.is_over(self.state, self._clock())

    def add(self, design: Design, proposal: str) -> None:
        """Record a design of a proposal, and queue its smoke run; see `Workshop.add`."""
        with self._changed:
            if not self.state.proposals[proposal].is_live or self._plan.left(self.state) == 0:
                raise NoRoom
            self._store.add_design(design, self._plan.first(design.id), SEARCH, of=proposal)
            self._advance()

    def accept(self, proposal: str) -> None:
        """Send a proposal that came through everything to be scored."""
        with self._changed:
            self._log.note("accepted", proposal=proposal)
            design_id = self.state.proposals[proposal].design_id
            for evaluation in tuple(self.state.evaluations(design_id or "")):
                self._follow_up(evaluation)

    def context(self, number: int) -> Context:
        """Return what the proposal of a number is to be told: parents and inspirations of the search's archive."""
        with self._changed:
            return self._context(SEARCH, number)

    def give_up(self, why: str) -> None:
        """Take note that no more proposals will come; the run goes on with what it has."""
        with self._changed:
            self._plan.end_proposals()
            self._spent = why
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Stop the run because of an error, which `run` will raise."""
        with self._changed:
            self._error = self._error or error
        self.stop("failed")

    def stop(self, why: str, at_once: bool = False) -> None:
        """End the run: after the evaluations that are running, or at once, putting those back into the queue."""
        with self._changed:
            self._stopping = self._stopping or why
            self._changed.notify_all()
        if at_once:
            self._executor.close()
            # What waits for a model is told, too; in a thread, for a signal may have come while a lock of it is held.
            threading.Thread(target=self._kind.close, daemon=True).start()

    def _work(self) -> None:
        """One worker: take an evaluation, run it, record it, again."""
        try:
            while (lease := self._next()) is not None:
                request = lease.request
                design, task = self.state.designs[request.design_id], self._tasks[request.task]
                try:
                    evaluation = self._kind.evaluate(design, task, request, self._executor)
                except (ExecutionStopped, BudgetSpent) as error:
                    with self._changed:
                        self._store.release(lease, one_line(str(error)), is_attempt=False)
                        self._advance()
                    if isinstance(error, BudgetSpent):
                        self.stop(error.ceiling)
                    return
                with self._changed:
                    self._take(lease, evaluation)
                    self._changed.notify_all()
        except BaseException as error:
            self.fail(error)

    def _next(self) -> Lease | None:
        """Lease the next evaluation, making one when there is none; None when this session's work is over."""
        with self._changed:
            while self._stopping is None:
                if not self.state.queued and not self._plan_ahead():
                    if not self.state.running and not self._plan.awaits_proposals(self.state, self._clock()):
                        self._stopping = self._why_over()
                        self._changed.notify_all()
                        break
                    # A running evaluation, a proposal, or the time may open the way for another step.
                    self._changed.wait(IDLE_SECONDS)
                    continue
                longest = max(rung.wall_seconds for task in self._tasks.values() for rung in task.rungs)
                lease = self._store.lease(longest + LEASE_GRACE_SECONDS)
                self._advance()
                if lease is not None:
                    return lease
            return None

    def _take(self, lease: Lease, evaluation: Evaluation) -> None:
        """Record a result and what follows from it."""
        if evaluation.outcome is Outcome.INFRASTRUCTURE:
            self._faults_in_a_row += 1
            if self._faults_in_a_row >= FAULTS_IN_A_ROW:
                self._store.release(lease, evaluation.reason, is_attempt=False)
                raise BoxesFail(
                    f"{self._faults_in_a_row} boxes in a row failed through no fault of the designs; the last: "
                    f"{evaluation.reason}. Run `agentarch doctor`, then resume."
                )
            if lease.attempt < ATTEMPTS:
                self._changed.wait(
                    BACK_OFF_SECONDS * 4 ** (lease.attempt - 1)
                )  # what failed may need a moment
                self._store.release(lease, evaluation.reason, is_attempt=True)
                self._advance()
                return
        else:
            self._faults_in_a_row = 0
        if not self._store.settle(lease, evaluation):
            return
        self._advance()
        self._follow_up(evaluation)
        self._teach(evaluation)

    def _teach(self, evaluation: Evaluation) -> None:
        """Tell the proposer of an arm what has become of one of its designs."""
        design = self.state.designs[evaluation.request.design_id]
        if proposer := self._proposers.get(self.state.arm_of[design.id]):
            proposer.learn(evaluation, design)

    def _plan_ahead(self) -> bool:
        """Take the steps that the plan asks for until there is something to evaluate; return whether there is."""
        while not self.state.queued:
            match self._plan.next(self.state, self._clock()):
                case Propose(arm):
                    if not self._propose(arm):
                        self._plan.give_up(arm)
                case Decision() as decision:
                    self._decide(decision)
                case None:
                    return False
        return True

    def _decide(self, decision: Decision) -> None:
        if decision.kind in (Choice.FINALISTS, Choice.VERDICT):
            for name in tuple(self.state.proposals.live):
                self._log.note("abandoned", proposal=name, reason="the search was over before it was scored")
        self._store.decide(
            decision.kind.value,
            decision.reason,
            decision.requests,
            decision.facts,
            decision.designs,
            arm=BASELINE,
        )
        self._advance()

    def _follow_up(self, evaluation: Evaluation) -> None:
        """Decide what follows at once from a result, unless that has been decided already."""
        decision = self._plan.after(evaluation, self.state)
        if decision and any(self.state.fate(request) == "new" for request in decision.requests):
            self._decide(decision)

    def _why_over(self) -> str:
        if self._plan.left(self.state) == 0:
            return "evaluations"
        if self._spent:
            return self._spent
        return "exhausted" if self._plan.is_exhausted else "time"

    def _clock(self) -> Clock:
        if self._config.time is None:
            return Clock()
        spent = self._before + time.monotonic() - self._started
        return Clock(spent / self._config.time, self._config.time - spent)

    def _propose(self, arm: str) -> bool:
        """Ask for proposals until one is accepted; return whether one was."""
        for attempt in range(FRUITLESS_PROPOSALS):
            proposal = self._proposers[arm].propose(self._context(arm, attempt))
            if proposal is not None and self._screen(proposal, arm):
                return True
        return False

    def _screen(self, proposal: Proposal, arm: str) -> bool:
        """Accept a proposal, or refuse it before anything is spent on it."""
        try:
            design = read_design(proposal, self._kind.contract)
        except DesignError as error:
            self._store.refuse(proposal, str(error))
            self._advance()
            return False
        if design.id in self.state.designs:
            known = self.state.designs[design.id]
            self._store.refuse(
                proposal, f"the same design as {known.name!r} ({known.id})", duplicate_of=known.id
            )
            self._advance()
            return False
        self._store.add_design(design, self._plan.first(design.id), arm)
        self._advance()
        return True

    def _context(self, arm: str, attempt: int) -> Context:
        number = len(self.state.designs) + self.state.refused
        rng = random.Random(derive_seed(self._secret, "proposal", arm, number, attempt))
        archive = self.state.arms[arm].archive
        parents = choose_parents(archive, rng, PARENTS)
        return Context(
            rng=rng,
            number=number,
            seeds=self._seeds,
            parents=parents,
            inspirations=choose_inspirations(archive, parents, rng, INSPIRATIONS),
            known=self.state.designs.keys(),
            limits=self._limits,
            evaluations_left=self._plan.left(self.state),
        )

    def _advance(self) -> None:
        self._log.advance()
