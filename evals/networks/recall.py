"""Multi-query associative recall: read key-value pairs, then answer which value went with a key.

Source: Arora et al., "Zoology: Measuring and Improving Recall in Efficient Language Models", 2023.
"""

import numpy as np

from agentarch.scoring.metrics import classification_metrics
from agentarch.task import IGNORED_LABEL, Data, Rung, Spec

KEYS, VALUES = 32, 32


class Recall:
    """Tokens `key value key value … key key key`; at each trailing key the label is its value.

    Keys are distinct within a sequence, so every answer is determined, and nothing but the sequence itself
    determines it. Telling designs apart: those that can look a token up against those that must carry
    everything in a state of fixed size.
    """

    name = "recall"
    kind = "network"
    description = "look up values by key within a sequence; needs content-based addressing"
    metric = "accuracy"
    chance = 1 / VALUES
    ceiling = 1.0
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {"pairs": 4, "queries": 8}),
        Rung(300, 32, 9_600, 256, 200_000, 60, {"pairs": 4, "queries": 12}),
        Rung(400, 32, 12_800, 256, 200_000, 120, {"pairs": 6, "queries": 12}),
        Rung(1_000, 32, 32_000, 512, 200_000, 300, {"pairs": 12, "queries": 24}),
    )

    def spec(self, rung):
        size = self.rungs[rung].size
        return Spec(
            kind="tokens",
            input_shape=(2 * size["pairs"] + size["queries"],),
            vocab_size=KEYS + VALUES,
            n_outputs=KEYS + VALUES,
            output="per_position",
            causal=True,
            max_parameters=self.rungs[rung].max_parameters,
        )

    def data(self, split, rung, seed):
        level = self.rungs[rung]
        training, scored = np.random.default_rng(seed).spawn(2)
        return Data(
            *_sequences(training, level.train_items, **level.size),
            *_sequences(scored, level.scored_items, **level.size),
        )

    def grade(self, predictions, labels):
        return classification_metrics(predictions, labels)


def _sequences(rng, items, pairs, queries):
    """Return tokens and labels, both `(items, 2 * pairs + queries)` int16."""
    keys = rng.permuted(np.tile(np.arange(KEYS), (items, 1)), axis=1)[:, :pairs]
    values = rng.integers(KEYS, KEYS + VALUES, (items, pairs))
    asked = rng.integers(0, pairs, (items, queries))
    tokens = np.empty((items, 2 * pairs + queries), np.int16)
    labels = np.full_like(tokens, IGNORED_LABEL)
    tokens[:, 0 : 2 * pairs : 2] = keys
    tokens[:, 1 : 2 * pairs : 2] = values
    tokens[:, 2 * pairs :] = np.take_along_axis(keys, asked, axis=1)
    labels[:, 2 * pairs :] = np.take_along_axis(values, asked, axis=1)
    return tokens, labels
