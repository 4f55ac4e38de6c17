"""Everything that is particular to network designs: their contract, recipe, probes and axes.

Turns a task's arrays into a job for a box, and the box's raw predictions into a graded evaluation. Labels of
scored items stay here.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from agentarch.design import Contract, Design
from agentarch.evaluation import QUARANTINED, Evaluation, Outcome, Request
from agentarch.execution.contract import Executor, Job, Limits, Program, Question, Result
from agentarch.kinds.controls import Controls, network_controls
from agentarch.kinds.honesty import leaks, peeks
from agentarch.kinds.measures import Extras, make_extras, measured, survey_of
from agentarch.kinds.probes import Probes, make_probes, mixing_descriptors, two_sides
from agentarch.kinds.shelf import Shelf
from agentarch.qd.axes import Axis
from agentarch.scoring import score_items
from agentarch.seeding import derive_seed
from agentarch.task import AnyTask, Data, Spec, Task, blamed_on, terms_fault

CONTRACT = Contract(
    kind="network",
    function="build",
    arguments=1,
    is_async=False,
    allowed_imports=frozenset(
        {"__future__", "collections", "dataclasses", "functools", "itertools", "math", "torch", "typing"}
    ),
)

AXES: tuple[Axis, ...] = (
    Axis("parameters", 10_000, 320_000, bins=5, log=True),
    Axis("mixing_range", 0.3, 0.9, bins=6),
    Axis("content_dependence", 0.0, 0.4, bins=5),
)

SMALLEST_BATCH, LARGEST_BATCH, FEWEST_BATCHES = 16, 96, 4
BYTES_A_VALUE = 4
CACHED_DATA_SETS = 16
BEHAVIOUR_DIGITS = 3
GRADED_DIGITS = 4
"""So much of a mean metric goes into a fingerprint; the rest may differ from one processor to the next."""

ROUNDING = 1e-9
REPORTED = ("losses", "recipe", "stopped_at_step")
"""The box's claims that are kept."""


@dataclass(frozen=True)
class Recipe:
    """How every network is trained: AdamW with linear warm-up and linear decay.

    Frozen, so that designs are compared and not recipes.

    Attributes:
        learning_rate: at the peak.
        weight_decay: decoupled.
        betas: of AdamW.
        clip_norm: gradients are scaled down to this norm.
        warmup_share: of the steps.
    """

    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.98)
    clip_norm: float = 1.0
    warmup_share: float = 0.1


FROZEN_RECIPE = Recipe()


@dataclass(frozen=True)
class _Materials:
    """What every design is given for one task, split, rung and seed."""

    data: Data
    probes: Probes
    extras: Extras | None


class NetworkKind:
    """Networks, trained from scratch on small tasks; see `agentarch.kinds.Kind`.

    Args:
        secret: the run's secret, from which the seeds of data, models and order are derived.
        memory_bytes: limit on a box's resident memory.
        recipe: the frozen training recipe.
    """

    name = "network"
    program: Program = "network"
    contract = CONTRACT
    axes = AXES

    def __init__(
        self, secret: str, memory_bytes: int = Limits.memory_bytes, recipe: Recipe = FROZEN_RECIPE
    ) -> None:
        self._secret = secret
        self._memory_bytes = memory_bytes
        self._recipe = recipe
        self._materials: Shelf[_Materials] = Shelf(CACHED_DATA_SETS)

    def limits(self, tasks: Sequence[AnyTask]) -> dict[str, float]:
        """Return the smallest cap on parameters; see `agentarch.kinds.Kind.limits`."""
        return {"parameters": min(rung.max_parameters for task in tasks for rung in cast("Task", task).rungs)}

    def controls(self, tasks: Sequence[AnyTask]) -> Controls:
        """Return a baseline of equal size with a tuned learning rate; see `agentarch.kinds.Kind.controls`."""
        return network_controls(CONTRACT, self.limits(tasks)["parameters"])

    def fingerprint(self, task: AnyTask, rung: int) -> str:
        """Hash the spec, the recipe, the arrays of a fixed seed, and how drawn logits are graded; see `Kind`."""
        task = cast("Task", task)
        with blamed_on(task):
            _check_terms(task)
            level, spec, data = task.rungs[rung], task.spec(rung), task.data("search", rung, 0)
            drawn = np.random.default_rng(0).normal(0, 1, (*data.labels.shape, spec.n_outputs))
            graded = task.grade(drawn.astype(np.float32), data.labels)
        terms = f"{spec} {level} {self._recipe} {task.metric} {task.chance:.6f} {task.ceiling}"
        means = {name: round(float(np.nanmean(graded[name])), GRADED_DIGITS) for name in sorted(graded)}
        told = hashlib.sha256(f"{terms} {means}".encode())
        for array in (data.train_inputs, data.train_labels, data.inputs, data.labels):
            told.update(f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        return told.hexdigest()[:12]

    def close(self) -> None:
        """Do nothing; see `agentarch.kinds.Kind.close`."""

    def evaluate(self, design: Design, task: AnyTask, request: Request, executor: Executor) -> Evaluation:
        """Train a design on a task and grade its predictions; see `agentarch.kinds.Kind.evaluate`."""
        task = cast("Task", task)
        with blamed_on(task):
            rung, spec = task.rungs[request.rung], task.spec(request.rung)
        materials = self._materials.get(_parts(request), lambda: self._prepare(task, request))
        data, probes = materials.data, materials.probes
        recipe = replace(self._recipe, learning_rate=self._recipe.learning_rate * request.learning_rate)
        rng = np.random.default_rng(derive_seed(self._secret, "order", *_parts(request), request.design_id))
        asked = np.concatenate([data.inputs, probes.inputs])
        sides = two_sides(len(data.inputs), probes, rng)
        result = executor.run(
            Job(
                kind=self.name,
                source=design.source,
                seed=derive_seed(self._secret, "model", *_parts(request)),
                settings={
                    "spec": asdict(spec),
                    "recipe": asdict(recipe)
                    | {"steps": rung.steps, "batch_size": rung.batch_size, "in_order": rung.in_order},
                },
                arrays={"train_inputs": data.train_inputs, "train_labels": data.train_labels},
                sittings=tuple(_questions(asked[side], spec, rng) for side in sides),
                limits=Limits(rung.wall_seconds, self._memory_bytes),
                max_learnt_bytes=spec.max_parameters * BYTES_A_VALUE,
                survey=None if materials.extras is None else survey_of(materials.extras, spec),
            )
        )
        ungraded = Evaluation(
            request=request,
            outcome=result.outcome,
            reason=result.reason,
            parameters=_parameters(result),
            cost=result.cost,
            report={key: result.claims[key] for key in REPORTED if result.claims.get(key) is not None},
            output=result.output,
            sandbox=executor.name,
        )
        if result.outcome is not Outcome.SCORED:
            return ungraded
        if ungraded.parameters is None or ungraded.parameters > spec.max_parameters:
            # The trainer would have refused it: the design spoke for the trainer.
            claim = "no parameters" if ungraded.parameters is None else f"{ungraded.parameters:,} parameters"
            reason = f"claims {claim}; the task allows {spec.max_parameters:,} at this rung"
            return replace(ungraded, outcome=Outcome.INVALID, reason=reason)
        predictions = np.empty((len(asked), *result.replies[0].shape[1:]), np.float32)
        predictions[np.concatenate(sides)] = np.concatenate(result.replies)
        answers, again = np.split(predictions, [len(data.inputs)])
        first = answers[probes.originals]
        fault = leaks(first[probes.same], again[probes.same])
        if not fault and spec.causal and spec.output == "per_position":
            fault = peeks(first, again, probes)
        if fault:
            return replace(ungraded, outcome=Outcome.INVALID, reason=fault)
        graded = _graded(ungraded, task, data, answers, mixing_descriptors(first, again, probes))
        if graded.score is None or materials.extras is None:
            return graded
        with blamed_on(task):
            return replace(graded, measures=measured(task, data, answers, materials.extras, result.surveyed))

    def _prepare(self, task: Task, request: Request) -> _Materials:
        """Make what every design is given for this request."""

        def seed(purpose: str) -> int:
            return derive_seed(self._secret, purpose, *_parts(request))

        with blamed_on(task):
            _check_terms(task)
            data = task.data(request.split, request.rung, seed("data"))
            spec = task.spec(request.rung)
            noise = np.random.default_rng(seed("noise"))
            extras = make_extras(task, data, request.split, request.rung, seed("longer"), noise)
        is_causal = spec.causal and spec.output == "per_position"
        probes = make_probes(data.inputs, is_causal, np.random.default_rng(seed("probes")))
        return _Materials(data, probes, extras)


def _check_terms(task: Task) -> None:
    """Make sure that a task can be worked with.

    Raises:
        ValueError: what it says of itself makes no sense.
    """
    if fault := terms_fault(task):
        raise ValueError(fault)


def _parameters(result: Result) -> int | None:
    """Return how many were claimed, or how many values were carried to where it predicts, whichever is more."""
    claimed = result.claims.get("parameters")
    return None if claimed is None else max(claimed, math.ceil(result.learnt_bytes / BYTES_A_VALUE))


def _parts(request: Request) -> tuple[str | int, ...]:
    """Return what seeds hang on: not the learning rate, so that scores at several are paired."""
    return request.task, request.split, request.rung, request.seed


def _questions(inputs: NDArray[np.generic], spec: Spec, rng: np.random.Generator) -> tuple[Question, ...]:
    """Cut inputs into batches of varying size, several where there are enough, so that none is like another."""
    questions, start = [], 0
    largest = max(SMALLEST_BATCH, min(LARGEST_BATCH, len(inputs) // FEWEST_BATCHES))
    while start < len(inputs):
        batch = inputs[start : start + int(rng.integers(SMALLEST_BATCH, largest + 1))]
        leading = batch.shape[:2] if spec.output == "per_position" else batch.shape[:1]
        questions.append(Question(batch, (*leading, spec.n_outputs)))
        start += len(batch)
    return tuple(questions)


def _graded(
    ungraded: Evaluation,
    task: Task,
    data: Data,
    answers: NDArray[np.float32],
    measured: dict[str, float],
) -> Evaluation:
    """Return the evaluation with its score.

    One above the task's ceiling is kept for a person to look at, unscored; so is one whose metric is undefined for what
    the design predicted. Metrics are averaged over the items on which they are defined.

    Raises:
        TaskFailed: the task's grading raised, or returned what the contract does not allow.
    """
    with blamed_on(task):
        graded = task.grade(answers, data.labels)
        fault = grading_fault(graded, task.metric, len(answers))
        if fault:
            raise ValueError(fault)
        metrics = {
            name: float(values[~np.isnan(values)].mean())
            for name, values in graded.items()
            if not np.isnan(values).all()
        }
        undefined = int(np.isnan(graded[task.metric]).sum())
        if undefined:
            reason = (
                f"its {task.metric} is undefined for {undefined} of {len(answers)} scored items, so it has no score; "
                "make its predictions differ from one input to another"
            )
            return replace(ungraded, outcome=Outcome.INVALID, reason=reason, metrics=metrics)
        score = score_items(graded[task.metric], task.chance, task.ceiling)
    if score.value > 1 + ROUNDING:
        reason = (
            f"{QUARANTINED}: its {task.metric} of {metrics[task.metric]:.4g} is better than the task's ceiling of "
            f"{task.ceiling:.4g}, so the task is at fault or the score is forged"
        )
        return replace(ungraded, outcome=Outcome.INVALID, reason=reason, metrics=metrics)
    parameters = ungraded.parameters or 0
    return replace(
        ungraded,
        score=score,
        metrics=metrics,
        descriptors={"parameters": float(parameters), **measured},
        behaviour=_behaviour(answers),
    )


def grading_fault(graded: Mapping[str, NDArray[np.float64]], metric: str, items: int) -> str:
    """Return what is wrong with what a task's `grade` returned, or an empty string.

    Args:
        graded: every metric by name; it owes `(items,)` each, without infinities, NaN where undefined.
        metric: the one that becomes the score.
        items: how many were graded.
    """
    if metric not in graded:
        return f"grade returned {', '.join(graded) or 'no metric'}, but the metric is {metric!r}"
    for name, values in graded.items():
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiub":
            what = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
            return f"grade returned {name!r} as {what}, expected an array of real numbers"
        if values.shape != (items,):
            return f"grade returned {name!r} of shape {values.shape}, expected one value for each of {items} items"
        if np.isinf(values).any():
            return f"grade returned an infinite {name!r}"
    return ""


def _behaviour(predictions: NDArray[np.float32]) -> str:
    """Hash predictions at three significant digits: equal for networks that compute the same function."""
    scale = float(np.abs(predictions).max()) or 1.0
    rounded = np.round(predictions / scale, BEHAVIOUR_DIGITS).astype(np.float32) + 0.0
    return hashlib.sha256(rounded.tobytes()).hexdigest()[:16]
