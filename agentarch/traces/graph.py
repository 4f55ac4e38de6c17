"""A question's calls as a graph: what an answer fed is seen from where its text is found again.

An edge leads from a call to a later one whose prompt holds something of the answer that stood neither in the question
nor in what the answering call was itself told. Time gives the rest: no call feeds one that was made before its answer
was read. The graph is what was measured, whatever the design calls itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from agentarch.traces.record import CallRecord

MOST_MEASURED = 128
"""The shape is measured over so many questions of an evaluation."""

MOST_FRAGMENTS = 12
"""Of an answer, so many pieces are looked for."""

_WORD = re.compile(r"[^\W_]+(?:[.,'-][^\W_]+)*")
_ENDS = re.compile(r"[.!?\n]+\s*")
_COMMON = frozenset({"yes", "no", "true", "false", "the", "is", "a", "an"})
"""Answers too common to tell where they came from; only the whole of a longer answer does."""


@dataclass(frozen=True)
class Graph:
    """The graph of one question's calls.

    Attributes:
        calls: its nodes, in the order they were made.
        edges: pairs of their numbers, from a call to one that it fed.
        finals: numbers of the calls whose answer has the final answer in it.
        levels: by number, how many calls of a chain come before it; 0 for those that nothing fed.
    """

    calls: tuple[CallRecord, ...]
    edges: tuple[tuple[int, int], ...]
    finals: tuple[int, ...]
    levels: dict[int, int]

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
            before = [ends[start] for start, to in self.edges if to == call.number]
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


def graph_of(question: str, calls: Sequence[CallRecord], answer: str = "") -> Graph:
    """Return the graph of one question.

    Args:
        question: as the design was asked.
        calls: in the order they were made.
        answer: the final one.
    """
    asked = _folded(question)
    pieces = [_fragments(call, asked) for call in calls]
    rounds = _rounds(calls)
    edges = []
    for at, call in enumerate(calls):
        prompt = _folded(f"{call.system} {call.prompt}")
        for before in range(at):
            is_earlier = rounds[calls[before].ask] < rounds[call.ask]
            if is_earlier and any(f" {piece} " in prompt for piece in pieces[before]):
                edges.append((calls[before].number, call.number))
    levels: dict[int, int] = {}
    for call in calls:
        levels[call.number] = max((levels[start] + 1 for start, to in edges if to == call.number), default=0)
    final = _folded(answer).strip()
    finals = tuple(c.number for c in calls if final and f" {final} " in _folded(c.text))
    return Graph(tuple(calls), tuple(edges), finals, levels)


def shape_of(questions: Sequence[str], calls: Sequence[Sequence[CallRecord]]) -> Shape:
    """Return the mean shape over questions; depth, width and what hangs on edges over the first of them only."""
    pairs = list(zip(questions, calls, strict=True))
    graphs = [graph_of(question, found) for question, found in pairs[:MOST_MEASURED]]
    edges_into = sum(len({to for _, to in graph.edges}) for graph in graphs)
    nodes = sum(len(graph.calls) for graph in graphs)
    return Shape(
        calls=fmean(len(found) for found in calls),
        tokens=fmean(sum(call.tokens for call in found) for found in calls),
        prompt_tokens=fmean(sum(call.prompt_tokens for call in found) for found in calls),
        output_tokens=fmean(sum(call.output_tokens for call in found) for found in calls),
        depth=fmean(graph.depth for graph in graphs),
        width=fmean(graph.width for graph in graphs),
        rounds=fmean(rounds_of(found) for found in calls),
        revision_share=edges_into / nodes if nodes else 0.0,
        critical_seconds=fmean(graph.critical_seconds for graph in graphs),
    )


def rounds_of(calls: Sequence[CallRecord]) -> int:
    """Return how many answers a question had to wait for one after the other, whatever was done with them."""
    return max(_rounds(calls).values(), default=0)


def _rounds(calls: Sequence[CallRecord]) -> dict[int, int]:
    """Return the round of each ask, from 1: one more than that of the asks that had been answered before."""
    rounds: dict[int, int] = {}
    for call in calls:
        if call.ask not in rounds:
            read = sorted(rounds)[: call.after]
            rounds[call.ask] = 1 + max((rounds[one] for one in read), default=0)
    return rounds


def _folded(text: str) -> str:
    """Return a text as lower-case words with one space about each, so that a piece is found as whole words."""
    return f" {' '.join(word.lower() for word in _WORD.findall(text))} "


def _fragments(call: CallRecord, asked: str) -> list[str]:
    """Return what of an answer would give it away in a later prompt: the whole, its sentences, its last word."""
    told = _folded(f"{call.system} {call.prompt}") + asked
    whole = _folded(call.text).strip()
    sentences = [_folded(one).strip() for one in _ENDS.split(call.text) if one.strip()]
    last = [sentence.rpartition(" ")[2] for sentence in sentences]
    wanted = [whole, *sentences, *last]
    found = []
    for piece in dict.fromkeys(wanted):
        is_told = f" {piece} " in told
        if piece and piece not in _COMMON and not is_told:
            found.append(piece)
    return found[:MOST_FRAGMENTS]
