"""Multi-query associative recall: read key-value pairs, then answer which value went with a key.

Source: Arora et al., "Zoology: Measuring and Improving Recall in Efficient Language Models", 2023.
"""

import numpy as np

from agentarch.task import IGNORED_LABEL, Rung
from agentarch.tasks import ClassificationTask

KEYS, VALUES = 32, 32


class Recall(ClassificationTask):
    """Tokens `key value key value … key key key`; at each trailing key the label is its value.

    Keys are distinct within a sequence, so every answer is determined, and nothing but the sequence itself
    determines it. Training sequences hold from one pair to all, as in the source's mixture of sizes, so that
    whether a design learns hangs little on its seed; scored ones hold all. Telling designs apart: those that
    can look a token up against those that must carry everything in a state of fixed size.
    """

    name = "recall"
    description = "look up values by key within a sequence; needs content-based addressing"
    vocab_size = n_outputs = KEYS + VALUES
    chance = 1 / VALUES
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {"pairs": 4, "queries": 8}),
        Rung(300, 32, 9_600, 256, 200_000, 60, {"pairs": 4, "queries": 12}),
        Rung(400, 32, 12_800, 256, 200_000, 120, {"pairs": 6, "queries": 12}),
        Rung(800, 32, 25_600, 512, 200_000, 300, {"pairs": 12, "queries": 24}),
    )

    def shape(self, size):
        return (2 * size["pairs"] + size["queries"],)

    def items(self, rng, count, size, is_scored):
        pairs, length = size["pairs"], 2 * size["pairs"] + size["queries"]
        held = np.full(count, pairs) if is_scored else rng.integers(1, pairs + 1, count)
        keys = rng.permuted(np.tile(np.arange(KEYS), (count, 1)), axis=1)[:, :pairs]
        values = rng.integers(KEYS, KEYS + VALUES, (count, pairs))
        shown = np.zeros((count, length), np.int64)
        shown[:, : 2 * pairs] = np.stack([keys, values], axis=2).reshape(count, 2 * pairs)
        asked = (rng.random((count, length)) * held[:, None]).astype(np.int64)
        is_query = np.arange(length) >= 2 * held[:, None]
        tokens = np.where(is_query, np.take_along_axis(keys, asked, axis=1), shown)
        labels = np.where(is_query, np.take_along_axis(values, asked, axis=1), IGNORED_LABEL)
        return tokens.astype(np.int16), labels.astype(np.int16)
