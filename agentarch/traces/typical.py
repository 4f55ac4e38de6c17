"""What a design does with most questions: its calls merged into steps, with how each step fares.

Calls of different questions are one step when they have the same level in their graphs and the same signature, the
words that the design's code wrote into their prompts; see `agentarch.traces.templates`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

from agentarch.traces.blame import Blame, Fault, blame_of, is_checkable, is_right, says
from agentarch.traces.graph import Graph, graph_of
from agentarch.traces.record import CallRecord, Trace
from agentarch.traces.templates import Signature, Wording, wording_of
from agentarch.traces.words import right_answers

MOST_STEPS = 24
"""Steps that are kept apart; calls of the rarest others are only counted."""

FEWEST_SHARE = 0.05
"""A step or a link that occurs in a smaller share of the questions is left out of the typical graph."""

_ALIKE = 0.9

Key = tuple[int, Signature]


@dataclass(frozen=True)
class Question:
    """One question of a trace with what was made of it.

    Attributes:
        number: from 1.
        question: as the design was asked.
        answer: the final one.
        label: what would have been right; empty where that is not known.
        outcome: how it ended.
        value: what it was graded.
        graph: of its calls.
        blame: who was wrong first; None where the answer is right, or nobody can tell.
        says_right: numbers of the calls that say the right answer; None where nobody can tell.
        steps: the step of each call, by number; calls of rare steps have none.
    """

    number: int
    question: str
    answer: str
    label: str
    outcome: str
    value: float
    graph: Graph
    blame: Blame | None
    says_right: frozenset[int] | None
    steps: dict[int, int] = field(default_factory=dict)

    @property
    def is_right(self) -> bool:
        """Whether it was answered rightly."""
        return is_right(self.value)


@dataclass(frozen=True)
class Step:
    """Calls of many questions that do the same.

    Attributes:
        number: from 1, by level, the most frequent first.
        level: calls of a chain that come before.
        label: what it asks for, in a few words; hostile text.
        prompt: one that was asked; hostile text.
        share: of questions in which it occurs.
        calls: a question in which it occurs.
        tokens: mean of a call.
        seconds: mean of a call.
        faults: wrong answers for which it was wrong first, by fault.
        right: share of its calls that say the right answer; None where nobody can tell.
    """

    number: int
    level: int
    label: str
    prompt: str
    share: float
    calls: float
    tokens: float
    seconds: float
    faults: dict[Fault, int]
    right: float | None

    @property
    def first_errors(self) -> int:
        """Questions on which it was wrong first."""
        return sum(self.faults.values())


@dataclass(frozen=True)
class Link:
    """How often one step feeds another.

    Attributes:
        start: number of a step; 0 for the question.
        to: number of a step; 0 for the final answer.
        share: of questions.
    """

    start: int
    to: int
    share: float


@dataclass(frozen=True)
class Typical:
    """The typical graph of a design.

    Attributes:
        questions: each with its own graph.
        steps: by number.
        links: those between them that occur often enough.
        faults: of all questions, how wrong answers came about.
        rare_calls: share of all calls that belong to no step here.
        is_checkable: whether texts tell who was wrong first.
    """

    questions: tuple[Question, ...]
    steps: tuple[Step, ...]
    links: tuple[Link, ...]
    faults: dict[Fault, int]
    rare_calls: float
    is_checkable: bool

    @property
    def wrong(self) -> int:
        """Questions that were answered wrongly."""
        return sum(not one.is_right for one in self.questions)


def typical_of(traces: Sequence[Trace]) -> Typical:
    """Return the typical graph of a design over the questions of its evaluations."""
    questions = [one for trace in traces for one in trace.questions]
    calls = [one for trace in traces for one in trace.calls]
    wording = wording_of(questions, calls)
    looked: list[Question] = []
    for trace in traces:
        checkable = is_checkable(trace)
        labels = trace.labels or ("",) * len(trace.questions)
        for at, question in enumerate(trace.questions):
            looked.append(_look(len(looked) + 1, trace, at, labels[at], checkable, wording, question))
    keys = _keys(looked, wording)
    kept = _kept(keys, len(looked))
    number_of = {key: number for number, key in enumerate(kept, start=1)}
    for one, found in zip(looked, keys, strict=True):
        one.steps.update({call: number_of[key] for call, key in found.items() if key in number_of})
    members: dict[int, list[tuple[Question, CallRecord]]] = {number: [] for number in number_of.values()}
    for one in looked:
        for call in one.graph.calls:
            if call.number in one.steps:
                members[one.steps[call.number]].append((one, call))
    faults = Counter(
        (one.steps.get(one.blame.call), one.blame.fault)
        for one in looked
        if one.blame is not None and one.blame.call is not None
    )
    total = sum(len(one.graph.calls) for one in looked)
    return Typical(
        questions=tuple(looked),
        steps=tuple(
            _step(number, key[0], members[number], len(looked), faults, wording)
            for key, number in number_of.items()
        ),
        links=_links(looked),
        faults=dict(Counter(one.blame.fault for one in looked if one.blame is not None)),
        rare_calls=1 - sum(map(len, members.values())) / total if total else 0.0,
        is_checkable=any(one.says_right is not None for one in looked),
    )


def _look(
    number: int, trace: Trace, at: int, label: str, checkable: bool, wording: Wording, question: str
) -> Question:
    answer, outcome, value = trace.answers[at], trace.outcomes[at], trace.values[at]
    graph = graph_of(question, trace.calls[at], answer, wording.own)
    blame = None
    if checkable and not is_right(value):
        blame = blame_of(question, graph, answer, label, outcome)
    right = right_answers(label)
    who = frozenset(call.number for call in graph.calls if says(call, right)) if checkable else None
    return Question(number, question, answer, label, outcome, value, graph, blame, who)


def _keys(looked: Sequence[Question], wording: Wording) -> list[dict[int, Key]]:
    """Return the step of every call by what tells steps apart; nearly equal signatures of a level are one."""
    signatures: dict[tuple[str, str, str], Signature] = {}

    def signature(question: str, call: CallRecord) -> Signature:
        told = (question, call.system, call.prompt)
        if told not in signatures:
            signatures[told] = wording.signature(question, call)
        return signatures[told]

    found = [
        {
            call.number: (one.graph.levels[call.number], signature(one.question, call))
            for call in one.graph.calls
        }
        for one in looked
    ]
    counts = Counter(key for keys in found for key in keys.values())
    heads: list[Key] = []
    head_of: dict[Key, Key] = {}
    for key, _ in counts.most_common():
        head_of[key] = next((head for head in heads if _are_alike(head, key)), key)
        if head_of[key] == key and len(heads) < 4 * MOST_STEPS:
            heads.append(key)
    return [{call: head_of[key] for call, key in keys.items()} for keys in found]


def _are_alike(one: Key, other: Key) -> bool:
    if one[0] != other[0]:
        return False
    first, second = set(one[1]), set(other[1])
    return len(first & second) >= _ALIKE * len(first | second) if first and second else first == second


def _kept(keys: Sequence[dict[int, Key]], questions: int) -> list[Key]:
    """Return the steps that occur often enough, by level, and the most frequent of a level first."""
    shares = Counter(key for found in keys for key in set(found.values()))
    often = [key for key, count in shares.most_common(MOST_STEPS) if count >= FEWEST_SHARE * questions]
    return sorted(often, key=lambda key: (key[0], -shares[key], key[1]))


def _step(
    number: int,
    level: int,
    of_step: Sequence[tuple[Question, CallRecord]],
    questions: int,
    faults: Counter[tuple[int | None, Fault]],
    wording: Wording,
) -> Step:
    having = len({one.number for one, _ in of_step})
    told = [call.number in one.says_right for one, call in of_step if one.says_right is not None]
    example, call = of_step[0]
    return Step(
        number=number,
        level=level,
        label=wording.gist(example.question, call),
        prompt=call.prompt,
        share=having / questions,
        calls=len(of_step) / having,
        tokens=fmean(call.tokens for _, call in of_step),
        seconds=fmean(call.seconds for _, call in of_step),
        faults={fault: faults[number, fault] for fault in Fault if faults[number, fault]},
        right=fmean(told) if told else None,
    )


def _links(looked: Sequence[Question]) -> tuple[Link, ...]:
    """Return the links that occur in enough questions; what nothing feeds is fed by the question."""
    counts: defaultdict[tuple[int, int], int] = defaultdict(int)
    for one in looked:
        steps, graph = one.steps, one.graph
        found = {(steps.get(start, -1), steps.get(to, -1)) for start, to in graph.edges}
        found |= {(0, steps.get(call, -1)) for call, sources in graph.sources.items() if not sources}
        found |= {(steps.get(call, -1), 0) for call in graph.finals}
        for link in found:
            if -1 not in link:
                counts[link] += 1
    shares = {link: count / len(looked) for link, count in sorted(counts.items())}
    return tuple(Link(*link, share) for link, share in shares.items() if share >= FEWEST_SHARE)
