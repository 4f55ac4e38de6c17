"""The lab notebook: claims that proposals made, weighted by how well they predicted what was then measured.

A pure function of the predictions it is given, in their order. After Hypothetical Minds (Cross et al. 2024), in which
hypotheses gain and lose value by the predictions that they make, and only the best steer what is done next.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from agentarch.meta.briefing import LessonTold

HALF_LIFE = 50
"""Decided predictions after which one counts half: what helped early, weak parents need not help later, strong ones."""

SHARE_OF_WRONG = 3
"""One in so many of the lessons told is one that turned out wrong, where there are any."""


class Verdict(StrEnum):
    """What a measurement said of a prediction."""

    RIGHT = "right"
    WRONG = "wrong"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Prediction:
    """What one proposal claimed, and what was measured of it.

    Attributes:
        lesson: the id of its claim; unique to the proposal.
        claim: one sentence.
        predicted: change of the score against the parent.
        builds_on: ids of earlier lessons that it relied on: they are right or wrong with it.
        value: the measured change; None while it was not measured.
        low: lower end of its 95% interval.
        high: upper end.
    """

    lesson: str
    claim: str
    predicted: float
    builds_on: tuple[str, ...] = ()
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def verdict(self) -> Verdict:
        """Right or wrong where the interval excludes 0, and undecided otherwise or where no change was predicted."""
        if self.low is None or self.high is None or not self.predicted or math.isnan(self.predicted):
            return Verdict.UNDECIDED
        if self.low > 0:
            return Verdict.RIGHT if self.predicted > 0 else Verdict.WRONG
        if self.high < 0:
            return Verdict.RIGHT if self.predicted < 0 else Verdict.WRONG
        return Verdict.UNDECIDED


@dataclass(frozen=True)
class Lesson:
    """A claim with its record.

    Attributes:
        id: of the first proposal that made it.
        claim: one sentence.
        weight: in (0, 1); 0.5 while nothing is decided.
        right: times that it predicted rightly, by itself or through proposals that built on it.
        wrong: times that it predicted wrongly.
        undecided: times that a measurement could not tell.
        predicted: change of the score, when it was last claimed.
        measured: change of the score, averaged over every time that it was measured; None before.
    """

    id: str
    claim: str
    weight: float = 0.5
    right: int = 0
    wrong: int = 0
    undecided: int = 0
    predicted: float = 0.0
    measured: float | None = None

    @property
    def told(self) -> LessonTold:
        """The lesson as a prompt tells it."""
        return LessonTold(
            self.id, self.claim, self.weight, self.right, self.wrong, self.predicted, self.measured
        )


Notebook = Mapping[str, Lesson]
"""Lessons by id, oldest first."""


def notebook(predictions: Iterable[Prediction]) -> Notebook:
    """Return what is known of every claim.

    The weight is the share of right ones among decided predictions, smoothed by one of each (Laplace), in which a
    prediction counts half after `HALF_LIFE` later decided ones. Claims in the same words are one lesson, that of the
    first.

    Args:
        predictions: in the order in which their proposals were begun, whenever they were measured; one without a
            measurement adds its claim alone.
    """
    records: dict[str, _Record] = {}
    by_words: dict[str, _Record] = {}
    decided = 0
    for one in predictions:
        words = " ".join(one.claim.casefold().split())
        own = records[one.lesson] = by_words.setdefault(words, _Record(one.lesson, one.claim))
        own.predicted = one.predicted
        if one.value is None:
            continue
        own.measured.append(one.value)
        verdict = one.verdict
        decided += verdict is not Verdict.UNDECIDED
        touched = {
            id(own): own,
            **{id(records[name]): records[name] for name in one.builds_on if name in records},
        }
        for record in touched.values():
            record.verdicts[verdict] += 1
            if verdict is not Verdict.UNDECIDED:
                record.evidence.append((decided, verdict is Verdict.RIGHT))
    return {record.lesson: record.weighed(decided) for record in by_words.values()}


@dataclass
class _Record:
    """A claim while its predictions are counted."""

    lesson: str
    claim: str
    predicted: float = 0.0
    measured: list[float] = field(default_factory=list)
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    evidence: list[tuple[int, bool]] = field(default_factory=list)

    def weighed(self, decided: int) -> Lesson:
        """Return the lesson, after so many decided predictions of all."""
        return Lesson(
            self.lesson,
            self.claim,
            _weight(self.evidence, decided),
            self.verdicts[Verdict.RIGHT],
            self.verdicts[Verdict.WRONG],
            self.verdicts[Verdict.UNDECIDED],
            self.predicted,
            math.fsum(self.measured) / len(self.measured) if self.measured else None,
        )


def heaviest(book: Notebook, most: int) -> tuple[Lesson, ...]:
    """Return the lessons most worth telling: the heaviest, and among them a third that turned out wrong.

    Claims that turned out wrong are told, as wrong, so that they are not made again. Of equal weight, the one with more
    evidence comes first, then the later one.
    """
    ages = {name: number for number, name in enumerate(book)}
    wrong = sorted(
        (one for one in book.values() if one.wrong > one.right),
        key=lambda one: (one.weight, -one.wrong, -ages[one.id]),
    )
    others = sorted(
        (one for one in book.values() if one.wrong <= one.right),
        key=lambda one: (-one.weight, -one.right, -ages[one.id]),
    )
    most = max(most, 0)
    told_wrong = wrong[: max(most // SHARE_OF_WRONG, most - len(others))]
    return (*others[: most - len(told_wrong)], *told_wrong)


def _weight(evidence: Iterable[tuple[int, bool]], now: int) -> float:
    right = wrong = 1.0
    for when, was_right in evidence:
        share = 0.5 ** ((now - when) / HALF_LIFE)
        right, wrong = right + share * was_right, wrong + share * (not was_right)
    return right / (right + wrong)
