"""Find the place of each token of a list when it is sorted.

Source: sorting as a test of what networks compute: Vinyals et al., "Order Matters: Sequence to Sequence for
Sets", 2016; Delétang et al., "Neural Networks and the Chomsky Hierarchy", 2022.
"""

import numpy as np

from agentarch.task import Rung
from agentarch.tasks import ClassificationTask

LENGTH, NUMBERS = 12, 128


class Sort(ClassificationTask):
    """Distinct numbers in random order; at each the label is its place when they are sorted.

    The numbers of an item lie in a window of their own, somewhere among all numbers, so that a number alone
    says little of its place and comparing is all that helps. Telling designs apart: those that compare each
    with all (attention, pooling) against those that carry a summary in one direction.
    """

    name = "sort"
    description = "the place of each number in sorted order; needs comparing each with all"
    vocab_size, n_outputs = NUMBERS, LENGTH
    chance = 1 / LENGTH
    causal = False
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {"window": 16}),
        Rung(200, 32, 6_400, 256, 200_000, 60, {"window": 16}),
        Rung(400, 32, 12_800, 256, 200_000, 120, {"window": 24}),
        Rung(800, 32, 25_600, 512, 200_000, 300, {"window": 32}),
    )

    def shape(self, size):
        return (LENGTH,)

    def items(self, rng, count, size, is_scored):
        window = rng.permuted(np.tile(np.arange(size["window"]), (count, 1)), axis=1)[:, :LENGTH]
        numbers = window + rng.integers(0, NUMBERS - size["window"] + 1, (count, 1))
        return numbers.astype(np.int16), numbers.argsort(axis=1).argsort(axis=1).astype(np.int16)
