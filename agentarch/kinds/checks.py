"""Whether a task tells the truth, found out without a box: its arrays, its labels and its grading against what it says.

Checks come cheapest first, and the first that fails is the last, for later ones rest on it. They find what a task's
author did by mistake or to deceive; whether designs that must not score do not is for `agentarch.kinds.audits`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations
from typing import get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray

from agentarch.kinds.audits import MOST_REPEATED, NEAR_CHANCE, Audit, in_turn, repeated_share
from agentarch.kinds.lookups import lookups
from agentarch.kinds.network import grading_fault
from agentarch.scoring import score_items
from agentarch.task import IGNORED_LABEL, SPLITS, Data, Spec, Task, terms_fault

MOST_READABLE = 0.9
"""How far from guessing the commonest label to knowing it a look at one place of an input may lead."""

FEWEST_REACHED = 0.99
"""What the labels themselves must score."""

SURE = 50.0
"""A logit that leaves no doubt."""

_DIMENSIONS = {"tokens": 1, "series": 2, "image": 3, "table": 1}
_ARRAYS = ("train_inputs", "train_labels", "inputs", "labels")


def check_task(
    task: Task, seed: int = 0, begins: Callable[[str], None] = lambda name: None
) -> Iterator[Audit]:
    """Check a task of networks, one finding after the other; ends after the first that does not hold.

    Args:
        task: to be checked. Whatever its code raises is a finding.
        seed: of its data.
        begins: called with the name of each check before it begins, for a task's code may take long.
    """
    made = _Made(task, seed)
    checks: tuple[tuple[str, str, Callable[[Task, _Made], str]], ...] = (
        ("what it says of itself makes sense", "finite numbers, and rungs that train something", _terms),
        ("specs say what arrays there are", "a shape for its kind of input, and classes", _specs),
        ("arrays are as the spec says", "shapes, types and values of the spec, on every rung", _arrays),
        (
            "arrays follow from the seed",
            "the same arrays for the same seed, and others for another",
            _follows,
        ),
        ("scored items are not those of training", f"{MOST_REPEATED:.0%} at most", _repeats),
        ("labels are not to be read off the inputs", "labels that no single place tells", _readable),
        ("grading is as the contract says", "one value an item, for whatever is predicted", _grades),
        ("chance and ceiling are what grading gives", "0 for knowing frequencies, 1 for the labels", _ends),
    )
    return in_turn(((name, expected, partial(find, task, made)) for name, expected, find in checks), begins)


class _Made:
    """The data of one seed, made once a rung."""

    def __init__(self, task: Task, seed: int) -> None:
        self.task, self.seed = task, seed
        self._kept: dict[tuple[int, str, int], Data] = {}

    def data(self, rung: int, split: str = "search", later: int = 0) -> Data:
        """Return the data of a seed so many later than the one that is checked."""
        key = rung, split, later
        if key not in self._kept:
            self._kept[key] = self.fresh(*key)
        return self._kept[key]

    def fresh(self, rung: int, split: str = "search", later: int = 0) -> Data:
        return self.task.data(split, rung, self.seed + later)


def _terms(task: Task, made: _Made) -> str:
    return terms_fault(task)


def _specs(task: Task, made: _Made) -> str:
    hints = get_type_hints(Spec)
    for number in range(len(task.rungs)):
        spec = task.spec(number)
        where = f"the spec of rung {number}"
        for name in ("kind", "output"):
            if getattr(spec, name) not in get_args(hints[name]):
                known = ", ".join(get_args(hints[name]))
                return f"{where} has {name}={getattr(spec, name)!r}, expected one of {known}"
        sizes = _DIMENSIONS[spec.kind]
        if len(spec.input_shape) != sizes or min(spec.input_shape) < 1:
            return f"{where} has input_shape={spec.input_shape}, expected {sizes} sizes for {spec.kind}"
        if (spec.kind == "tokens") != (spec.vocab_size is not None):
            return (
                f"{where} has vocab_size={spec.vocab_size} for {spec.kind}; tokens have one, and nothing else"
            )
        if spec.n_outputs < 2:
            return f"{where} has n_outputs={spec.n_outputs}, expected two classes or more"
        if spec.max_parameters != task.rungs[number].max_parameters:
            return f"{where} allows {spec.max_parameters} parameters, and the rung {task.rungs[number].max_parameters}"
        if task.rungs[number].in_order and task.rungs[number].train_items < task.rungs[number].batch_size:
            return f"rung {number} takes {task.rungs[number].train_items} items in order, fewer than fill a batch"
    return ""


def _arrays(task: Task, made: _Made) -> str:
    wanted = [(number, "search") for number in range(len(task.rungs))]
    for number, split in wanted + [(1, split) for split in SPLITS if split != "search"]:
        try:
            data = made.data(number, split)
        except (Exception, SystemExit) as error:
            return f"rung {number}, split {split!r}: it raised {type(error).__name__}: {error}"
        rung, spec = task.rungs[number], task.spec(number)
        for prefix, items in (("train_", rung.train_items), ("", rung.scored_items)):
            inputs, labels = getattr(data, f"{prefix}inputs"), getattr(data, f"{prefix}labels")
            fault = _array_fault(inputs, labels, items, spec, is_scored=not prefix)
            if fault:
                return f"rung {number}, split {split!r}: {prefix}{fault}"
    return ""


def _array_fault(
    inputs: NDArray[np.generic], labels: NDArray[np.integer], items: int, spec: Spec, is_scored: bool
) -> str:
    """Return what is wrong with inputs and labels that belong together, or an empty string."""
    if not isinstance(inputs, np.ndarray) or not isinstance(labels, np.ndarray):
        return f"inputs and labels are {type(inputs).__name__} and {type(labels).__name__}, expected numpy arrays"
    if len(inputs) != len(labels):
        return f"inputs are {len(inputs)} and labels {len(labels)}, expected as many of both"
    if len(inputs) != items:
        return f"inputs are {len(inputs)}, and the rung says {items}"
    given, wanted = inputs.shape[1:], spec.input_shape
    may_be_shorter = not is_scored and spec.kind in ("tokens", "series")
    if given != wanted and not (
        may_be_shorter and len(given) == len(wanted) and given[0] <= wanted[0] and given[1:] == wanted[1:]
    ):
        return f"inputs have shape {given} each, and the spec says {wanted}"
    expected = inputs.shape[:2] if spec.output == "per_position" else inputs.shape[:1]
    if labels.shape != expected:
        return f"labels have shape {labels.shape}, expected {expected} for output {spec.output!r}"
    if not np.issubdtype(labels.dtype, np.integer):
        return f"labels are {labels.dtype}, expected integers"
    if spec.kind == "tokens":
        if not np.issubdtype(inputs.dtype, np.integer):
            return f"inputs are {inputs.dtype}, expected integers for tokens"
        if inputs.min() < 0 or inputs.max() >= (spec.vocab_size or 0):
            return f"inputs range from {inputs.min()} to {inputs.max()}, expected 0 to {(spec.vocab_size or 0) - 1}"
    elif inputs.dtype != np.float32:
        return f"inputs are {inputs.dtype}, expected float32 for {spec.kind}"
    elif not np.isfinite(inputs).all():
        return f"inputs have {np.count_nonzero(~np.isfinite(inputs))} values that are NaN or infinite"
    told = labels != IGNORED_LABEL
    if is_scored and not told.reshape(len(labels), -1).any(axis=1).all():
        return "labels are lacking for whole items, expected at least one each"
    if not told.any():
        return f"labels are all {IGNORED_LABEL}, so that there is nothing to learn"
    found = np.unique(labels[told])
    if found[0] < 0 or found[-1] >= spec.n_outputs:
        return f"labels range from {found[0]} to {found[-1]}, expected 0 to {spec.n_outputs - 1}"
    if len(found) < 2:
        return f"labels are all {found[0]}, so that there is nothing to tell apart"
    return ""


def _follows(task: Task, made: _Made) -> str:
    seed, first, again = made.seed, made.data(1), made.fresh(1)
    for name in _ARRAYS:
        if not np.array_equal(getattr(first, name), getattr(again, name)):
            return f"the same seed gave other {name} the second time"
    for split in SPLITS:
        for one, other in combinations(range(3), 2):  # a task may know but two data sets
            here, there = made.data(1, split, one), made.data(1, split, other)
            seeds = f"split {split!r}, seeds {seed + one} and {seed + other}"
            if np.array_equal(here.inputs, there.inputs):
                return f"{seeds} gave the same scored inputs, so that a design can be fitted to them"
            if np.array_equal(here.labels, there.labels):
                return f"{seeds} gave the same scored labels, so that they do not follow from the inputs"
            equal = (here.inputs == there.inputs).reshape(len(here.inputs), -1).all(axis=1).mean()
            if equal > MOST_REPEATED:
                return f"{seeds} gave {equal:.1%} of the scored inputs alike, so that a design can be fitted to them"
    return ""


def _repeats(task: Task, made: _Made) -> str:
    share = repeated_share(made.data(len(task.rungs) - 1))
    return f"{share:.1%} of the scored items are among the training items" if share > MOST_REPEATED else ""


def _readable(task: Task, made: _Made) -> str:
    for number in range(1, len(task.rungs)):
        data, spec = made.data(number), task.spec(number)
        found, place = max(lookups(data, spec), default=(0.0, ""))
        if found > MOST_READABLE:
            return (
                f"rung {number}: {place} alone leads {found:.0%} of the way from guessing to the label; "
                "labels must follow from more than one place of an input"
            )
    return ""


def _grades(task: Task, made: _Made) -> str:
    data, spec = made.data(1), task.spec(1)
    shape = (*data.labels.shape, spec.n_outputs)
    rng = np.random.default_rng(made.seed)
    given = {
        "the labels themselves": _sure_of(data.labels, spec),
        "nothing but zeros": np.zeros(shape, np.float32),
        "chance": rng.normal(0, 1, shape).astype(np.float32),
        "one class for everything": _sure_of(np.zeros_like(data.labels), spec),
    }
    for what, predictions in given.items():
        graded = task.grade(predictions, data.labels)
        if not isinstance(graded, dict):
            return f"grade returned {type(graded).__name__}, expected a dictionary of metrics"
        fault = grading_fault(graded, task.metric, len(data.labels))
        if fault:
            return f"for {what}, {fault}"
        if what in ("the labels themselves", "chance") and np.isnan(graded[task.metric]).any():
            return f"for {what}, its {task.metric} is NaN, although nothing is undefined about it"
    return ""


def _ends(task: Task, made: _Made) -> str:
    data, spec = made.data(1), task.spec(1)
    mean = partial(_mean_metric, task, data.labels)
    best = mean(_sure_of(data.labels, spec))
    plain = mean(_frequencies(data, spec))
    if (best - plain) * (task.ceiling - task.chance) <= 0:
        way = "above" if task.chance > task.ceiling else "below"
        return (
            f"its chance of {task.chance:.4g} lies {way} its ceiling of {task.ceiling:.4g}, but the labels themselves "
            f"have a {task.metric} of {best:.4g} and knowing only how frequent they are one of {plain:.4g}"
        )
    reached = (best - task.chance) / (task.ceiling - task.chance)
    if reached > 2 - FEWEST_REACHED:
        return (
            f"the labels themselves score {reached:.3f}: they are beyond the ceiling of {task.ceiling:.4g}, so that "
            "honest designs would be quarantined"
        )
    if reached < FEWEST_REACHED:
        return (
            f"the labels themselves score {reached:.3f}: the ceiling of {task.ceiling:.4g} cannot be reached"
        )
    score = score_items(
        task.grade(_frequencies(data, spec), data.labels)[task.metric], task.chance, task.ceiling
    )
    # One draw of the data: its interval must come near 0. Audits train on several, and hold the score itself to it.
    if score.low > NEAR_CHANCE or score.high < -NEAR_CHANCE:
        return (
            f"knowing only how frequent labels are scores {score}: "
            f"the chance of {task.chance:.4g} is not that of the trivial baseline, {plain:.4g}"
        )
    return ""


def _mean_metric(task: Task, labels: NDArray[np.integer], predictions: NDArray[np.float32]) -> float:
    return float(np.nanmean(task.grade(predictions, labels)[task.metric]))


def _sure_of(classes: NDArray[np.integer], spec: Spec) -> NDArray[np.float32]:
    logits = np.eye(spec.n_outputs, dtype=np.float32)[np.maximum(classes, 0)]
    return np.asarray(SURE * logits, np.float32)


def _frequencies(data: Data, spec: Spec) -> NDArray[np.float32]:
    """Return logits for every item that say how frequent each label is among the training items."""
    told = data.train_labels[data.train_labels != IGNORED_LABEL]
    counts = np.bincount(told, minlength=spec.n_outputs) + 0.5
    logits = np.log(counts / counts.sum()).astype(np.float32)
    return np.broadcast_to(logits, (*data.labels.shape, spec.n_outputs)).copy()
