"""Running parity, scored at lengths beyond training.

Source: the classic state-tracking problem; that attention of fixed depth does not extend it to longer
sequences: Hahn, "Theoretical Limitations of Self-Attention", 2020; Delétang et al., "Neural Networks and
the Chomsky Hierarchy", 2022.
"""

import numpy as np

from agentarch.task import IGNORED_LABEL, Rung
from agentarch.tasks import ClassificationTask


class Parity(ClassificationTask):
    """Random bits; at each position the label is the parity of all bits so far.

    Only positions beyond the training length are graded. Telling designs apart: those that carry a state
    from step to step against those that see a fixed number of steps or distances.
    """

    name = "parity"
    description = "parity of all bits so far, beyond the training length; needs a state carried step by step"
    vocab_size = n_outputs = 2
    chance = 0.5
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {"trained": 8, "scored": 24}),
        Rung(200, 32, 6_400, 256, 200_000, 60, {"trained": 16, "scored": 48}),
        Rung(300, 32, 9_600, 256, 200_000, 120, {"trained": 24, "scored": 72}),
        Rung(500, 32, 16_000, 512, 200_000, 300, {"trained": 32, "scored": 96}),
    )

    def shape(self, size):
        return (size["scored"],)

    def items(self, rng, count, size, is_scored):
        bits = rng.integers(0, 2, (count, size["scored" if is_scored else "trained"]), np.int8)
        labels = np.bitwise_xor.accumulate(bits, axis=1)
        if is_scored:
            labels[:, : size["trained"]] = IGNORED_LABEL
        return bits, labels
