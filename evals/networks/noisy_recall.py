"""Associative recall among noise: key-value pairs with meaningless tokens between them.

Source: Poli et al., "Mechanistic Design and Scaling of Hybrid Architectures", 2024 (noisy in-context recall).
"""

import numpy as np

from agentarch.task import IGNORED_LABEL, Rung
from agentarch.tasks import ClassificationTask

KEYS, VALUES, NOISES = 24, 24, 16


class NoisyRecall(ClassificationTask):
    """Pairs of a key and its value at random places among noise, then keys; at each of those the label is its value.

    Distances say nothing, and a state of fixed size must not be filled with noise. Telling designs apart: those that
    select what they keep, or look it up, against those that blend all they read.
    """

    name = "noisy_recall"
    description = "look up values by key among distractors; needs to ignore what does not matter"
    vocab_size = n_outputs = KEYS + VALUES + NOISES
    chance = 1 / VALUES
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {"pairs": 3, "noises": 3, "queries": 6}),
        Rung(300, 32, 9_600, 256, 200_000, 60, {"pairs": 3, "noises": 3, "queries": 9}),
        Rung(400, 32, 12_800, 256, 200_000, 120, {"pairs": 5, "noises": 7, "queries": 10}),
        Rung(800, 32, 25_600, 512, 200_000, 300, {"pairs": 8, "noises": 16, "queries": 16}),
    )

    def shape(self, size):
        return (2 * (size["pairs"] + size["noises"]) + size["queries"],)

    def items(self, rng, count, size, is_scored):
        pairs, slots = size["pairs"], size["pairs"] + size["noises"]
        held = np.full(count, pairs) if is_scored else rng.integers(1, pairs + 1, count)
        keys = rng.permuted(np.tile(np.arange(KEYS), (count, 1)), axis=1)[:, :pairs]
        values = rng.integers(KEYS, KEYS + VALUES, (count, pairs))
        shown = rng.integers(KEYS + VALUES, self.vocab_size, (count, slots, 2))
        places = rng.permuted(np.tile(np.arange(slots), (count, 1)), axis=1)[:, :pairs]
        rows, columns = np.nonzero(np.arange(pairs) < held[:, None])
        shown[rows, places[rows, columns]] = np.stack([keys, values], axis=2)[rows, columns]
        asked = (rng.random((count, size["queries"])) * held[:, None]).astype(np.int64)
        queries = np.take_along_axis(keys, asked, axis=1)
        tokens = np.concatenate([shown.reshape(count, 2 * slots), queries], axis=1)
        labels = np.full_like(tokens, IGNORED_LABEL)
        labels[:, 2 * slots :] = np.take_along_axis(values, asked, axis=1)
        return tokens.astype(np.int16), labels.astype(np.int16)
