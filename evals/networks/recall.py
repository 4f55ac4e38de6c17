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
    determines it. Training sequences hold from one pair to all, as in the source's mixture of sizes, so that
    whether a design learns hangs little on its seed; scored ones hold all. Telling designs apart: those that
    can look a token up against those that must carry everything in a state of fixed size.
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
        Rung(800, 32, 25_600, 512, 200_000, 300, {"pairs": 12, "queries": 24}),
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
        pairs = level.size["pairs"]
        return Data(
            *_sequences(training, training.integers(1, pairs + 1, level.train_items), **level.size),
            *_sequences(scored, np.full(level.scored_items, pairs), **level.size),
        )

    def grade(self, predictions, labels):
        return classification_metrics(predictions, labels)


def _sequences(rng, held, pairs, queries):
    """Make one sequence for each entry of `held`, the number of pairs it holds; queries fill the rest.

    Args:
        rng: source of chance.
        held: `(items,)`, from 1 to `pairs`.
        pairs: the most a sequence can hold.
        queries: how many follow when it does.

    Returns:
        Tokens and labels, both `(items, 2 * pairs + queries)` int16.
    """
    items, length = len(held), 2 * pairs + queries
    keys = rng.permuted(np.tile(np.arange(KEYS), (items, 1)), axis=1)[:, :pairs]
    values = rng.integers(KEYS, KEYS + VALUES, (items, pairs))
    shown = np.zeros((items, length), np.int64)
    shown[:, : 2 * pairs] = np.stack([keys, values], axis=2).reshape(items, 2 * pairs)
    asked = (rng.random((items, length)) * held[:, None]).astype(np.int64)
    is_query = np.arange(length) >= 2 * held[:, None]
    tokens = np.where(is_query, np.take_along_axis(keys, asked, axis=1), shown)
    labels = np.where(is_query, np.take_along_axis(values, asked, axis=1), IGNORED_LABEL)
    return tokens.astype(np.int16), labels.astype(np.int16)
