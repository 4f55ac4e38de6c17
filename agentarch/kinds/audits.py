"""Whether a task can be trusted to tell designs apart: designs that must not score are run on it, and must not score.

Each audit trains real designs in real boxes. A task whose chance is wrong, whose inputs give the labels away, or whose
items repeat, fails here and not in somebody's results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from agentarch.design import Proposal, read_design
from agentarch.errors import UsageError
from agentarch.evaluation import Evaluation, Outcome, Request, Score
from agentarch.execution.contract import Executor
from agentarch.kinds.network import CONTRACT, NetworkKind
from agentarch.scoring import mean_score
from agentarch.scoring.evidence import t_quantile
from agentarch.task import Data, Spec, Task

NEAR_CHANCE = 0.05
"""How far from 0 a score may be that chance gave."""

MOST_SEEDS = 16
"""So often a design that must be at chance is trained at most, to know its score well enough."""

FEWEST_SEEDS = 4
"""From so many on, the spread between seeds counts beside that of items: what noise teaches is at chance on average."""

MOST_REPEATED = 0.5
"""Share of scored items that may be among the training items; a task of few possible items has some."""

_READ_OUT = """
class Network(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.spec = spec
        self.bias = nn.Parameter(torch.zeros(spec.n_outputs), requires_grad={trained})

    def forward(self, x):
        shape = x.shape[:2] if self.spec.output == "per_position" else x.shape[:1]
        return self.bias.expand(*shape, -1){more}


def build(spec):
    return Network(spec)
"""
_HEADER = "import torch\nfrom torch import nn\nfrom torch.nn.functional import one_hot\n"
CONSTANT = _HEADER + _READ_OUT.format(trained=False, more="")
"""A network without parameters whose output never changes."""

BIAS = _HEADER + _READ_OUT.format(trained=True, more="")
"""A network that learns how frequent each label is, and nothing else."""

PEEKING = _HEADER + _READ_OUT.format(
    trained=True,
    more=" + (one_hot(x.roll(-1, 1) % self.spec.n_outputs, self.spec.n_outputs) if not x.is_floating_point()\n"
    "            else x.flatten(2).sum(-1, keepdim=True).roll(-1, 1) * torch.arange(1.0, self.spec.n_outputs + 1))",
)
"""A network whose output looks at the position after its own."""

LEAKING = _HEADER + _READ_OUT.format(
    trained=True, more=" + x.float().mean() * torch.arange(1.0, self.spec.n_outputs + 1)"
)
"""A network whose output depends on the whole batch."""


@dataclass(frozen=True)
class Audit:
    """One thing that must hold of a task.

    Attributes:
        name: what was looked at.
        holds: whether it does.
        found: what was seen.
        expected: what must be seen.
    """

    name: str
    holds: bool
    found: str
    expected: str


Check = tuple[str, str, Callable[[], str]]
"""What is looked at, what must be seen, and what returns the fault that it found; an empty text for none."""


def in_turn(checks: Iterable[Check], begins: Callable[[str], None]) -> Iterator[Audit]:
    """Yield what checks find, one after the other, until one does not hold.

    Args:
        checks: whatever one raises is its finding.
        begins: called with the name of each before it begins.
    """
    for name, expected, find in checks:
        begins(name)
        try:
            fault = find()
        except UsageError as error:  # e.g. its file is not there
            fault = str(error)
        except (Exception, SystemExit) as error:  # a task is somebody's code
            fault = f"it raised {type(error).__name__}: {error}"
        yield Audit(name, not fault, fault or "so it is", expected)
        if fault:
            return


class MadeOnce:
    """A task that makes the arrays of a seed once, however many designs are trained on them.

    Args:
        task: the real one.
    """

    def __init__(self, task: Task) -> None:
        self.name, self.kind, self.description = task.name, task.kind, task.description
        self.metric, self.chance, self.ceiling, self.rungs = (
            task.metric,
            task.chance,
            task.ceiling,
            task.rungs,
        )
        self._task, self._make = task, cache(task.data)

    def spec(self, rung: int) -> Spec:
        """Return what the real task tells a design."""
        return self._task.spec(rung)

    def data(self, split: str, rung: int, seed: int) -> Data:
        """Return the real arrays."""
        return self._make(split, rung, seed)

    def grade(
        self, predictions: NDArray[np.float32], labels: NDArray[np.integer]
    ) -> dict[str, NDArray[np.float64]]:
        """Grade as the real task does."""
        return self._task.grade(predictions, labels)


class ShuffledLabels(MadeOnce):
    """A task whose training labels belong to other items; what it scores on is as it was."""

    def data(self, split: str, rung: int, seed: int) -> Data:
        """Return the real arrays with the training labels in another order."""
        data = super().data(split, rung, seed)
        order = np.random.default_rng(seed).permutation(len(data.train_labels))
        return replace(data, train_labels=data.train_labels[order])


def audit_task(task: Task, learner: str, executor: Executor, rung: int = 1, seed: int = 0) -> Iterator[Audit]:
    """Audit a task of networks, one finding after the other.

    Args:
        task: to be audited.
        learner: the source of a design that learns something at that rung.
        executor: started.
        rung: at which designs are trained.
        seed: of data and designs.

    Raises:
        agentarch.task.TaskFailed: the task's own code raised.
        agentarch.execution.ExecutionStopped: the executor was closed meanwhile.
    """
    yield _data_repeats(task, rung, seed)
    yield _items_are_new(task, rung, seed)
    yield from audit_in_boxes(task, learner, executor, rung, seed)


def audit_in_boxes(
    task: Task, learner: str, executor: Executor, rung: int = 1, seed: int = 0
) -> Iterator[Audit]:
    """Audit what only training can show; arguments and what is raised are those of `audit_task`."""
    task = MadeOnce(task)

    def scored(source: str, on: Task = task, another: int = 0) -> Evaluation:
        design = read_design(Proposal(source, "audit"), CONTRACT)
        request = Request(design.id, on.name, rung, seed + another)
        # A kind of its own: it keeps data by the task's name, and two tasks of one name must not mix.
        return NetworkKind("audit").evaluate(design, on, request, executor)

    # A design that has learnt next to nothing can be arbitrarily worse than the trivial baseline where less is better.
    lowest = -np.inf if task.ceiling < task.chance else -NEAR_CHANCE
    shuffled = ShuffledLabels(task)
    yield _at_chance("a constant output is at chance", partial(scored, CONSTANT, task), lowest)
    yield _at_chance("the frequency of labels alone is at chance", partial(scored, BIAS, task), lowest)
    yield _at_chance(
        "training on shuffled labels is at chance", partial(scored, learner, shuffled), -NEAR_CHANCE
    )
    spec = task.spec(rung)
    if spec.causal and spec.output == "per_position":
        yield _refused("a design that looks ahead is refused", scored(PEEKING), "later input")
    yield _refused("a design that looks at its batch is refused", scored(LEAKING), "another batch")


def _at_chance(name: str, scored: Callable[[int], Evaluation], lowest: float) -> Audit:
    """Judge a score by its mean over seeds, of which there are more as long as its interval leaves it open."""
    expected = f"a score within {NEAR_CHANCE} of 0" + (" or below" if np.isinf(lowest) else "")
    found: list[Score] = []
    while len(found) < MOST_SEEDS:
        evaluation = scored(len(found))
        if evaluation.score is None:
            return Audit(name, False, f"{evaluation.outcome.value}: {evaluation.reason}", expected)
        found.append(evaluation.score)
        mean = _over_seeds(found)
        below, above = mean.value - mean.low, mean.high - mean.value
        is_inside = lowest <= mean.low and mean.high <= NEAR_CHANCE
        # Looking often finds something sooner or later: what is to be outside must be so by twice its interval.
        is_outside = mean.value - 2 * below > NEAR_CHANCE or mean.value + 2 * above < lowest
        if is_inside or (is_outside and len(found) >= FEWEST_SEEDS):
            break
    seeds = f" over {len(found)} seeds" if len(found) > 1 else ""
    return Audit(name, lowest <= mean.value <= NEAR_CHANCE, f"scored {mean}{seeds}", expected)


def _over_seeds(found: list[Score]) -> Score:
    """Return the mean over training seeds, with an interval that covers items and, where it can, seeds."""
    mean = mean_score(found)
    if len(found) < FEWEST_SEEDS:
        return mean
    error = float(np.std([score.value for score in found], ddof=1)) / np.sqrt(len(found))
    half = t_quantile(0.975, len(found) - 1) * error
    return replace(mean, low=min(mean.low, mean.value - half), high=max(mean.high, mean.value + half))


def _refused(name: str, evaluation: Evaluation, words: str) -> Audit:
    holds = evaluation.outcome is Outcome.INVALID and words in evaluation.reason
    found = (
        f"scored {evaluation.score}"
        if evaluation.score
        else f"{evaluation.outcome.value}: {evaluation.reason}"
    )
    return Audit(name, holds, found, "invalid, with the reason")


def _data_repeats(task: Task, rung: int, seed: int) -> Audit:
    def arrays(split: str, number: int) -> tuple[NDArray[np.generic], ...]:
        data = task.data(split, rung, number)
        return data.train_inputs, data.train_labels, data.inputs, data.labels

    def equal(one: tuple[NDArray[np.generic], ...], other: tuple[NDArray[np.generic], ...]) -> bool:
        return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))

    again = equal(arrays("search", seed), arrays("search", seed))
    others = not equal(arrays("search", seed), arrays("search", seed + 1))
    same, another = "the same" if again else "other", "others" if others else "the same"
    found = f"the same seed gives {same} arrays, another {another}"
    return Audit("arrays follow from the seed", again and others, found, "the same arrays, and others")


def repeated_share(data: Data) -> float:
    """Return the share of scored items that are among the training items."""
    known = {item.tobytes() for item in np.ascontiguousarray(data.train_inputs)}
    return float(np.mean([item.tobytes() in known for item in np.ascontiguousarray(data.inputs)]))


def _items_are_new(task: Task, rung: int, seed: int) -> Audit:
    share = repeated_share(task.data("search", rung, seed))
    return Audit(
        "scored items are not those of training",
        share <= MOST_REPEATED,
        f"{share:.1%} of the scored items are among the training items",
        f"{MOST_REPEATED:.0%} at most",
    )
