"""Search-and-replace edits of a source: each must match exactly once, or the model is told which did not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentarch.design import MAX_SOURCE_BYTES
from agentarch.meta.draft import AnswerFault
from agentarch.text import one_line

MOST_EDITS = 40
_MOST_MATCHES_TOLD = 100
_SEARCH = re.compile(r"^<{5,9} ?SEARCH\s*$", re.IGNORECASE)
_DIVIDER = re.compile(r"^={5,9}\s*$")
_REPLACE = re.compile(r"^>{5,9} ?REPLACE\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Edit:
    """What is looked for, and what takes its place."""

    search: str
    replace: str


def apply_edits(source: str, edits: Sequence[Edit]) -> str:
    """Make edits one after the other, each on the outcome of those before.

    Args:
        source: of the first parent.
        edits: at least one.

    Raises:
        AnswerFault: an edit does not match exactly once, the outcome is too long, or nothing changed.
    """
    if not 1 <= len(edits) <= MOST_EDITS:
        raise AnswerFault(f"expected 1 to {MOST_EDITS} edits, got {len(edits)}")
    outcome = source = source.replace("\r\n", "\n")
    for number, edit in enumerate(edits, 1):
        search, replace = edit.search.replace("\r\n", "\n"), edit.replace.replace("\r\n", "\n")
        which = f"edit {number} of {len(edits)}"
        if not search.strip():
            raise AnswerFault(f'the "search" of {which} is empty; copy lines of the first parent')
        first = outcome.find(search)
        if first < 0:
            raise AnswerFault(f"{which} matched 0 times, expected exactly once; {_nearest(outcome, search)}")
        if outcome.find(search, first + 1) >= 0:
            raise AnswerFault(
                f"{which} matched {_count(outcome, search)} times, expected exactly once; "
                f"{_lines(outcome, search)}; copy more of the lines around the place that is meant"
            )
        outcome = outcome[:first] + replace + outcome[first + len(search) :]
        if len(outcome) > MAX_SOURCE_BYTES:
            raise AnswerFault(f"after {which} the source has more than {MAX_SOURCE_BYTES:,} bytes")
    if outcome == source:
        raise AnswerFault("the edits leave the first parent as it is; change something")
    return outcome


def edits_in(text: str) -> list[Edit]:
    """Return the edits written as SEARCH/REPLACE blocks; an empty list where there is none.

    Raises:
        AnswerFault: a block is not complete.
    """
    edits: list[Edit] = []
    search: list[str] | None = None
    replace: list[str] | None = None
    for line in text.split("\n"):
        line = line.rstrip("\r")
        short = line if len(line) < 40 else ""
        if _SEARCH.match(short):
            if search is not None:
                raise AnswerFault(f"SEARCH/REPLACE block {len(edits) + 1} is not closed by >>>>>>> REPLACE")
            search, replace = [], None
        elif search is None:
            continue
        elif replace is None and _DIVIDER.match(short):
            replace = []
        elif replace is not None and _REPLACE.match(short):
            edits.append(Edit("\n".join(search), "\n".join(replace)))
            search = None
            if len(edits) > MOST_EDITS:
                raise AnswerFault(f"expected 1 to {MOST_EDITS} edits, got more")
        else:
            (search if replace is None else replace).append(line)
    if search is not None:
        raise AnswerFault(
            f"SEARCH/REPLACE block {len(edits) + 1} is not complete; was the answer cut off? Each needs "
            "<<<<<<< SEARCH, =======, and >>>>>>> REPLACE on lines of their own"
        )
    return edits


def _places(source: str, search: str) -> Iterator[int]:
    position = source.find(search)
    for _ in range(_MOST_MATCHES_TOLD):
        if position < 0:
            return
        yield position
        position = source.find(search, position + 1)


def _count(source: str, search: str) -> str:
    count = sum(1 for _ in _places(source, search))
    return f"{count} or more" if count == _MOST_MATCHES_TOLD else str(count)


def _lines(source: str, search: str) -> str:
    numbers = [source.count("\n", 0, place) + 1 for place in _places(source, search)]
    return "on lines " + ", ".join(str(number) for number in numbers[:5]) + (" …" if len(numbers) > 5 else "")


def _nearest(source: str, search: str) -> str:
    """Say which line of a source is most like the most telling line of what was looked for."""
    wanted = max((_words(line) for line in search.split("\n")[:50]), key=len)
    best, best_share, best_line = 0, 0.0, ""
    for number, line in enumerate(source.split("\n"), 1):
        words = _words(line)
        if not words or not wanted:
            continue
        share = len(words & wanted) / len(words | wanted)
        if share > best_share:
            best, best_share, best_line = number, share, line
    if not best:
        return "no line of the first parent is like it"
    return f"the nearest is line {best}: {one_line(best_line, 120)!r}; copy it exactly, white space included"


def _words(line: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+|[^\w\s]", line[:300]))
