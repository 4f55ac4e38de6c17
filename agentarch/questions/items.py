"""Questions with their labels, and which split each is in."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from agentarch.answers import labels_in, normal_form

SHARES = {"search": 0.5, "confirm": 0.25, "test": 0.25}
"""How much of all questions each split has, about."""

MOST_IN_PASSING = 40
"""Characters of a solution that may stand in a question by chance; a longer one was put there."""

_MARKED = re.compile(
    r"(?:#### ?|\banswer(?: is)? ?[:=]? ?|\\boxed\{)([^\n}]{1,200}?)(?=[.!?;,](?:\s|$)|[\n}]|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Item:
    """One question.

    Attributes:
        question: what a design is asked.
        label: what the task grades by.
        place: where it stands in its file, e.g. `line 12`.
        id: as its file names it; empty where it names none.
        group: items of one group are in one split; those without are each a group of their own.
        solution: the worked answer as its file has it, which must not stand in the question; empty where it may.
    """

    question: str
    label: str
    place: str
    id: str = ""
    group: str = ""
    solution: str = ""


def split_of(text: str) -> str:
    """Return the split of a question, or of a group of them; it hangs on that text alone."""
    place = int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big") / 2**64
    for split, share in SHARES.items():
        if place < share:
            return split
        place -= share
    return "test"


def gives_itself_away(item: Item) -> bool:
    """Return whether the answer stands in the question: marked as such, or word by word as its file has it."""
    if len(item.solution) > MOST_IN_PASSING and item.solution.strip() in item.question:
        return True
    if "####" in item.question and "####" in item.solution:
        return True
    marked = [normal_form(one) for one in _MARKED.findall(item.question[-1_000:])]
    return bool(marked) and any(normal_form(one) in marked for one in labels_in(item.label))
