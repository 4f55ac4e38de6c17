"""The proposer `edges`: who hears whom among a fixed pool of operations, learnt edge by edge.

Every edge that may be has a probability. A graph is drawn, written as a design and scored, and the probabilities of its
edges move with how much better it was than usual (REINFORCE with a moving baseline): Zhuge et al., "Language Agents as
Optimizable Graphs", 2024 (GPTSwarm).
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterable, Mapping
from itertools import combinations

from agentarch.design import Design, Proposal
from agentarch.evaluation import Evaluation
from agentarch.proposers.contract import Context
from agentarch.proposers.pipelines.composing import pruned
from agentarch.proposers.pipelines.definitions import define
from agentarch.proposers.pipelines.memory import Genes, Lesson, Memory, listed
from agentarch.proposers.pipelines.reading import Pipeline
from agentarch.proposers.pipelines.variation import fits, is_new, written
from agentarch.proposers.pipelines.wrappers import stock
from agentarch.proposers.pipelines.writing import MAX_NAME_CHARACTERS
from agentarch.text import counted

Edge = tuple[str, str]
Graph = tuple[Edge, ...]

ANSWERING = ("direct", "steps", "another", "divide", "rephrase")
"""Operations that hear nobody."""

JUDGING = ("revise", "reconsider", "check", "compare", "vote")
"""Operations on what others have said; each may hear all before it, and the last one is the whole's answer."""

LAST = JUDGING[-1]
FUNCTIONS = {"reconsider": "revise"}
"""The function of an operation that bears another name: `reconsider` is a second `revise`."""

POSSIBLE: Graph = tuple(
    (source, target) for source, target in combinations((*ANSWERING, *JUDGING), 2) if target in JUDGING
)
"""Every edge that may be."""

ATTEMPTS = 100
"""How many graphs are drawn before nothing is proposed."""

RATE = 0.25
"""How far a logit moves for a score one deviation above the usual."""

KEPT = 0.9
"""How much of the baseline stays when a score comes in."""

LEAST_DEVIATION = 0.02
MOST_LOGIT = 3.0


class EdgeProbabilities:
    """How likely each edge is: even at first, then by what graphs with and without it have scored.

    Attributes:
        logits: of each possible edge.
    """

    def __init__(self) -> None:
        self.logits = dict.fromkeys(POSSIBLE, 0.0)
        self._usual: dict[tuple[str, int], tuple[float, float]] = {}

    def __getitem__(self, edge: Edge) -> float:
        return 1 / (1 + math.exp(-self.logits[edge]))

    def learn(self, lesson: Lesson[Graph]) -> None:
        """Move by how much better than usual a graph has scored, in deviations of such scores."""
        mean, variance = self._usual.get(lesson.terms, (lesson.score, 0.0))
        surprise = lesson.score - mean
        variance = KEPT * variance + (1 - KEPT) * surprise**2
        self._usual[lesson.terms] = (mean + (1 - KEPT) * surprise, variance)
        step = RATE * max(-3.0, min(3.0, surprise / max(math.sqrt(variance), LEAST_DEVIATION)))
        present = set(lesson.genes)
        for edge, logit in self.logits.items():
            moved = logit + step * ((edge in present) - self[edge])
            self.logits[edge] = max(-MOST_LOGIT, min(MOST_LOGIT, moved))

    def draw(self, rng: random.Random, evenness: float) -> Graph:
        """Draw a graph.

        Args:
            rng: the source of chance.
            evenness: 0 to draw by the probabilities, 1 to draw each edge as likely as not.
        """
        chances = {edge: self[edge] + (0.5 - self[edge]) * evenness for edge in POSSIBLE}
        return alive(edge for edge, chance in chances.items() if rng.random() < chance)


class EdgeSwarm:
    """Draws graphs of operations, and learns which edges are worth having.

    Attributes:
        probabilities: of the edges, as learnt so far.
    """

    name = "edges"

    def __init__(self) -> None:
        self.probabilities = EdgeProbabilities()
        self._memory: Memory[Graph] = Memory("EDGES", understood)

    def propose(self, context: Context) -> Proposal | None:
        """Draw a graph that the run has not seen; None when chance gives none."""
        for attempt in range(ATTEMPTS):
            graph = self.probabilities.draw(context.rng, attempt / ATTEMPTS)
            if proposal := _proposal(graph, context.limits, context.known):
                return proposal
        return None

    def learn(self, evaluation: Evaluation, design: Design) -> None:
        """Move the probabilities by what a graph has scored; other designs teach nothing."""
        if lesson := self._memory.lesson(evaluation, design):
            self.probabilities.learn(lesson)


def alive(edges: Iterable[Edge]) -> Graph:
    """Return the edges that matter, in order: those from an operation that says something to one that is heard.

    Where nothing comes to the last operation, it hears `direct`.
    """
    kept = set(edges)
    speaking = set(ANSWERING)
    for name in JUDGING:
        if any(target == name and source in speaking for source, target in kept):
            speaking.add(name)
    heard = {LAST}
    for name in reversed((*ANSWERING, *JUDGING)):
        if any(source == name and target in heard for source, target in kept):
            heard.add(name)
    found = tuple(
        (a, b) for a, b in POSSIBLE if (a, b) in kept and a in speaking and b in heard and a in heard
    )
    return found or ((ANSWERING[0], LAST),)


def understood(value: Genes) -> Graph | None:
    """Return the graph that a constant stands for."""
    graph = tuple(edge for edge in POSSIBLE if edge in value)
    return graph if graph and len(graph) == len(value) else None


def rendered(graph: Graph) -> Pipeline:
    """Return the pipeline of a graph."""
    swarm = stock("swarm")
    names = [name for name in (*ANSWERING, *JUDGING) if any(name in edge for edge in graph)]
    pairs = (f'"{name}": {FUNCTIONS.get(name, name)},' for name in names)
    table = "operations = {\n        " + "\n        ".join(pairs) + "\n    }"
    solve = define(swarm.root.text.replace("operations = {}", table))
    edges = define(f"EDGES = {listed(graph)}")
    bare = swarm.with_changed(swarm.by_name["EDGES"], edges)
    return pruned(bare.with_changed(swarm.root, solve))


def _proposal(graph: Graph, limits: Mapping[str, float], known: Collection[str]) -> Proposal | None:
    pipeline = rendered(graph)
    if not fits(pipeline, limits, None, None):
        return None
    names = dict.fromkeys(source for source, _ in graph)
    size = f"{counted(len(names) + 1, 'operation')} with {counted(len(graph), 'edge')}"
    account = f"A graph of {size}, drawn by what was learnt of its edges."
    name = f"swarm-of-{'-'.join(names)}"
    name = name if len(name) <= MAX_NAME_CHARACTERS else f"swarm-of-{size.replace(' ', '-')}"
    source = written(pipeline, name, account, ())
    return (
        Proposal(source, name, account, EdgeSwarm.name, "draw") if source and is_new(source, known) else None
    )
