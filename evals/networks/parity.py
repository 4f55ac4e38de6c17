"""Running parity, scored at lengths beyond training.

Source: the classic state-tracking problem; that attention of fixed depth does not extend it to longer
sequences: Hahn, "Theoretical Limitations of Self-Attention", 2020; Delétang et al., "Neural Networks and
the Chomsky Hierarchy", 2022.
"""

import numpy as np

from agentarch.scoring.metrics import classification_metrics
from agentarch.task import IGNORED_LABEL, Data, Rung, Spec


class Parity:
    """Random bits; at each position the label is the parity of all bits so far.

    Only positions beyond the training length are graded. Telling designs apart: those that carry a state
    from step to step against those that see a fixed number of steps or distances.
    """

    name = "parity"
    kind = "network"
    description = "parity of all bits so far, beyond the training length; needs a state carried step by step"
    metric = "accuracy"
    chance = 0.5
    ceiling = 1.0
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {"trained": 8, "scored": 24}),
        Rung(200, 32, 6_400, 256, 200_000, 60, {"trained": 16, "scored": 48}),
        Rung(300, 32, 9_600, 256, 200_000, 120, {"trained": 24, "scored": 72}),
        Rung(500, 32, 16_000, 512, 200_000, 300, {"trained": 32, "scored": 96}),
    )

    def spec(self, rung):
        return Spec(
            kind="tokens",
            input_shape=(self.rungs[rung].size["scored"],),
            vocab_size=2,
            n_outputs=2,
            output="per_position",
            causal=True,
            max_parameters=self.rungs[rung].max_parameters,
        )

    def data(self, split, rung, seed):
        level = self.rungs[rung]
        training, scored = np.random.default_rng(seed).spawn(2)
        train_bits = training.integers(0, 2, (level.train_items, level.size["trained"]), np.int8)
        bits = scored.integers(0, 2, (level.scored_items, level.size["scored"]), np.int8)
        labels = _running_parity(bits)
        labels[:, : level.size["trained"]] = IGNORED_LABEL
        return Data(train_bits, _running_parity(train_bits), bits, labels)

    def grade(self, predictions, labels):
        return classification_metrics(predictions, labels)


def _running_parity(bits):
    return np.bitwise_xor.accumulate(bits, axis=1)
