"""Associative recall of phrases: keys and values of two tokens each, from small alphabets.

Source: Poli et al., "Mechanistic Design and Scaling of Hybrid Architectures", 2024 (fuzzy in-context recall).
"""

import numpy as np

from agentarch.task import IGNORED_LABEL, Rung
from agentarch.tasks import ClassificationTask

KEY_TOKENS, VALUE_TOKENS = 6, 16


class FuzzyRecall(ClassificationTask):
    """Phrases `key key value value …`, then some of them again, where the labels are the value's two tokens.

    Keys are distinct pairs of the same few tokens, so that no single token tells one from another. Telling
    designs apart: those that combine neighbours before they look something up (a short convolution, two layers
    of attention) against those that match single tokens.
    """

    name = "fuzzy_recall"
    description = "look up values by keys of several tokens; needs to combine neighbours before matching"
    vocab_size = n_outputs = KEY_TOKENS + VALUE_TOKENS
    chance = 1 / VALUE_TOKENS
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {"pairs": 3, "queries": 3}),
        Rung(300, 32, 9_600, 256, 200_000, 60, {"pairs": 3, "queries": 4}),
        Rung(500, 32, 16_000, 256, 200_000, 120, {"pairs": 4, "queries": 6}),
        Rung(1_000, 32, 32_000, 512, 200_000, 300, {"pairs": 6, "queries": 8}),
    )

    def shape(self, size):
        return (4 * (size["pairs"] + size["queries"]),)

    def items(self, rng, count, size, is_scored):
        pairs, queries = size["pairs"], size["queries"]
        codes = rng.permuted(np.tile(np.arange(KEY_TOKENS**2), (count, 1)), axis=1)[:, :pairs]
        values = rng.integers(0, VALUE_TOKENS, (count, pairs, 2))
        spelt = VALUE_TOKENS + np.stack(np.divmod(codes, KEY_TOKENS), axis=2)
        phrases = np.concatenate([spelt, values], axis=2)
        asked = rng.integers(0, pairs, (count, queries))
        again = np.take_along_axis(phrases, asked[:, :, None], axis=1)
        tokens = np.concatenate([phrases, again], axis=1)
        labels = np.full_like(tokens, IGNORED_LABEL)
        labels[:, pairs:, 1:3] = again[
            :, :, 2:
        ]  # after the key the first token of the value, after that the second
        length = 4 * (pairs + queries)
        return tokens.reshape(count, length).astype(np.int16), labels.reshape(count, length).astype(np.int16)
