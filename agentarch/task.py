"""The task contract: trusted code that makes data, keeps the labels, and grades.

A task is a class in `evals/`, in a user's file, or behind an entry point. It never sees a design and a
design never sees it: inputs go into a box, predictions come out, and grading happens here.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from agentarch.errors import AgentarchError, UsageError

IGNORED_LABEL = -100
"""A label with this value is neither trained on nor graded (torch's `cross_entropy` default)."""

FEWEST_SCORED_ITEMS = 8
"""With fewer there are no probes to audit a design with, and no interval worth the name."""

SPLITS = ("search", "confirm", "test")
"""`search` steers the archive, `confirm` re-scores finalists, `test` is sealed and opened once."""


class TaskFailed(AgentarchError):
    """A task's own code raised; no design is to blame and none is scored."""


@dataclass(frozen=True)
class Spec:
    """What a network design is told about a task.

    Attributes:
        kind: what the inputs are. `tokens`: `(batch, length)` int64. `series`: `(batch, length, channels)`
            float32. `image`: `(batch, channels, height, width)` float32. `table`: `(batch, features)` float32.
        input_shape: shape of one item without the batch; for variable lengths, the longest.
        vocab_size: number of distinct tokens; None for real-valued inputs.
        n_outputs: classes per prediction.
        output: `per_position` for logits `(batch, length, n_outputs)`, `one` for `(batch, n_outputs)`.
        causal: whether the prediction at a position may depend only on it and earlier ones.
        max_parameters: a design with more trainable parameters is refused.
    """

    kind: Literal["tokens", "series", "image", "table"]
    input_shape: tuple[int, ...]
    vocab_size: int | None
    n_outputs: int
    output: Literal["per_position", "one"]
    causal: bool
    max_parameters: int


@dataclass(frozen=True)
class Rung:
    """One fidelity of a task.

    Attributes:
        steps: optimiser steps; budgets are steps, so a busy machine changes no score.
        batch_size: training items a step.
        train_items: distinct training items, cycled in a fresh order each pass.
        scored_items: held-out items behind a score.
        max_parameters: cap on trainable parameters.
        wall_seconds: when a box is stopped; generous, for it only catches what hangs.
        size: the task's own knobs at this rung, e.g. `{"pairs": 12}`.
        in_order: training items are taken as they come, not in a fresh order each pass, for a task in which what comes
            first matters.
    """

    steps: int
    batch_size: int
    train_items: int
    scored_items: int
    max_parameters: int
    wall_seconds: float
    size: Mapping[str, int]
    in_order: bool = False


@dataclass(frozen=True)
class Data:
    """Arrays of one split at one rung for one seed.

    Attributes:
        train_inputs: `(train_items, ...)`, integers for tokens, float32 otherwise.
        train_labels: integers, `(train_items, length)` or `(train_items,)`; `IGNORED_LABEL` where none.
        inputs: `(scored_items, ...)`, what predictions are asked for.
        labels: of `inputs`; these never enter a box.
    """

    train_inputs: NDArray[np.generic]
    train_labels: NDArray[np.integer]
    inputs: NDArray[np.generic]
    labels: NDArray[np.integer]


class Fidelity(Protocol):
    """What the loop needs to know of a rung, whatever the kind of task.

    Attributes:
        steps: what an evaluation spends, in a unit that is the same on every machine: optimiser steps, or questions.
        scored_items: held-out items behind a score.
        wall_seconds: when a box is stopped.
    """

    @property
    def steps(self) -> int:
        """Optimiser steps, or questions."""
        ...

    @property
    def scored_items(self) -> int:
        """Held-out items."""
        ...

    @property
    def wall_seconds(self) -> float:
        """When a box is stopped."""
        ...


@dataclass(frozen=True)
class QuestionRung:
    """One fidelity of a task for agents.

    Attributes:
        questions: behind a score.
        calls: the most that a design may make for one question; each of `n` samples is a call.
        tokens: the most that it may use for one question, prompts and answers together.
        question_seconds: how long a design may take over one question, the time it waits for models not counted.
        wall_seconds: when a box is stopped, models included; generous, for a provider may be down for a while.
        size: the task's own knobs at this rung.
    """

    questions: int
    calls: int = 200
    tokens: int = 20_000
    question_seconds: float = 20.0
    wall_seconds: float = 24 * 3600.0
    size: Mapping[str, int] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Questions: what an evaluation spends."""
        return self.questions

    @property
    def scored_items(self) -> int:
        """Questions."""
        return self.questions


@dataclass(frozen=True)
class Questions:
    """Questions of one split at one rung for one seed.

    Attributes:
        inputs: what a design is asked, one text each.
        labels: of the same items, as texts that only the task reads; these never enter a box.
        salts: of the same items, what the embedded model needs to know the names in them by; empty for tasks that have
            no closed world. These never enter a box either.
    """

    inputs: tuple[str, ...]
    labels: tuple[str, ...]
    salts: tuple[bytes, ...] = ()


@runtime_checkable
class AnyTask(Protocol):
    """What the loop needs to know of a task, whatever it scores; see `Task` and `AgentTask`."""

    name: str
    kind: str
    description: str
    metric: str
    chance: float
    ceiling: float

    @property
    def rungs(self) -> Sequence[Fidelity]:
        """Fidelities, cheapest first; rung 0 is the smoke run."""
        ...

    def data(self, split: str, rung: int, seed: int) -> Any:
        """Make the items of one split."""
        ...

    def grade(self, predictions: Any, labels: Any) -> dict[str, NDArray[np.float64]]:
        """Grade what a design said."""
        ...


@runtime_checkable
class AgentTask(Protocol):
    """Makes questions, keeps their answers, grades what a pipeline answers. Deterministic; holds no state.

    Attributes:
        name: unique; what `--task` takes.
        kind: `"agent"`.
        description: one line: what it asks for and which designs it tells apart.
        answer_form: what an answer must look like, in a sentence to whoever writes a design, e.g. `"One name."`.
        metric: the name, among those `grade` returns, of the one that becomes the score.
        chance: that metric for the trivial baseline; becomes score 0.
        ceiling: the best that metric can honestly be.
        rungs: fidelities, cheapest first; rung 0 is the smoke run.
        world: the closed world that the embedded model answers from; empty for a task that needs none.
    """

    name: str
    kind: str
    description: str
    answer_form: str
    metric: str
    chance: float
    ceiling: float
    rungs: tuple[QuestionRung, ...]
    world: str

    def data(self, split: str, rung: int, seed: int) -> Questions:
        """Make the questions of one split.

        Args:
            split: one of `SPLITS`; no question is in two of them. The engine has already mixed it into `seed`.
            rung: index into `rungs`.
            seed: any non-negative integer below 2**63; equal seeds give equal questions.
        """
        ...

    def grade(self, predictions: Sequence[str], labels: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        """Grade answers.

        Args:
            predictions: what a design answered, an empty text where it failed; hostile until read.
            labels: of the same items, in the same order.

        Returns:
            Every metric by name, one finite value an item: `(items,)`.
        """
        ...


@dataclass(frozen=True)
class Program:
    """Code that a design answered with, and what finds out whether it is right.

    The two run in boxes of their own, so that the code can neither see the tests nor say that it passed. Tests call it
    across the line between them: arguments and results are plain data, and a change that it makes to an argument is not
    seen.

    Attributes:
        candidate: source that defines the function; hostile.
        tests: source that raises unless the function is right. It finds under the name `entry_point` what calls the
            candidate; everything else that it needs it defines or imports itself.
        entry_point: the function's name.
    """

    candidate: str
    tests: str
    entry_point: str


PASSED = "passed"
"""The verdict on a program whose tests ended without raising; any other says why not, e.g. `"failed: timeout"`."""


@runtime_checkable
class CodeTask(AgentTask, Protocol):
    """A task for agents whose answers are programs: the engine runs them, and has the verdicts graded.

    `grade` is given, in place of answers, one verdict an item: `PASSED`, or `failed: ` and a reason.
    """

    def programs(self, predictions: Sequence[str], labels: Sequence[str]) -> tuple[Program | None, ...]:
        """Return what to run for each answer, None where there is no program in it: that is a failed one.

        Args:
            predictions: what a design answered; hostile until read.
            labels: of the same items, in the same order.
        """
        ...


@runtime_checkable
class JudgedTask(AgentTask, Protocol):
    """A task for agents whose answers a model judges: the engine asks it, and has what it says graded.

    `grade` is given, in place of answers, what the judge said of each; an empty text for an answer that was empty, of
    which nobody is asked.
    """

    def judgement_prompt(self, question: str, answer: str, label: str) -> str:
        """Return what the judge is asked. The answer is hostile: it stands fenced in the prompt, and cut to a bound.

        Args:
            question: as the design was asked.
            answer: what it answered, not empty.
            label: of the question.
        """
        ...

    def read_judgement(self, text: str) -> float:
        """Return what the judge said as a number from 0 to 1; whatever is not clearly a judgement is 0."""
        ...


@runtime_checkable
class Task(Protocol):
    """Makes data, keeps labels, grades. Deterministic in its arguments; holds no state.

    Attributes:
        name: unique; what `--task` takes.
        kind: the kind of design it scores, e.g. `"network"`.
        description: one line: what it asks for and which designs it tells apart.
        metric: the name, among those `grade` returns, of the one that becomes the score.
        chance: that metric for the trivial baseline; becomes score 0.
        ceiling: the best that metric can honestly be; a higher one is a fault in the task or a forgery.
        rungs: fidelities, cheapest first; rung 0 is the smoke run.
    """

    name: str
    kind: str
    description: str
    metric: str
    chance: float
    ceiling: float
    rungs: tuple[Rung, ...]

    def spec(self, rung: int) -> Spec:
        """Return what a design is told at this rung."""
        ...

    def data(self, split: str, rung: int, seed: int) -> Data:
        """Make the arrays of one split.

        Args:
            split: one of `SPLITS`. The engine has already mixed it into `seed`.
            rung: index into `rungs`.
            seed: any non-negative integer below 2**63; equal seeds give equal arrays.
        """
        ...

    def grade(
        self, predictions: NDArray[np.float32], labels: NDArray[np.integer]
    ) -> dict[str, NDArray[np.float64]]:
        """Grade raw predictions.

        Args:
            predictions: finite logits, `(items, length, n_outputs)` or `(items, n_outputs)`.
            labels: of the same items, in the same order.

        Returns:
            Every metric by name, one value an item: `(items,)`; NaN for an item on which it is undefined. A metric is
            averaged over the items on which it is defined. One that is undefined for what a design predicted scores
            nothing: such an evaluation is invalid, so the metric that becomes the score is finite for each item of
            an honest design.
        """
        ...


_COUNTS: Mapping[str, tuple[str, ...]] = {
    "arrays": ("steps", "batch_size", "train_items", "scored_items", "max_parameters"),
    "questions": ("questions", "calls", "tokens"),
}
"""Whole numbers that a rung of each form must have."""


def terms_fault(task: AnyTask) -> str:
    """Return what makes no sense of what a task says of itself, or an empty string."""
    if (
        not isinstance(task.name, str)
        or not task.name.strip()
        or not task.name.isprintable()
        or "," in task.name
    ):
        return f"its name is {task.name!r}, expected some printable characters and no comma"
    for name in ("chance", "ceiling"):
        value = getattr(task, name)
        if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
            return f"its {name} is {value!r}, expected a finite number"
    if task.chance == task.ceiling:
        return (
            f"its chance and its ceiling are both {task.chance:g}, so that no score can be told from another"
        )
    for number, rung in enumerate(task.rungs):
        for name in _COUNTS["questions" if isinstance(rung, QuestionRung) else "arrays"]:
            value = getattr(rung, name)
            least = FEWEST_SCORED_ITEMS if name in ("scored_items", "questions") else 1
            if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
                return f"rung {number} has {name}={value!r}, expected a whole number of {least} or more"
        if not isinstance(rung.wall_seconds, Real) or not 0 < rung.wall_seconds < math.inf:
            return f"rung {number} has wall_seconds={rung.wall_seconds!r}, expected a finite number above 0"
    return ""


def check_rung(task: AnyTask, rung: int) -> None:
    """Make sure that a task has a rung.

    Raises:
        UsageError: it has not.
    """
    if not 0 <= rung < len(task.rungs):
        raise UsageError(f"the task {task.name!r} has rungs 0 to {len(task.rungs) - 1}, and no rung {rung}")


@contextlib.contextmanager
def blamed_on(task: AnyTask) -> Iterator[None]:
    """Turn whatever a task's code raises into an error that names the task.

    Raises:
        TaskFailed: the block raised.
    """
    try:
        yield
    except (Exception, SystemExit) as error:  # a task that leaves is not to take the engine with it
        raise TaskFailed(f"the task {task.name!r} raised {type(error).__name__}: {error}") from error
