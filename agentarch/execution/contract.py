"""The executor contract: a job goes in, raw arrays and a cost measured from outside come out.

Every executor (this machine, a container, a cluster) implements `Executor` and nothing else, so the search
cannot tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from agentarch.errors import AgentarchError
from agentarch.evaluation import Cost, Outcome

GIB = 2**30
MIB = 2**20

Program = Literal["network", "agent"]
"""What the boxes of an executor run, which is decided when they are made ready."""


class ExecutionStopped(AgentarchError):
    """The executor was closed while the job ran; nothing is known of the design."""


class ExecutorUnavailable(AgentarchError):
    """The executor cannot run anything at all; the message says why and what to do."""


@dataclass(frozen=True)
class Limits:
    """What a box may use before it is stopped, measured over everything the design starts.

    Attributes:
        wall_seconds: from start to end.
        memory_bytes: resident, torch included.
        output_bytes: printed to stdout and stderr together.
    """

    wall_seconds: float
    memory_bytes: int = 2 * GIB
    output_bytes: int = 1 * MIB


@dataclass(frozen=True)
class Question:
    """Unlabelled inputs, and the one shape of reply that will be accepted.

    Attributes:
        inputs: what the design is to predict for; sent only to a box that sees no training item.
        reply_shape: of the float32 array that must come back.
    """

    inputs: NDArray[np.generic]
    reply_shape: tuple[int, ...]


@dataclass(frozen=True)
class Survey:
    """What a design is asked besides, in one more box, once every question has been answered.

    Nothing of it bears on the outcome: what fails there is left unanswered, whatever the fault.

    Attributes:
        questions: each may stay unanswered.
        arrays: what untrained copies of the design are then examined on, by name; they may hold training items, for
            all answers are out by then. They are not examined when there are none.
    """

    questions: tuple[Question, ...]
    arrays: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """An answer, and how long the box took for it.

    Attributes:
        values: float32, in the dictated shape.
        seconds: from sending the question to the first of the answer, measured outside.
    """

    values: NDArray[np.float32]
    seconds: float


@dataclass(frozen=True)
class Surveyed:
    """What came of a survey.

    Attributes:
        replies: one a question, in order; None for those that were not answered.
        claims: what the box measured of untrained copies, by name, finite; the design's own word.
    """

    replies: tuple[Reply | None, ...] = ()
    claims: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """Everything the boxes of one design are given.

    It is trained in the first and answers in others, each of which builds it again from its source and is given what it
    learnt as plain bytes: what is not among those is gone.

    Attributes:
        kind: the kind of design, which decides the program that runs it inside.
        source: the design.
        seed: for the design's own initialisation and the order of its training items.
        settings: what the program needs to know, as plain JSON values.
        arrays: given to the box that trains, by name.
        sittings: questions, in groups; each group is asked in a box of its own.
        limits: when to stop it. The wall time is that of all boxes together, the rest that of each.
        max_learnt_bytes: the most that may go from the one to the other.
        survey: what is asked besides, of a design that has answered everything.
    """

    kind: str
    source: str
    seed: int
    settings: Mapping[str, Any]
    arrays: Mapping[str, NDArray[np.generic]]
    sittings: tuple[tuple[Question, ...], ...]
    limits: Limits
    max_learnt_bytes: int = 4 * MIB
    survey: Survey | None = None

    @property
    def questions(self) -> tuple[Question, ...]:
        """All questions, one group after the other."""
        return tuple(question for sitting in self.sittings for question in sitting)


@dataclass(frozen=True)
class Result:
    """What the boxes gave back.

    Attributes:
        outcome: `SCORED` when every question was answered in the dictated shape with finite values.
        reason: one printable line; empty when scored.
        replies: float32, one a question, in order; empty unless scored.
        claims: what the box says of itself (`parameters`, `losses`, `recipe`, and `stopped_at_step` of a run that was
            stopped because it learnt nothing); never believed for a score.
        learnt_bytes: how much a box that answered was given of what the other learnt, counted outside.
        cost: measured outside the design's processes, over all boxes; the memory is that of those without the survey.
        output: printable tail of what the design printed, but in a survey.
        surveyed: what came of the job's survey; nothing when there was none.
    """

    outcome: Outcome
    reason: str = ""
    replies: tuple[NDArray[np.float32], ...] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)
    learnt_bytes: int = 0
    cost: Cost = field(default_factory=Cost)
    output: str = ""
    surveyed: Surveyed = field(default_factory=Surveyed)


Tell = Callable[[Mapping[str, Any]], None]
"""Hands one answer to a design, as plain JSON values; may be called from any thread, and once for each call."""


class Desk(Protocol):
    """Where what a design asks of models arrives: the one thing beside its answer that leaves an agent's box."""

    @property
    def terms(self) -> Mapping[str, Any]:
        """What a design is told at the beginning of each question, as plain JSON values."""
        ...

    def ask(self, question: int, wish: Mapping[str, Any], tell: Tell) -> None:
        """Take a call in and return at once.

        Args:
            question: its index.
            wish: what the design's process sent: plain JSON values, with nothing checked.
            tell: takes the answer, a `told` or a `refused`; or `gone`, when there will be none through no fault of the
                design's.
        """
        ...

    def leave(self, question: int) -> None:
        """Take note that nobody waits for the answers to a question's calls any more."""
        ...

    def again(self, question: int) -> None:
        """Take note that a question is asked from the beginning: its box was lost."""
        ...


@dataclass(frozen=True)
class Interview:
    """Everything that an agent design is asked.

    Each question goes to a process of its own, so that nothing a design knows of one is left at the next.

    Attributes:
        source: the design.
        questions: in the order in which they are asked.
        sittings: how many of them each box is asked, one after the other; they add up to all.
        in_flight: so many questions of a box are worked on at a time.
        question_seconds: processor time that a design may use for one question, and the time that it may take while it
            waits for no model.
        question_bytes: memory that a design may use for one question.
        limits: of each box.
        desk: where its calls to models go.
    """

    source: str
    questions: tuple[str, ...]
    sittings: tuple[int, ...]
    in_flight: int
    question_seconds: float
    limits: Limits
    desk: Desk
    question_bytes: int = 256 * MIB


@dataclass(frozen=True)
class Ending:
    """How one question ended.

    Attributes:
        outcome: `SCORED` when it was answered.
        answer: the design's; hostile text of at most 64 KiB; empty unless answered.
        reason: one printable line; empty when answered.
    """

    outcome: Outcome
    answer: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Interviewed:
    """What came of an interview.

    Attributes:
        endings: one a question, in order.
        cost: measured outside the design's processes, over all boxes.
        output: printable tail of what the design printed.
    """

    endings: tuple[Ending, ...]
    cost: Cost = field(default_factory=Cost)
    output: str = ""


class Executor(Protocol):
    """Runs jobs in boxes.

    `run` and `interview` may be called from several threads at once. A fault of the design is a result; so is a fault
    of ours, with outcome `INFRASTRUCTURE`, and neither raises.

    Attributes:
        name: recorded with every score, e.g. `"local"`.
    """

    name: str

    def start(self) -> None:
        """Make ready.

        Raises:
            ExecutorUnavailable: it cannot run here.
            ExecutionStopped: it was closed.
        """
        ...

    def run(self, job: Job) -> Result:
        """Run one job to its end.

        Raises:
            ExecutionStopped: `close` was called meanwhile.
        """
        ...

    def interview(self, interview: Interview) -> Interviewed:
        """Ask an agent design everything; each question ends in its own way, and a fault of ours is one of them.

        Raises:
            ExecutionStopped: `close` was called meanwhile.
        """
        ...

    def close(self) -> None:
        """End every box, at once; no process survives. May be called twice, and from any thread."""
        ...
