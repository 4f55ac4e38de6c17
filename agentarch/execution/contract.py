"""The executor contract: a job goes in, raw arrays and a cost measured from outside come out.

Every executor (this machine, a container, a cluster) implements `Executor` and nothing else, so the search
cannot tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agentarch.errors import AgentarchError
from agentarch.evaluation import Cost, Outcome

GIB = 2**30
MIB = 2**20


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


class Executor(Protocol):
    """Runs jobs in boxes.

    `run` may be called from several threads at once. A fault of the design is a `Result`; so is a fault of
    ours, with outcome `INFRASTRUCTURE`, and neither raises.

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

    def close(self) -> None:
        """End every box, at once; no process survives. May be called twice, and from any thread."""
        ...
