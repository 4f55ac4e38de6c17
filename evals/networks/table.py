"""Small tables whose labels come from random decision trees.

Source: tables on which trees beat networks, and why: Grinsztajn et al., "Why do tree-based models still
outperform deep learning on typical tabular data?", 2022 (irregular targets, uninformative columns).
"""

import numpy as np

from agentarch.task import Data, Rung
from agentarch.tasks import ClassificationTask

COLUMNS, CLASSES = 12, 4


class Table(ClassificationTask):
    """Rows of independent columns; a decision tree, another for every seed, gives their class.

    Every node of the tree cuts what reaches it in half, at one of a few columns, and as many leaves have one
    class as another. The other columns say nothing. Telling designs apart: those that single out columns and
    cut sharply against those that blend all, or look for an order among them.
    """

    name = "table"
    description = "rows of a table labelled by a random decision tree; needs sharp cuts at few columns"
    inputs, output, causal = "table", "one", False
    n_outputs = CLASSES
    chance = 1 / CLASSES
    rungs = (
        Rung(10, 16, 256, 100, 200_000, 20, {"depth": 2, "informative": 3}),
        Rung(200, 32, 2_000, 2_000, 200_000, 60, {"depth": 3, "informative": 4}),
        Rung(500, 32, 4_000, 2_000, 200_000, 120, {"depth": 4, "informative": 5}),
        Rung(1_000, 32, 8_000, 2_000, 200_000, 300, {"depth": 5, "informative": 6}),
    )

    def shape(self, size):
        return (COLUMNS,)

    def data(self, split, rung, seed):
        level, rng = self.rungs[rung], np.random.default_rng(seed)
        columns, cuts = _tree(rng, level.size["depth"], level.size["informative"])
        blocks = np.tile(np.arange(CLASSES), (2 ** level.size["depth"] // CLASSES, 1))
        classes = rng.permuted(blocks, axis=1).ravel()  # leaves that are neighbours have different ones
        rows = rng.uniform(-1, 1, (level.train_items + level.scored_items, COLUMNS))
        leaves = _leaves(rows, columns, cuts, level.size["depth"])
        inputs, labels = rows.astype(np.float32), classes[leaves].astype(np.int16)
        train, scored = slice(level.train_items), slice(level.train_items, None)
        return Data(inputs[train], labels[train], inputs[scored], labels[scored])


def _tree(rng, depth, informative):
    """Return the column and the cut of every inner node, `(2**depth - 1,)`; node n has children 2n + 1 and 2n + 2."""
    chosen = rng.permutation(COLUMNS)[:informative]
    columns, cuts = np.empty(2**depth - 1, np.int64), np.empty(2**depth - 1)
    bounds = {0: np.tile([-1.0, 1.0], (COLUMNS, 1))}
    for node in range(len(columns)):
        parent = columns[(node - 1) // 2] if node else -1
        column = columns[node] = rng.choice(chosen[chosen != parent])
        cuts[node] = bounds[node][column].mean()
        for child, end in ((2 * node + 1, 1), (2 * node + 2, 0)):
            bounds[child] = bounds[node].copy()
            bounds[child][column, end] = cuts[node]
    return columns, cuts


def _leaves(rows, columns, cuts, depth):
    """Return which leaf each row falls into, `(rows,)`, counted from 0."""
    nodes = np.zeros(len(rows), np.int64)
    for _ in range(depth):
        is_right = rows[np.arange(len(rows)), columns[nodes]] > cuts[nodes]
        nodes = 2 * nodes + 1 + is_right
    return nodes - len(columns)
