"""Selective copying: repeat the data tokens of a noisy sequence in order.

Source: Gu & Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", 2023, after
Jing et al., "Gated Orthogonal Recurrent Units", 2019.
"""

import numpy as np

from agentarch.task import IGNORED_LABEL, Rung
from agentarch.tasks import ClassificationTask

SYMBOLS = 32
NOISE, MARKER = SYMBOLS, SYMBOLS + 1


class Copy(ClassificationTask):
    """Data tokens at random places among noise, then as many markers; at marker *i* the label is token *i*.

    The gaps vary, so a fixed pattern of distances does not help. Telling designs apart: those whose mixing
    depends on content (gates, selection, attention) against time-invariant convolutions.
    """

    name = "copy"
    description = "repeat scattered tokens in order; needs content-dependent selection"
    vocab_size = n_outputs = SYMBOLS + 2
    chance = 1 / SYMBOLS
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {"region": 12, "data": 4}),
        Rung(300, 32, 9_600, 256, 200_000, 60, {"region": 12, "data": 4}),
        Rung(500, 32, 16_000, 256, 200_000, 120, {"region": 20, "data": 6}),
        Rung(1_000, 32, 32_000, 512, 200_000, 300, {"region": 32, "data": 8}),
    )

    def shape(self, size):
        return (size["region"] + size["data"],)

    def items(self, rng, count, size, is_scored):
        region, data = size["region"], size["data"]
        symbols = rng.integers(0, SYMBOLS, (count, data))
        places = rng.permuted(np.tile(np.arange(region), (count, 1)), axis=1)[:, :data]
        tokens = np.full((count, region + data), NOISE, np.int16)
        np.put_along_axis(tokens, np.sort(places, axis=1), symbols.astype(np.int16), axis=1)
        tokens[:, region:] = MARKER
        labels = np.full_like(tokens, IGNORED_LABEL)
        labels[:, region:] = symbols
        return tokens, labels
