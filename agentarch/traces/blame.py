"""Which call was wrong first: for each question that was answered wrongly, where the right answer was missed.

Texts alone decide, so this holds for tasks whose right answers are words that can be found in a call's answer; see
`is_checkable`. A call says an answer when what it comes to has it as whole words (see `closing_of`); it was told one
when the text stood in its prompt but not in the question, or when a call that fed it says it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from agentarch.traces.graph import Graph
from agentarch.traces.record import CallRecord, Trace
from agentarch.traces.words import closing_of, folded, holds, right_answers, words_in

RIGHT = 0.5
"""A question that was graded so, or better, counts as answered rightly."""

CHECKABLE_SHARE = 0.7
"""Of the answers that were graded right, so many must have the label in them for labels to be answers."""

LONGEST_LABEL = 24
"""Words; where nothing was answered rightly, a longer label is taken for something that no call would write."""


class Fault(StrEnum):
    """How a question came to be answered wrongly, the strongest reason first.

    `FAILED`: the design ended without an answer. `NEVER`: the right answer came up in no call. `MANGLED`: the calls
    had it right at the end, and the design's own code returned something else. `LOST`: a call that was told the right
    answer gave another one, which prevailed. `INTRODUCED`: a call brought the wrong answer in, and the right one,
    which came up elsewhere, did not prevail.
    """

    FAILED = "failed"
    NEVER = "never"
    MANGLED = "mangled"
    LOST = "lost"
    INTRODUCED = "introduced"


MEANINGS = {
    Fault.FAILED: "ended without an answer",
    Fault.NEVER: "the right answer came up in no call",
    Fault.MANGLED: "calls had it right at the end; the design's own code answered something else",
    Fault.LOST: "a call that was told the right answer gave another",
    Fault.INTRODUCED: "a call brought in the wrong answer, and the right one did not prevail",
}
"""Each fault in words, for people."""


@dataclass(frozen=True)
class Blame:
    """Why one question was answered wrongly.

    Attributes:
        fault: how.
        call: number of the call that was wrong first: that lost the right answer, or brought the wrong one in; None
            where it was no call's doing.
    """

    fault: Fault
    call: int | None = None


def is_right(value: float) -> bool:
    """Whether a question with this grade counts as answered rightly."""
    return value >= RIGHT


def is_checkable(trace: Trace) -> bool:
    """Whether the labels of a trace are answers that can be looked for in texts, as tests of a program are not."""
    if len(trace.labels) != len(trace.questions) or not trace.labels:
        return False
    right = [
        any(holds(folded(answer), one) for one in right_answers(label))
        for answer, label, value in zip(trace.answers, trace.labels, trace.values, strict=True)
        if is_right(value)
    ]
    if right:
        return sum(right) >= CHECKABLE_SHARE * len(right)
    return all(len(words_in(label)) <= LONGEST_LABEL for label in trace.labels)


def says(call: CallRecord, answers: Sequence[str]) -> bool:
    """Whether what a call comes to has one of these folded answers."""
    closing = folded(closing_of(call.text))
    return any(holds(closing, one) for one in answers)


def blame_of(question: str, graph: Graph, answer: str, label: str, outcome: str = "scored") -> Blame:
    """Return who was wrong first on a question that was answered wrongly.

    Args:
        question: as the design was asked.
        graph: of its calls.
        answer: the final one, which is wrong.
        label: what would have been right.
        outcome: how the question ended.
    """
    wrong = folded(answer)
    if outcome != "scored" or not wrong.strip():
        return Blame(Fault.FAILED)
    right = right_answers(label)
    asked = folded(question)
    has_wrong = {call.number for call in graph.calls if holds(folded(call.text), wrong)}
    says_wrong = {call.number for call in graph.calls if says(call, (wrong,))} or has_wrong
    has_right = {call.number for call in graph.calls if _has(folded(call.text), right)}
    says_right = {call.number for call in graph.calls if says(call, right)}

    first = _first(graph, says_wrong, (wrong,), says_wrong, asked)
    if not has_right:
        return Blame(Fault.NEVER, first)
    ends = set(graph.ends)
    if not has_wrong or (ends & says_right and not ends & has_wrong):
        return Blame(Fault.MANGLED)
    for call in graph.calls:
        loses = call.number in says_wrong and call.number not in says_right
        if loses and _was_told(call, graph, right, says_right, asked):
            return Blame(Fault.LOST, call.number)
    return Blame(Fault.INTRODUCED, first)


def _first(
    graph: Graph, among: set[int], answers: Sequence[str], who_say: set[int], asked: str
) -> int | None:
    """Return the first call of some that was not told an answer; the very first where all were told."""
    found = [call for call in graph.calls if call.number in among]
    untold = (call for call in found if not _was_told(call, graph, answers, who_say, asked))
    first = next(untold, found[0] if found else None)
    return None if first is None else first.number


def _was_told(call: CallRecord, graph: Graph, answers: Sequence[str], who_say: set[int], asked: str) -> bool:
    if any(source in who_say for source in graph.sources[call.number]):
        return True
    prompt = folded(f"{call.system} {call.prompt}")
    return any(holds(prompt, one) and not holds(asked, one) for one in answers)


def _has(text: str, answers: Sequence[str]) -> bool:
    return any(holds(text, one) for one in answers)
