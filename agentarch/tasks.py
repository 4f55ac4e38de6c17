"""A head start for tasks that ask for classes; see `agentarch.task.Task` for what any task owes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from agentarch.scoring.metrics import classification_metrics
from agentarch.task import Data, Rung, Spec

Items = tuple[NDArray[np.generic], NDArray[np.integer]]
"""Inputs `(items, ...)` and labels `(items, length)` or `(items,)`."""


class ClassificationTask:
    """Everything of a task but its data: a subclass names what is constant, and gives `shape` and `items`.

    Attributes:
        inputs: what they are, as in `Spec.kind`.
        vocab_size: as in `Spec`.
        n_outputs: as in `Spec`; for tokens, usually the vocabulary.
        output: as in `Spec`.
        causal: as in `Spec`.
    """

    kind = "network"
    metric = "accuracy"
    chance: float
    ceiling = 1.0
    rungs: tuple[Rung, ...]
    inputs: ClassVar[Literal["tokens", "series", "image", "table"]] = "tokens"
    vocab_size: ClassVar[int | None] = None
    n_outputs: ClassVar[int]
    output: ClassVar[Literal["per_position", "one"]] = "per_position"
    causal: ClassVar[bool] = True

    def shape(self, size: Mapping[str, int]) -> tuple[int, ...]:
        """Return the shape of one scored input at a rung's size."""
        raise NotImplementedError

    def items(self, rng: np.random.Generator, count: int, size: Mapping[str, int], is_scored: bool) -> Items:
        """Make items, to be trained on or to be scored on.

        Args:
            rng: the only source of chance.
            count: how many.
            size: of the rung.
            is_scored: whether a design is scored on them.
        """
        raise NotImplementedError

    def spec(self, rung: int) -> Spec:
        """Return what a design is told at this rung."""
        level = self.rungs[rung]
        return Spec(
            kind=self.inputs,
            input_shape=self.shape(level.size),
            vocab_size=self.vocab_size,
            n_outputs=self.n_outputs,
            output=self.output,
            causal=self.causal,
            max_parameters=level.max_parameters,
        )

    def data(self, split: str, rung: int, seed: int) -> Data:
        """Make the arrays of one split: training and scored items from streams of chance of their own."""
        level = self.rungs[rung]
        training, scored = np.random.default_rng(seed).spawn(2)
        return Data(
            *self.items(training, level.train_items, level.size, False),
            *self.items(scored, level.scored_items, level.size, True),
        )

    def grade(
        self, predictions: NDArray[np.float32], labels: NDArray[np.integer]
    ) -> dict[str, NDArray[np.float64]]:
        """Return accuracy and cross-entropy of each item."""
        return classification_metrics(predictions, labels)
