"""The control of `series`: the same items with their positions in another order.

Source: Greydanus & Kobak, "Scaling Down Deep Learning with MNIST-1D", 2024, who shuffle to show that a gain is
spatial.
"""

from dataclasses import replace

import numpy as np

from agentarch.catalogue import find_task

ORDER_SEED = 0


class SeriesShuffled(type(find_task("series", "network"))):
    """Series whose positions have been put in one fixed random order, the same for all items.

    All that was told is still told, but not by neighbours. Telling designs apart: a design that is better here owes
    nothing to a spatial bias, and what such a bias gained on `series` must vanish.
    """

    name = "series_shuffled"
    description = "series with its positions in a fixed random order; a spatial gain must vanish"

    def data(self, split, rung, seed):
        data = super().data(split, rung, seed)
        order = np.random.default_rng(ORDER_SEED).permutation(data.inputs.shape[1])
        return replace(data, train_inputs=data.train_inputs[:, order], inputs=data.inputs[:, order])
