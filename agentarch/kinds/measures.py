"""What is measured of a network beside its score: cheap, stored with it, and never used to rank.

From outside: calibration, robustness to noise, length extrapolation and latency. In the box, and so the design's own
word: the operations of a forward pass, and zero-cost scores of the untrained network. A measure is a finite number or
it is not there. The questions are asked in a box of their own, after all others: what a design makes of them cannot
change its score, and one that fails on them keeps it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agentarch.execution.contract import Question, Reply, Survey, Surveyed
from agentarch.kinds.probes import IMAGE_DIMENSIONS
from agentarch.scoring import score_items
from agentarch.task import IGNORED_LABEL, Data, Spec, Task

FIRST_MEASURED_RUNG = 1
"""A smoke run is for finding what is broken, and not long enough to carry a survey."""

ZERO_COST_RUNG = 1
"""The one rung at which zero-cost scores are taken: they are of the untrained network, which no other rung changes."""

BATCH, NOISED_ITEMS, LONGER_ITEMS = 32, 256, 128
TOKENS_REPLACED = 0.03
NOISE_DEVIATIONS = 0.1
LEAST_CLEAN_SCORE = 0.1
"""A design that scores less has nothing that noise could take."""

FEWEST_CALLS = 3
CALIBRATION_BINS = 15
CLAIMED = (
    "flops_per_item",
    "zero_cost_gradient_norm",
    "zero_cost_jacobian_covariance",
    "zero_cost_synflow",
)
"""What is the box's word."""


@dataclass(frozen=True)
class Extras:
    """What every design is asked besides for one task, split, rung and seed.

    Attributes:
        rows: the scored item that each noised input is made from, `(NOISED_ITEMS,)`; an item may come again.
        noised: `(NOISED_ITEMS, ...)`.
        longer: `(items, longer, ...)`; None where the task's inputs have one size.
        longer_labels: of these; they stay here.
        examined: arrays on which untrained networks are measured.
    """

    rows: NDArray[np.intp]
    noised: NDArray[np.generic]
    longer: NDArray[np.generic] | None
    longer_labels: NDArray[np.integer] | None
    examined: Mapping[str, NDArray[np.generic]]


def make_extras(
    task: Task, data: Data, split: str, rung: int, seed: int, rng: np.random.Generator
) -> Extras | None:
    """Make what designs are asked besides; None at a rung at which nothing is.

    Args:
        task: that designs are scored on.
        data: what they are scored on.
        split: of the data.
        rung: of the task.
        seed: of the longer items: not that of any scored ones, so that none is seen before its time.
        rng: makes noise.
    """
    if rung < FIRST_MEASURED_RUNG:
        return None
    spec, rows = task.spec(rung), np.arange(NOISED_ITEMS) % len(data.inputs)
    noised = _noised(data.inputs, rows, spec, rng)
    examined = {"inputs": noised[:BATCH]}
    if rung == ZERO_COST_RUNG:
        examined |= {"train_inputs": data.train_inputs[:BATCH], "train_labels": data.train_labels[:BATCH]}
    longer = _longer(task, split, rung, seed)
    if longer is None:
        return Extras(rows, noised, None, None, examined)
    return Extras(rows, noised, longer.inputs[:LONGER_ITEMS], longer.labels[:LONGER_ITEMS], examined)


def survey_of(extras: Extras, spec: Spec) -> Survey:
    """Return the questions: the noised inputs in batches of one size, then the longer ones."""
    inputs = [extras.noised] if extras.longer is None else [extras.noised, extras.longer]
    return Survey(tuple(one for some in inputs for one in _questions(some, spec)), extras.examined)


def measured(
    task: Task, data: Data, answers: NDArray[np.float32], extras: Extras, surveyed: Surveyed
) -> dict[str, float]:
    """Return every measure that is defined, by name.

    - `calibration_error`: in probability; see there.
    - `latency_seconds`: for one item, in batches of `BATCH` on one thread, the median over calls. Timed from outside,
      for a design can set the clock that it sees; so the way to the box and back is in it, and a busy machine adds.
    - `noise_robustness`: the score on noised inputs, with the labels of the clean ones, as a share of the score on
      these. Where a label hangs on every token, as in parity, a design that is exact loses most.
    - `length_extrapolation`: the score on inputs as long as at the next rung.
    - `flops_per_item` and the `zero_cost_` scores: see `sandbox/zero_cost.py`; the box's word.

    Args:
        task: that graded the answers.
        data: what was asked.
        answers: logits for `data.inputs`, `(items, length, outputs)` or `(items, outputs)`.
        extras: what was asked besides.
        surveyed: what came of that.
    """
    calls = math.ceil(len(extras.noised) / BATCH)
    noised, longer = surveyed.replies[:calls], surveyed.replies[calls:]
    found: dict[str, float | None] = {
        "calibration_error": calibration_error(answers, data.labels),
        "latency_seconds": _latency(noised),
        "noise_robustness": _robustness(task, data, answers, extras, _values(noised)),
    }
    if extras.longer_labels is not None and (replies := _values(longer)) is not None:
        found["length_extrapolation"] = _score(task, replies, extras.longer_labels)
    found |= {name: surveyed.claims.get(name) for name in CLAIMED}
    return {name: float(value) for name, value in found.items() if value is not None and math.isfinite(value)}


def calibration_error(predictions: NDArray[np.float32], labels: NDArray[np.integer]) -> float | None:
    """Return by how much a network's confidence is off on average, 0 to 1; None where labels are not classes.

    The expected calibration error with 15 bins of equal width: Guo et al., "On Calibration of Modern Neural Networks",
    2017.

    Args:
        predictions: logits, `(items, length, classes)` or `(items, classes)`.
        labels: `(items, length)` or `(items,)`; positions with `IGNORED_LABEL` do not count.
    """
    if predictions.shape[:-1] != labels.shape:
        return None
    chosen = labels != IGNORED_LABEL
    logits, wanted = predictions[chosen].astype(np.float64), labels[chosen]
    if not len(wanted) or wanted.min() < 0 or wanted.max() >= logits.shape[-1]:
        return None
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    confidence = shares.max(axis=-1) / shares.sum(axis=-1)
    hits = logits.argmax(axis=-1) == wanted
    bins = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    off = np.bincount(bins, weights=confidence - hits, minlength=CALIBRATION_BINS)
    return float(np.abs(off).sum() / len(wanted))


def _noised(
    inputs: NDArray[np.generic], rows: NDArray[np.intp], spec: Spec, rng: np.random.Generator
) -> NDArray[np.generic]:
    """Return copies of some inputs with a few tokens replaced by random ones, or with a little Gaussian noise."""
    copies = inputs[rows]
    if spec.vocab_size is not None:
        chosen = rng.random(copies.shape) < TOKENS_REPLACED
        copies[chosen] = rng.integers(0, spec.vocab_size, np.count_nonzero(chosen))
        return copies
    channel = 1 if inputs.ndim == IMAGE_DIMENSIONS else inputs.ndim - 1
    others = tuple(axis for axis in range(inputs.ndim) if axis != channel)
    deviation = inputs.astype(np.float64).std(axis=others, keepdims=True)
    noised = copies + NOISE_DEVIATIONS * deviation * rng.standard_normal(copies.shape)
    result: NDArray[np.generic] = noised.astype(inputs.dtype)
    return result


def _longer(task: Task, split: str, rung: int, seed: int) -> Data | None:
    """Return the next rung's data where it differs for a design in nothing but the length, else None."""
    if rung + 1 >= len(task.rungs):
        return None
    here, there = task.spec(rung), task.spec(rung + 1)
    if here.kind not in ("tokens", "series") or there.input_shape[0] <= here.input_shape[0]:
        return None
    same = replace(
        there,
        input_shape=(here.input_shape[0], *there.input_shape[1:]),
        max_parameters=here.max_parameters,
    )
    return task.data(split, rung + 1, seed) if same == here else None


def _questions(inputs: NDArray[np.generic], spec: Spec) -> Iterator[Question]:
    for start in range(0, len(inputs), BATCH):
        batch = inputs[start : start + BATCH]
        leading = batch.shape[:2] if spec.output == "per_position" else batch.shape[:1]
        yield Question(batch, (*leading, spec.n_outputs))


def _values(replies: Sequence[Reply | None]) -> NDArray[np.float32] | None:
    """Return all answers, None when one is missing."""
    answered = [reply.values for reply in replies if reply is not None]
    return np.concatenate(answered) if answered and len(answered) == len(replies) else None


def _latency(replies: Sequence[Reply | None]) -> float | None:
    seconds = [reply.seconds / BATCH for reply in replies if reply is not None]
    return float(np.median(seconds)) if len(seconds) >= FEWEST_CALLS else None


def _robustness(
    task: Task,
    data: Data,
    answers: NDArray[np.float32],
    extras: Extras,
    noised: NDArray[np.float32] | None,
) -> float | None:
    if noised is None:
        return None
    labels = data.labels[extras.rows]
    clean, under_noise = _score(task, answers[extras.rows], labels), _score(task, noised, labels)
    if clean is None or under_noise is None or clean < LEAST_CLEAN_SCORE:
        return None
    return under_noise / clean


def _score(task: Task, predictions: NDArray[np.float32], labels: NDArray[np.integer]) -> float | None:
    """Return the score; None where the task cannot grade these, which is no reason to lose the real one."""
    try:
        return score_items(task.grade(predictions, labels)[task.metric], task.chance, task.ceiling).value
    except Exception:  # a task's code may raise anything on inputs that it did not make
        return None
