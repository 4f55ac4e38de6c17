"""A task that takes a fraction of a second, so that whole searches take seconds: repeat the token before."""

import numpy as np

from agentarch.scoring.metrics import classification_metrics
from agentarch.task import Data, Rung, Spec

SYMBOLS, LENGTH = 6, 8


class Tiny:
    """At each position the label is the token before; the first position's is its own.

    Args:
        wall_seconds: limit of every rung.
        steps: of each rung.
    """

    name = "tiny"
    kind = "network"
    description = "repeat the token before; a few steps on a few items, for tests"
    metric = "accuracy"
    chance = 1 / SYMBOLS
    ceiling = 1.0

    def __init__(self, wall_seconds=60.0, steps=(2, 6, 12)):
        self.rungs = tuple(Rung(count, 8, 32, 24, 200_000, wall_seconds, {}) for count in steps)

    def spec(self, rung):
        return Spec(
            "tokens", (LENGTH,), SYMBOLS, SYMBOLS, "per_position", True, self.rungs[rung].max_parameters
        )

    def data(self, split, rung, seed):
        tokens = np.random.default_rng(seed).integers(0, SYMBOLS, (56, LENGTH), np.int16)
        labels = np.concatenate([tokens[:, :1], tokens[:, :-1]], axis=1)
        return Data(tokens[:32], labels[:32], tokens[32:], labels[32:])

    def grade(self, predictions, labels):
        return classification_metrics(predictions, labels)
