"""Tasks whose questions are made afresh for every seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from agentarch.answers import METRICS
from agentarch.questions.items import split_of
from agentarch.task import QuestionRung, Questions

MOST_DRAWS = 200
"""For each question asked for; a family that has so few different ones is asked too much."""


class MadeTask:
    """Everything of a task but its questions: a subclass names what is constant, and gives `item`.

    Questions are drawn until enough different ones are in the split: which one that is follows from the question
    (`agentarch.questions.items.split_of`), so none is ever in two splits, whatever the seeds.
    """

    kind = "agent"
    name: str
    description: str
    answer_form: str
    metric = "exact"
    chance = 0.0
    ceiling = 1.0
    world = ""
    rungs: tuple[QuestionRung, ...]

    def item(self, rng: random.Random, size: Mapping[str, int]) -> tuple[str, str]:
        """Make a question and its label.

        Args:
            rng: the only source of chance.
            size: of the rung.
        """
        raise NotImplementedError

    def data(self, split: str, rung: int, seed: int) -> Questions:
        """Make questions of a split, all different."""
        level, rng = self.rungs[rung], random.Random(seed)
        found: dict[str, str] = {}
        for _ in range(MOST_DRAWS * level.questions):
            question, label = self.item(rng, level.size)
            if split_of(question) == split:
                found.setdefault(question, label)
            if len(found) == level.questions:
                return Questions(tuple(found), tuple(found.values()))
        raise RuntimeError(
            f"{self.name} makes too few different questions at rung {rung}: {len(found)} of {level.questions}"
        )

    def grade(self, predictions: Sequence[str], labels: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        """Grade by the task's metric."""
        return {self.metric: METRICS[self.metric](predictions, labels)}
