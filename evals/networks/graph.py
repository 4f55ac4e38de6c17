"""Labels of the nodes of a random graph, of which a few are told.

Source: the stochastic block model of Holland, Laskey & Leinhardt, "Stochastic Blockmodels: First Steps", 1983;
labelling the rest from a few: Kipf & Welling, "Semi-Supervised Classification with Graph Convolutional
Networks", 2017. Edges as pairs of tokens: Kim et al., "Pure Transformers are Powerful Graph Learners", 2022.
"""

import numpy as np

from agentarch.task import IGNORED_LABEL, Rung
from agentarch.tasks import ClassificationTask

NODES, CLASSES = 18, 3
LOYAL = 0.9  # share of edges that stay within a community


class Graph(ClassificationTask):
    """Edges as pairs of nodes, then nodes that are asked about; at those the label is the node's class.

    Nodes are dealt into communities of equal size, their classes, and edges mostly join members of one. Some
    nodes are told: their token carries their class, and in an edge with one that is not they stand second. Those
    that are asked about are not told, so that their class follows from neighbours, and from theirs. Telling designs
    apart: those that look up by content, several times in turn, and weigh what they find against those that
    read once.
    """

    name = "graph"
    description = "classes of a graph's nodes from those of others and the edges; needs passing messages"
    vocab_size, n_outputs = NODES * (1 + CLASSES), CLASSES
    chance = 1 / CLASSES
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {"nodes": 6, "told": 3, "edges": 6, "queries": 3}),
        Rung(300, 32, 9_600, 512, 200_000, 60, {"nodes": 9, "told": 6, "edges": 9, "queries": 3}),
        Rung(500, 32, 16_000, 512, 200_000, 120, {"nodes": 12, "told": 6, "edges": 15, "queries": 6}),
        Rung(1_000, 32, 32_000, 512, 200_000, 300, {"nodes": 18, "told": 9, "edges": 24, "queries": 9}),
    )

    def shape(self, size):
        return (2 * size["edges"] + size["queries"],)

    def items(self, rng, count, size, is_scored):
        nodes, told, edges, queries = (size[name] for name in ("nodes", "told", "edges", "queries"))
        every = np.arange(count)[:, None]
        # Nodes by number: their classes alternate, and the first are told. A number says nothing: names are random.
        names = rng.permuted(np.tile(np.arange(nodes), (count, 1)), axis=1)
        swapped = rng.integers(0, CLASSES, (count, 1))
        tokens = names + np.where(
            np.arange(nodes) < told, NODES * (1 + (np.arange(nodes) + swapped) % CLASSES), 0
        )

        ends = rng.permuted(np.tile(np.arange(edges) % nodes, (count, 1)), axis=1)  # every node has an edge
        is_loyal = rng.random((count, edges)) < LOYAL
        steps = CLASSES * rng.integers(1, nodes // CLASSES, (count, edges)) + np.where(is_loyal, 0, 1)
        pairs = np.stack([ends, (ends + steps) % nodes], axis=2)
        is_told = pairs < told
        pairs = np.where(is_told[:, :, :1] & ~is_told[:, :, 1:], pairs[:, :, ::-1], pairs).reshape(count, -1)
        asked = rng.permuted(
            np.tile(np.arange(told, told + queries), (count, 1)), axis=1
        )  # as many of each class

        inputs = np.concatenate([tokens[every, pairs], names[every, asked]], axis=1)
        labels = np.full_like(inputs, IGNORED_LABEL)
        labels[:, -queries:] = (asked + swapped) % CLASSES
        return inputs.astype(np.int16), labels.astype(np.int16)
