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
    """The edges of a graph, node by node; at each node whose class is not told the label is its class.

    Nodes are dealt into communities of equal size, their classes, and edges mostly join members of one. The tokens of
    some nodes carry their class; that of the rest follows from neighbours, and from theirs, in whatever edges they
    stand. Telling designs apart: those that gather what is said of one node all over the input, several times in
    turn, against those that look at one edge or at everything alike.
    """

    name = "graph"
    description = "classes of a graph's nodes from those of others and the edges; needs passing messages"
    vocab_size, n_outputs = NODES * (1 + CLASSES), CLASSES
    chance = 1 / CLASSES
    causal = False
    rungs = (
        Rung(10, 16, 256, 64, 200_000, 20, {"nodes": 6, "told": 3, "edges": 8}),
        Rung(250, 32, 8_000, 512, 200_000, 60, {"nodes": 9, "told": 3, "edges": 12}),
        Rung(500, 32, 16_000, 512, 200_000, 120, {"nodes": 12, "told": 3, "edges": 18}),
        Rung(1_000, 32, 32_000, 512, 200_000, 300, {"nodes": 18, "told": 6, "edges": 30}),
    )

    def shape(self, size):
        return (2 * size["edges"],)

    def items(self, rng, count, size, is_scored):
        nodes, told, edges = (size[name] for name in ("nodes", "told", "edges"))
        every = np.arange(count)[:, None]
        # Nodes by number: their classes alternate, and the first are told. A number says nothing: names are random.
        names = rng.permuted(np.tile(np.arange(NODES), (count, 1)), axis=1)[:, :nodes]
        classes = (np.arange(nodes) + rng.integers(0, CLASSES, (count, 1))) % CLASSES
        tokens = names + np.where(np.arange(nodes) < told, NODES * (1 + classes), 0)

        ends = rng.permuted(np.tile(np.arange(edges) % nodes, (count, 1)), axis=1)  # every node has an edge
        is_loyal = rng.random((count, edges)) < LOYAL
        steps = CLASSES * rng.integers(1, nodes // CLASSES, (count, edges)) + np.where(is_loyal, 0, 1)
        pairs = rng.permuted(np.stack([ends, (ends + steps) % nodes], axis=2), axis=2).reshape(count, -1)
        labels = np.where(pairs < told, IGNORED_LABEL, classes[every, pairs])
        return tokens[every, pairs].astype(np.int16), labels.astype(np.int16)
