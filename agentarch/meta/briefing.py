"""Everything that a prompt may tell a language model, as plain records.

Guarantees nothing about the texts in them: they are as designs, boxes, models and reviewers left them, and are made
harmless when a prompt is made (`agentarch.fencing`). Knows no store, no run and no provider.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from agentarch.evaluation import Score
from agentarch.qd.axes import Axis, Niche
from agentarch.wording import number_text

Why = Literal["parent", "best", "near", "novel", "drawn"]
"""Why a design is shown: to be built upon, or as the best, as the nearest to the target, as unlike the parents, or by
chance."""

AXES_IN_WORDS: Mapping[str, str] = {
    "parameters": "trainable parameters",
    "mixing_range": "mixing range (0: an output hangs on its own position alone, 1: on the farthest alike)",
    "content_dependence": "content dependence (0: the same positions are mixed whatever the input, "
    "1: which are mixed is decided by the input)",
}
"""What is measured along the axes of `agentarch.kinds`; an axis that is not here goes by its name."""


@dataclass(frozen=True)
class TaskTold:
    """A task, as it is told. Tasks are trusted, and so are these texts.

    Attributes:
        name: of the task.
        description: one line: what it asks for.
        separates: which designs it tells apart.
        spec: in words, what goes in and what comes out.
        steps: optimiser steps of each rung, cheapest first.
        metric: the name of the metric that becomes the score.
        max_parameters: the smallest cap over the rungs.
    """

    name: str
    description: str
    separates: str = ""
    spec: str = ""
    steps: tuple[int, ...] = ()
    metric: str = ""
    max_parameters: int | None = None


@dataclass(frozen=True)
class DesignTold:
    """A design, as it is told.

    Attributes:
        id: of the design.
        name: of the design.
        source: the whole file; empty where only a summary is to be shown.
        rationale: what its author expected of it.
        score: averaged over the run's tasks at `rung`; None while it has none.
        rung: at which the score was measured; scores of different rungs are not to be compared.
        by_task: scores at the same rung by the task's name.
        descriptors: measured properties by the axis's name.
        why: it is shown.
        strengths: one line each, what it is measured to do well.
        failures: one line each, what it is measured to do badly.
    """

    id: str
    name: str
    source: str
    rationale: str = ""
    score: Score | None = None
    rung: int | None = None
    by_task: Mapping[str, Score] = field(default_factory=dict)
    descriptors: Mapping[str, float] = field(default_factory=dict)
    why: Why = "parent"
    strengths: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class LessonTold:
    """A claim of an earlier proposal with what became of it; see `agentarch.meta.lessons`.

    Attributes:
        id: by which an answer may name it in `builds_on`.
        claim: one sentence, written by a model.
        weight: in (0, 1): how well it has predicted; 0.5 while nothing is known.
        right: how often a measured interval lay on the predicted side of 0.
        wrong: how often it lay on the other.
        predicted: change of the score, last time.
        measured: change of the score, averaged over the times it was measured; None before.
    """

    id: str
    claim: str
    weight: float
    right: int = 0
    wrong: int = 0
    predicted: float | None = None
    measured: float | None = None


@dataclass(frozen=True)
class EffectTold:
    """What an edit, or taking a part out, was measured to change.

    Attributes:
        what: was done, in words.
        difference: of the score, after less before.
        low: lower end of its 95% interval.
        high: upper end.
        n: independent items or pairs behind it.
    """

    what: str
    difference: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class FailureTold:
    """A proposal that came to nothing.

    Attributes:
        name: of the proposal.
        reason: why, one line.
        kind: where it ended: in the smoke run, in training for a score, as a duplicate, in review, or as an answer
            nobody could read.
    """

    name: str
    reason: str
    kind: Literal["smoke", "training", "duplicate", "review", "unreadable"]


@dataclass(frozen=True)
class DecisionTold:
    """What a reviewer decided.

    Attributes:
        name: of the proposal.
        decision: what was done with it.
        reason: in the reviewer's words.
    """

    name: str
    decision: Literal["approved", "rejected", "edited"]
    reason: str = ""


@dataclass(frozen=True)
class Briefing:
    """All that a prompt may tell. Lists come with the most important first: a long one is cut at its end.

    Attributes:
        kind: of the designs, e.g. `"network"`.
        tasks: of the run.
        parents: to build upon, most important first.
        elites: further designs worth knowing.
        target: the niche to aim at, in words; see `target_in_words`. Empty for none.
        lessons: see `agentarch.meta.lessons.heaviest`.
        effects: of edits and knock-outs.
        failures: of late.
        decisions: of reviewers, of late.
        budget: what is left of it, in words.
        limits: the most a design may measure, by descriptor.
        rules: further rules of this run, one sentence each. Trusted.
    """

    kind: str
    tasks: tuple[TaskTold, ...]
    parents: tuple[DesignTold, ...] = ()
    elites: tuple[DesignTold, ...] = ()
    target: str = ""
    lessons: tuple[LessonTold, ...] = ()
    effects: tuple[EffectTold, ...] = ()
    failures: tuple[FailureTold, ...] = ()
    decisions: tuple[DecisionTold, ...] = ()
    budget: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)
    rules: tuple[str, ...] = ()


def target_in_words(axes: tuple[Axis, ...], niche: Niche, holder: Score | None = None) -> str:
    """Return a niche as bounds a person understands.

    Args:
        axes: of the archive.
        niche: one bin an axis.
        holder: the score of the design that holds it; None for an empty niche.

    Raises:
        ValueError: the niche has not one bin an axis, or a bin does not exist.
    """
    bounds = [_bounds(axis, number) for axis, number in zip(axes, niche, strict=True)]
    held = (
        f"The niche is held by a design that scores {holder}."
        if holder
        else "Nobody holds this niche: any design that scores there fills it."
    )
    return "; ".join(bounds) + ". " + held


def _bounds(axis: Axis, number: int) -> str:
    if not 0 <= number < axis.bins:
        raise ValueError(f"axis {axis.name!r} has bins 0 to {axis.bins - 1}, got {number}")
    what = AXES_IN_WORDS.get(axis.name, axis.name)
    low, high = _edge(axis, number), _edge(axis, number + 1)
    if axis.bins == 1:
        return f"{what}: any"
    if number == 0:  # bins at the ends take what lies beyond them
        return f"{what}: at most {high}"
    if number == axis.bins - 1:
        return f"{what}: at least {low}"
    return f"{what}: from {low} to {high}"


def _edge(axis: Axis, number: int) -> str:
    share = number / axis.bins
    if axis.log:
        return number_text(math.exp(math.log(axis.low) + share * (math.log(axis.high) - math.log(axis.low))))
    return number_text(axis.low + share * (axis.high - axis.low))
