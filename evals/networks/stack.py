"""Bracket languages, scored deeper than trained: find which bracket is open now.

Source: Hewitt et al., "RNNs can generate bounded hierarchical languages with optimal memory", 2020; Delétang et al.,
"Neural Networks and the Chomsky Hierarchy", 2022.
"""

import numpy as np

from agentarch.task import IGNORED_LABEL, Rung
from agentarch.tasks import ClassificationTask

KINDS = 6


class Stack(ClassificationTask):
    """Brackets of six kinds, well nested; at each closing one the label is the kind of the innermost still open.

    Where none is open there is no label, and after an opening bracket the answer would be that bracket. Scored
    sequences nest deeper, and are longer, than those trained on. Telling designs apart: those that keep a
    stack, or find the partner of a bracket by counting, against those that look a fixed way back.
    """

    name = "stack"
    description = "the innermost open bracket, deeper than trained; needs a stack or counting"
    vocab_size, n_outputs = 2 * KINDS, KINDS
    chance = 1 / KINDS
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {"trained": 16, "shallow": 3, "scored": 24, "deep": 6}),
        Rung(300, 32, 9_600, 256, 200_000, 60, {"trained": 24, "shallow": 3, "scored": 32, "deep": 6}),
        Rung(500, 32, 16_000, 256, 200_000, 120, {"trained": 32, "shallow": 4, "scored": 48, "deep": 8}),
        Rung(1_000, 32, 32_000, 512, 200_000, 300, {"trained": 40, "shallow": 5, "scored": 64, "deep": 10}),
    )

    def shape(self, size):
        return (size["scored"],)

    def items(self, rng, count, size, is_scored):
        length, deepest = (size["scored"], size["deep"]) if is_scored else (size["trained"], size["shallow"])
        stacks = np.zeros((count, deepest), np.int64)
        depth, every = np.zeros(count, np.int64), np.arange(count)
        tokens = np.zeros((count, length), np.int16)
        labels = np.full((count, length), IGNORED_LABEL, np.int16)
        for position in range(length):
            opens = (depth == 0) | ((depth < deepest) & (rng.random(count) < 0.5))
            if position == 0 or (position == 1 and deepest > 1):
                opens[:] = True  # so that every item has something to be asked about
            if position == 2:
                opens[:] = False
            kinds = rng.integers(0, KINDS, count)
            top = stacks[every, np.maximum(depth - 1, 0)]
            tokens[:, position] = np.where(opens, kinds, KINDS + top)
            stacks[every[opens], depth[opens]] = kinds[opens]
            depth += np.where(opens, 1, -1)
            is_asked = ~opens & (depth > 0)
            labels[is_asked, position] = stacks[every, np.maximum(depth - 1, 0)][is_asked]
        return tokens, labels
