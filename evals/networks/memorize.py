"""Capacity of the weights: learn a table of random facts by heart.

Source: the memorization task of Poli et al., "Mechanistic Design and Scaling of Hybrid Architectures", 2024;
facts of two tokens, so that no embedding alone can hold them.
"""

import numpy as np

from agentarch.task import IGNORED_LABEL, Data, Rung
from agentarch.tasks import ClassificationTask

VALUES, FIRST, SECOND = 16, 64, 64


class Memorize(ClassificationTask):
    """Tokens in twos; at the second of two the label is the value that a table of random facts has for them.

    Scored items hold the facts that were trained on, in other company: the table is the same, and is another
    for every seed.
    Telling designs apart: how many facts their weights hold after so many steps.
    """

    name = "memorize"
    description = "learn random facts about pairs of tokens by heart; needs wide position-wise parts"
    vocab_size, n_outputs = FIRST + SECOND, VALUES
    chance = 1 / VALUES
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {"facts": 32, "shown": 12}),
        Rung(200, 32, 6_400, 256, 200_000, 60, {"facts": 1_024, "shown": 12}),
        Rung(400, 32, 12_800, 256, 200_000, 120, {"facts": 2_048, "shown": 16}),
        Rung(800, 32, 25_600, 512, 200_000, 300, {"facts": 4_096, "shown": 16}),
    )

    def shape(self, size):
        return (2 * size["shown"],)

    def data(self, split, rung, seed):
        level, rng = self.rungs[rung], np.random.default_rng(seed)
        facts = rng.permutation(FIRST * SECOND)[: level.size["facts"]]
        values = rng.permutation(np.arange(len(facts)) % VALUES)  # each value as often
        return Data(
            *_shown(rng, level.train_items, level.size["shown"], facts, values),
            *_shown(rng, level.scored_items, level.size["shown"], facts, values),
        )


def _shown(rng, count, shown, facts, values):
    """Return tokens and labels, both `(count, 2 * shown)` int16, with so many facts in each item."""
    chosen = rng.integers(0, len(facts), (count, shown))
    tokens = np.stack([facts[chosen] // SECOND, FIRST + facts[chosen] % SECOND], axis=2)
    labels = np.stack([np.full_like(chosen, IGNORED_LABEL), values[chosen]], axis=2)
    return tuple(array.reshape(count, 2 * shown).astype(np.int16) for array in (tokens, labels))
