"""Writes proposals beside the evaluations, so many at a time, each through the steps of the graph.

A proposal that waits for a person holds no thread. What was begun in another session goes on where the log says it was.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from agentarch.clock import Clock
from agentarch.models import BudgetSpent, Client, Stopped, Unavailable
from agentarch.search.authoring.books import RunBooks
from agentarch.search.authoring.contract import NoRoom, Workshop
from agentarch.search.authoring.graph import Steps, build_graph, drive, open_checkpoints
from agentarch.search.log import Log
from agentarch.search.proposals import TIMEOUT, ProposalRecord, Stage, name_of, number_of
from agentarch.text import one_line
from agentarch.wording import duration_text

CHECKPOINTS = "graph.sqlite"
FRUITLESS = 50
"""So many proposals in a row that came to nothing, and no more are asked for."""

ANSWER_SECONDS = 5.0
"""How long answers under way are waited for when a run is stopped: they are paid for already."""

CLOSING_SECONDS = 5.0
"""How long steps are waited for once requests have been broken off."""


class Studio:
    """Drives the proposals of a run; see `agentarch.search.authoring.contract.Beside`.

    Args:
        workshop: the engine.
        log: of the run.
        folder: of the run.
        steps: what is done at each step.
        books: of the run.
        client: that the steps ask; closed with the studio.
        in_flight: proposals that are worked on at a time.
        stopped: set when the run is being stopped.
        clock: by which models that cannot be reached are waited for.
        review_seconds: after which a proposal that waits for a person is decided without one; None for never.
        on_timeout: what is decided then: `approve` or `reject`.
    """

    def __init__(
        self,
        workshop: Workshop,
        log: Log,
        folder: Path,
        steps: Steps,
        books: RunBooks,
        client: Client,
        in_flight: int,
        stopped: threading.Event,
        clock: Clock,
        review_seconds: float | None,
        on_timeout: str,
    ) -> None:
        self._workshop, self._log, self._books, self._client = workshop, log, books, client
        self._in_flight, self._stopped, self._clock = in_flight, stopped, clock
        self._review_seconds, self._on_timeout = review_seconds, on_timeout
        self._checkpoints = open_checkpoints(folder / CHECKPOINTS)
        self._graph = build_graph(steps, self._checkpoints)
        self._jobs: dict[str, threading.Thread] = {}
        self._paused_until: dict[str, float] = {}
        self._next = 1
        self._has_begun = self._is_over = False

    @property
    def paused_seconds(self) -> float:
        """How long it is until a provider that cannot be reached is tried again; 0 when none is waited for."""
        now = self._clock.monotonic()
        with self._log.changed:
            left = [until - now for until in self._paused_until.values()]
        return min((seconds for seconds in left if seconds > 0), default=0.0)

    def tick(self) -> None:
        """Begin and resume what can be; called again and again by the thread that drives the run."""
        with self._log.changed:
            if not self._has_begun:
                self._has_begun = True
                self._next = 1 + max(map(number_of, self._log.state.proposals), default=0)
            self._jobs = {name: job for name, job in self._jobs.items() if job.is_alive()}
            live = self._log.state.proposals.live
            self._paused_until = {name: until for name, until in self._paused_until.items() if name in live}
            self._decide_overdue()
            now, is_searching = self._clock.monotonic(), self._workshop.is_searching
            for name in sorted(live - self._jobs.keys(), key=number_of):
                record = self._log.state.proposals[name]
                is_due = self._paused_until.get(name, 0.0) <= now
                waits = record.stage is Stage.PENDING_REVIEW or not is_due or not is_searching
                if not waits and not self._is_full():
                    self._start(name)
            while not self._is_over and not self._paused_until and not self._is_full():
                unwritten = sum(name not in self._log.state.proposals for name in self._jobs)
                if not self._workshop.wants_proposal(unwritten):
                    break
                self._start(name_of(self._next))
                self._next += 1

    def close(self) -> None:
        """Let steps under way come to an end, or break them off; nothing that was written down is lost."""
        self._stopped.set()
        with self._log.changed:
            self._log.changed.notify_all()
        self._wait(ANSWER_SECONDS)
        self._client.close()
        self._wait(CLOSING_SECONDS)
        if not any(job.is_alive() for job in self._jobs.values()):
            self._checkpoints.conn.close()

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for job in self._jobs.values():
            job.join(max(0.0, end - time.monotonic()))

    def _is_full(self) -> bool:
        return len(self._jobs) >= self._in_flight

    def _start(self, proposal: str) -> None:
        self._paused_until.pop(proposal, None)
        # Daemons: a step that hangs ends with the process, and is taken again when the run is resumed.
        self._jobs[proposal] = threading.Thread(target=self._drive, args=(proposal,), daemon=True)
        self._jobs[proposal].start()

    def _drive(self, proposal: str) -> None:
        try:
            drive(self._graph, proposal, self._checkpoints)
        except (Stopped, NoRoom):
            return
        except Unavailable as error:  # nothing is lost: the same step is taken again
            with self._log.changed:
                self._paused_until[proposal] = self._clock.monotonic() + error.seconds
        except BudgetSpent as error:
            self._log.note("abandoned", proposal=proposal, reason=one_line(str(error)))
            self._give_up(error.ceiling)
        except BaseException as error:
            self._workshop.fail(error)
            return
        with self._log.changed:
            if self._log.state.proposals.fruitless >= FRUITLESS:
                self._give_up("exhausted")
            self._log.changed.notify_all()

    def _give_up(self, why: str) -> None:
        """Begin no more; those that were begun go as far as they can."""
        with self._log.changed:
            self._is_over = True
            self._workshop.give_up(why)

    def _decide_overdue(self) -> None:
        if self._review_seconds is None:
            return
        for record in self._log.state.proposals.pending:
            if _waited(record) >= self._review_seconds:
                self._log.store.review(
                    record.id,
                    {
                        "decision": self._on_timeout,
                        "reason": f"nobody decided within {duration_text(self._review_seconds)}",
                        "by": TIMEOUT,
                    },
                )
        self._log.advance()


def _waited(record: ProposalRecord) -> float:
    return time.time() - (record.gated_at or time.time())
