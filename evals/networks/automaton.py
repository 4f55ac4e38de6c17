"""Predict a cellular automaton some steps ahead.

Source: rule 30 of Wolfram, "Statistical Mechanics of Cellular Automata", 1983; predicting automata with
networks: Gilpin, "Cellular automata as convolutional neural networks", 2019.
"""

import numpy as np

from agentarch.task import Rung
from agentarch.tasks import ClassificationTask

CELLS, RULE = 32, 30


class Automaton(ClassificationTask):
    """Random cells on a ring; at each the label is its state so many steps of rule 30 later.

    The rule maps as many rows to each row, so that half of the labels are ones. A cell depends on as many
    neighbours to each side as there are steps, through a function of rising degree. Telling designs apart:
    local rules that are used again and again against a mixture of everything at once.
    """

    name = "automaton"
    description = "cells of rule 30 some steps ahead; needs local rules applied in turn"
    vocab_size = n_outputs = 2
    chance = 0.5
    causal = False
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {"ahead": 1}),
        Rung(200, 32, 6_400, 256, 200_000, 60, {"ahead": 2}),
        Rung(400, 32, 12_800, 256, 200_000, 120, {"ahead": 3}),
        Rung(1_000, 32, 32_000, 256, 200_000, 300, {"ahead": 4}),
    )

    def shape(self, size):
        return (CELLS,)

    def items(self, rng, count, size, is_scored):
        cells = rng.integers(0, 2, (count, CELLS), np.int8)
        later = cells
        for _ in range(size["ahead"]):
            seen = 4 * np.roll(later, 1, axis=1) + 2 * later + np.roll(later, -1, axis=1)
            later = (RULE >> seen & 1).astype(np.int8)
        return cells, later
