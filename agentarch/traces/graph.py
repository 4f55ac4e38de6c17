"""A question's calls as a graph, and the mean shape of a design's graphs.

The graph is what was measured, whatever the design calls itself. `agentarch.traces.evidence` tells where its edges
come from.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from agentarch.traces.evidence import edges_of
from agentarch.traces.record import CallRecord
from agentarch.traces.templates import wording_of
from agentarch.traces.words import folded, holds

MOST_MEASURED = 128
"""The shape is measured over so many questions of an evaluation."""


@dataclass(frozen=True)
class Graph:
    """The graph of one question's calls.

    Attributes:
        calls: its nodes, in the order they were made.
        edges: pairs of their numbers, from a call to one that it fed.
        finals: numbers of the calls that the final answer is from: it stands in theirs, and in none that they fed.
        levels: by number, how many calls of a chain come before it; 0 for those that nothing fed.
    """

    calls: tuple[CallRecord, ...]
    edges: tuple[tuple[int, int], ...]
    finals: tuple[int, ...]
    levels: dict[int, int]

    @cached_property
    def sources(self) -> dict[int, tuple[int, ...]]:
        """By number, the calls that fed it, in order."""
        found: dict[int, tuple[int, ...]] = {call.number: () for call in self.calls}
        for start, to in self.edges:
            found[to] = (*found[to], start)
        return found

    @property
    def ends(self) -> tuple[int, ...]:
        """Numbers of the calls that fed no other."""
        starts = {start for start, _ in self.edges}
        return tuple(call.number for call in self.calls if call.number not in starts)

    @property
    def depth(self) -> int:
        """Calls on the longest chain."""
        return max(self.levels.values(), default=-1) + 1

    @property
    def width(self) -> int:
        """Calls of the widest level."""
        counts: dict[int, int] = {}
        for level in self.levels.values():
            counts[level] = counts.get(level, 0) + 1
        return max(counts.values(), default=0)

    @property
    def revision_share(self) -> float:
        """Share of calls that read an earlier answer."""
        return len({to for _, to in self.edges}) / len(self.calls) if self.calls else 0.0

    @property
    def critical_seconds(self) -> float:
        """What the slowest chain of calls took: no number of servers makes the question faster."""
        ends: dict[int, float] = {}
        for call in self.calls:
            before = (ends[start] for start in self.sources[call.number])
            ends[call.number] = max(before, default=0.0) + call.seconds
        return max(ends.values(), default=0.0)


@dataclass(frozen=True)
class Shape:
    """The mean shape of a design's graphs, over questions.

    Attributes:
        calls: a question.
        tokens: a question, prompts and answers together.
        prompt_tokens: a question.
        output_tokens: a question.
        depth: see `Graph.depth`.
        width: see `Graph.width`.
        rounds: answers that had to be waited for one after the other.
        revision_share: of all calls, those that read an earlier answer.
        critical_seconds: see `Graph.critical_seconds`.
    """

    calls: float
    tokens: float
    prompt_tokens: float
    output_tokens: float
    depth: float
    width: float
    rounds: float
    revision_share: float
    critical_seconds: float


def graph_of(
    question: str, calls: Sequence[CallRecord], answer: str = "", own_words: Set[str] = frozenset()
) -> Graph:
    """Return the graph of one question.

    Args:
        question: as the design was asked.
        calls: in the order they were made.
        answer: the final one.
        own_words: that the design's code writes into its prompts, where they are known.
    """
    edges = tuple(
        (calls[start].number, calls[to].number) for start, to in edges_of(question, calls, own_words)
    )
    levels: dict[int, int] = {call.number: 0 for call in calls}
    for start, to in edges:  # in the order of the calls that were fed, so each start has its level already
        levels[to] = max(levels[to], levels[start] + 1)
    final = folded(answer)
    have = {call.number for call in calls if holds(folded(call.text), final)}
    passed_on = {start for start, to in edges if to in have}
    finals = tuple(call.number for call in calls if call.number in have - passed_on)
    return Graph(tuple(calls), edges, finals, levels)


def shape_of(questions: Sequence[str], calls: Sequence[Sequence[CallRecord]]) -> Shape:
    """Return the mean shape over questions; depth, width and what hangs on edges over the first of them only."""
    pairs = list(zip(questions, calls, strict=True))
    own_words = wording_of(questions, calls).own
    graphs = [graph_of(question, found, own_words=own_words) for question, found in pairs[:MOST_MEASURED]]
    fed = sum(len({to for _, to in graph.edges}) for graph in graphs)
    nodes = sum(len(graph.calls) for graph in graphs)
    return Shape(
        calls=fmean(len(found) for found in calls),
        tokens=fmean(sum(call.tokens for call in found) for found in calls),
        prompt_tokens=fmean(sum(call.prompt_tokens for call in found) for found in calls),
        output_tokens=fmean(sum(call.output_tokens for call in found) for found in calls),
        depth=fmean(graph.depth for graph in graphs),
        width=fmean(graph.width for graph in graphs),
        rounds=fmean(rounds_of(found) for found in calls),
        revision_share=fed / nodes if nodes else 0.0,
        critical_seconds=fmean(graph.critical_seconds for graph in graphs),
    )


def rounds_of(calls: Sequence[CallRecord]) -> int:
    """Return how many answers a question had to wait for one after the other, whatever was done with them."""
    rounds = [0] * (max((call.place for call in calls), default=0) + 1)  # by the place of the answer
    for call in calls:
        rounds[call.place] = 1 + max(rounds[: call.after + 1])
    return max(rounds)
