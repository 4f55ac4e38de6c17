"""Handwritten digits of 8 by 8 pixels.

Source: Alpaydin & Kaynak, "Optical Recognition of Handwritten Digits", 1998, as scikit-learn ships it. The
images and their labels are read here, in the engine: no box is shown the package that they lie in.
"""

from functools import cache

import numpy as np

from agentarch.task import SPLITS, Data, Rung
from agentarch.tasks import ClassificationTask

SIDE, BRIGHTEST, CLASSES, IMAGES = 8, 16, 10, 1_797
NOISE = 0.1


class Digits(ClassificationTask):
    """An image with a little noise on every pixel; the label is the digit.

    Every split has images of its own, and within it those scored are not those trained on. There are few of
    them, so training shows each many times, with other noise. Telling designs apart: those with weights of
    their own for each place, or a sense of which pixels are near, against those that treat places alike.
    """

    name = "digits"
    description = "classify small handwritten digits from few examples; rewards knowing where a pixel is"
    inputs, output, causal = "image", "one", False
    n_outputs = CLASSES
    chance = 1 / CLASSES
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {}),
        Rung(200, 32, 6_400, 200, 200_000, 120, {}),
        Rung(350, 32, 11_200, 200, 200_000, 240, {}),
        Rung(800, 32, 25_600, 200, 200_000, 600, {}),
    )

    def shape(self, size):
        return (1, SIDE, SIDE)

    def data(self, split, rung, seed):
        level, rng = self.rungs[rung], np.random.default_rng(seed)
        scored, trained = np.split(_dealt(_pool(split), rng), [level.scored_items])
        shown = trained[np.arange(level.train_items) % len(trained)]
        return Data(*_noisy(shown, rng), *_noisy(scored, rng))


@cache
def _images():
    from sklearn.datasets import load_digits  # a second to import, so only when it is asked for

    images = load_digits()
    return images.images.astype(np.float32) / BRIGHTEST, images.target.astype(np.int16)


def _pool(split):
    """Return which images a split has: a block each, for in the source the images of one writer stand together."""
    return np.array_split(np.arange(IMAGES), len(SPLITS))[SPLITS.index(split)]


def _dealt(pool, rng):
    """Return images in random order, one of each digit after the other, so that the first are balanced."""
    pool = rng.permutation(pool)
    labels = _images()[1][pool]
    turn = np.array([np.count_nonzero(labels[:place] == labels[place]) for place in range(len(pool))])
    return pool[np.argsort(turn, kind="stable")]


def _noisy(chosen, rng):
    """Return images `(items, 1, 8, 8)` float32 with noise on them, and their labels."""
    images, labels = _images()
    noisy = images[chosen] + rng.normal(0, NOISE, (len(chosen), SIDE, SIDE))
    return noisy.astype(np.float32)[:, None], labels[chosen]
