"""Two tables of facts, learnt one after the other by the same weights.

Source: forgetting when tasks follow one another: McCloskey & Cohen, "Catastrophic Interference in Connectionist
Networks", 1989; forgetting as a measure: Chaudhry et al., "Riemannian Walk for Incremental Learning", 2018.
"""

import numpy as np

from agentarch.task import IGNORED_LABEL, Data, Rung
from agentarch.tasks import ClassificationTask

VALUES, FIRST, SECOND = 16, 24, 24


class Continual(ClassificationTask):
    """Facts about pairs of tokens: those of one table, and from the middle of training those of another.

    Both tables use the same tokens and the same values, and no pair is in both. Scored items ask for facts of
    the first table, then for as many of the second; `accuracy` is over both, and `forgetting` is how much less
    is known of the first. Training items are taken in order and once. Telling designs apart: those whose
    weights keep apart what they hold against those in which the new overwrites the old.
    """

    name = "continual"
    description = "two tables of facts learnt in turn; needs weights in which the new spares the old"
    vocab_size, n_outputs = FIRST + SECOND, VALUES
    chance = 1 / VALUES
    rungs = (
        Rung(10, 16, 160, 64, 200_000, 20, {"facts": 16, "shown": 12}, in_order=True),
        Rung(200, 32, 6_400, 256, 200_000, 60, {"facts": 32, "shown": 12}, in_order=True),
        Rung(400, 32, 12_800, 256, 200_000, 120, {"facts": 96, "shown": 16}, in_order=True),
        Rung(1_000, 32, 32_000, 512, 200_000, 300, {"facts": 192, "shown": 16}, in_order=True),
    )

    def shape(self, size):
        return (2 * size["shown"],)

    def data(self, split, rung, seed):
        level, rng = self.rungs[rung], np.random.default_rng(seed)
        facts, shown = level.size["facts"], level.size["shown"]
        pairs = rng.permutation(FIRST * SECOND)[: 2 * facts].reshape(2, facts)
        values = rng.permuted(np.tile(np.arange(facts) % VALUES, (2, 1)), axis=1)
        half = level.train_items // 2
        first = rng.integers(0, facts, (half, shown))
        second = rng.integers(0, facts, (level.train_items - half, shown))
        scored = rng.integers(0, facts, (2, level.scored_items, shown // 2))
        trained = [_items(pairs[0, first], values[0, first]), _items(pairs[1, second], values[1, second])]
        asked = [_items(pairs[table, scored[table]], values[table, scored[table]]) for table in (0, 1)]
        return Data(
            *(np.concatenate(arrays) for arrays in zip(*trained, strict=True)),
            *(np.concatenate(arrays, axis=1) for arrays in zip(*asked, strict=True)),
        )

    def grade(self, predictions, labels):
        first, second = (
            super(Continual, self).grade(logits, wanted)["accuracy"]
            for logits, wanted in zip(
                np.split(predictions, 2, axis=1), np.split(labels, 2, axis=1), strict=True
            )
        )
        return super().grade(predictions, labels) | {"forgetting": second - first}


def _items(pairs, values):
    """Return tokens and labels, both `(items, 2 * facts)` int16, of facts `(items, facts)`."""
    tokens = np.stack([pairs // SECOND, FIRST + pairs % SECOND], axis=2)
    labels = np.stack([np.full_like(pairs, IGNORED_LABEL), values], axis=2)
    return tuple(array.reshape(len(pairs), -1).astype(np.int16) for array in (tokens, labels))
