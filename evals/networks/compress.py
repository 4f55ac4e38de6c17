"""State capacity: read a list of random tokens, then say which stood at a place that is asked for.

Source: the compression task of Poli et al., "Mechanistic Design and Scaling of Hybrid Architectures", 2024,
asked place by place, as in Jelassi et al., "Repeat After Me: Transformers are Better than State Space Models at
Copying", 2024.
"""

import numpy as np

from agentarch.task import IGNORED_LABEL, Rung
from agentarch.tasks import ClassificationTask

SYMBOLS, PLACES = 16, 32


class Compress(ClassificationTask):
    """Random tokens, then tokens that name places; at each of those the label is the token at that place.

    Nothing in the list can be guessed, so all of it must be kept: four bits a token. Telling designs apart: how
    much a state of fixed size holds, and whether a design can look back instead.
    """

    name = "compress"
    description = "say which token stood at a place; needs a state that holds a whole list, or looking back"
    vocab_size = n_outputs = SYMBOLS + PLACES
    chance = 1 / SYMBOLS
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {"list": 6, "queries": 6}),
        Rung(300, 32, 9_600, 256, 200_000, 60, {"list": 6, "queries": 6}),
        Rung(500, 32, 16_000, 256, 200_000, 120, {"list": 12, "queries": 12}),
        Rung(1_000, 32, 32_000, 512, 200_000, 300, {"list": 24, "queries": 24}),
    )

    def shape(self, size):
        return (size["list"] + size["queries"],)

    def items(self, rng, count, size, is_scored):
        listed = rng.integers(0, SYMBOLS, (count, size["list"]))
        places = rng.integers(0, size["list"], (count, size["queries"]))
        labels = np.concatenate(
            [np.full_like(listed, IGNORED_LABEL), np.take_along_axis(listed, places, axis=1)], axis=1
        )
        return np.concatenate([listed, SYMBOLS + places], axis=1).astype(np.int16), labels.astype(np.int16)
