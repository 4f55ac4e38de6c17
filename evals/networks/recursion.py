"""Nested Boolean expressions, evaluated bracket by bracket.

Source: nested expressions as a test of structural recursion: Nangia & Bowman, "ListOps: A Diagnostic Dataset
for Latent Tree Learning", 2018; models that follow common shapes and fail on rare, deep ones: Zhang et al.,
"Can Transformers Learn to Solve Problems Recursively?", 2023.
"""

import numpy as np

from agentarch.scoring.metrics import classification_metrics
from agentarch.task import IGNORED_LABEL, Rung
from agentarch.tasks import ClassificationTask

OPEN, CLOSE = 2, 3  # 0 and 1 are the values
OPERATIONS = (np.bitwise_and, np.bitwise_or, np.bitwise_xor)
COMB_SHARE = 8  # one scored item in so many is a comb


class Recursion(ClassificationTask):
    """Random expressions `((a & b) | (c ^ a))`; at each closing bracket the label is the value of what it closes.

    With as many `&` as `|`, and a `^` whose value nothing short of both sides gives, half of the labels are
    ones at any depth. Some scored items are combs `(a & (b | (c ^ …)))`, as deep as there are leaves, which
    training all but never shows; `edge_accuracy` is theirs alone, and is undefined for every other item.
    Telling designs apart: those that find the partner of a bracket and reuse what they made of the inside
    against those that go by what is near.
    """

    name = "recursion"
    description = (
        "values of nested Boolean expressions; needs structural recursion, rare deep shapes reported apart"
    )
    vocab_size, n_outputs = 4 + len(OPERATIONS), 2
    chance = 0.5
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {"leaves": 5}),
        Rung(250, 32, 8_000, 1_024, 200_000, 60, {"leaves": 6}),
        Rung(500, 32, 16_000, 1_024, 200_000, 120, {"leaves": 9}),
        Rung(1_000, 32, 32_000, 1_024, 200_000, 300, {"leaves": 14}),
    )

    def shape(self, size):
        return (4 * size["leaves"] - 3,)

    def items(self, rng, count, size, is_scored):
        length, every = self.shape(size)[0], np.arange(count)
        is_comb = every % COMB_SHARE == 0 if is_scored else np.zeros(count, bool)
        depth = np.zeros(count, np.int64)  # open brackets
        leaves_right, value_left, operation = (np.zeros((count, size["leaves"]), np.int64) for _ in range(3))
        is_right = np.zeros(
            (count, size["leaves"]), bool
        )  # whether the second operand of a bracket has begun
        wanted = np.full(count, size["leaves"])  # leaves of the operand that comes next; 0 after an operand
        value = np.zeros(count, np.int64)  # of the operand that was last
        tokens = np.zeros((count, length), np.int16)
        labels = np.full((count, length), IGNORED_LABEL, np.int16)
        for position in range(length):
            top = np.maximum(depth - 1, 0)
            opens, is_leaf = wanted > 1, wanted == 1
            joins = (wanted == 0) & ~is_right[every, top]
            closes = (wanted == 0) & is_right[every, top]

            bit = rng.integers(0, 2, count)
            drawn = rng.integers(0, len(OPERATIONS), count)
            left = np.where(is_comb, 1, 1 + (rng.random(count) * (wanted - 1)).astype(np.int64))
            inside = np.choose(
                operation[every, top], [apply(value_left[every, top], value) for apply in OPERATIONS]
            )
            tokens[:, position] = np.select([opens, is_leaf, joins], [OPEN, bit, 4 + drawn], CLOSE)
            labels[closes, position] = inside[closes]

            leaves_right[every[opens], depth[opens]] = (wanted - left)[opens]
            is_right[every[opens], depth[opens]] = False
            value_left[every[joins], top[joins]] = value[joins]
            operation[every[joins], top[joins]] = drawn[joins]
            is_right[every[joins], top[joins]] = True
            value = np.select([is_leaf, closes], [bit, inside], value)
            wanted = np.select([opens, joins], [left, leaves_right[every, top]], 0)
            depth += opens.astype(np.int64) - closes
        return tokens, labels

    def grade(self, predictions, labels):
        metrics = classification_metrics(predictions, labels)
        return metrics | {"edge_accuracy": np.where(_is_comb(labels), metrics["accuracy"], np.nan)}


def _is_comb(labels):
    """Return which items close all their brackets at the end, `(items,)`."""
    closes = labels != IGNORED_LABEL
    return (closes[:, 1:] >= closes[:, :-1]).all(axis=1)
