r"""Which part of an answer is the answer: what stands in `\boxed{}`, after `####`, or after `answer is`."""

from __future__ import annotations

import re
from collections.abc import Callable

MOST_READ = 4_000
"""Characters at the end of an answer that are read for the answer."""

_MARKS = (
    re.compile(r"\\boxed ?\{"),
    re.compile(r"####"),
    re.compile(r"\banswer(?: {1,4}is ?:?| {0,4}[:=])", re.IGNORECASE),
)


def stated(answer: str) -> str | None:
    r"""Return what follows the last mark of an answer, to its end, or None where there is no mark.

    The strongest mark counts: `\boxed{` before `####` before `answer is` or `answer:`. The first two are how MATH and
    GSM8K write answers down (Hendrycks et al. 2021, Cobbe et al. 2021). Of a box, what it holds is returned.
    """
    end = answer[-MOST_READ:]
    for mark in _MARKS:
        places = [found.end() for found in mark.finditer(end)]
        if places:
            rest = end[places[-1] :]
            return _to_closing_brace(rest) if mark is _MARKS[0] else rest
    return None


def last_block(text: str, is_row: Callable[[str], object]) -> list[str]:
    """Return the last lines of a text that follow on one another and are rows; blank lines among them are left out."""
    rows: list[str] = []
    for line in reversed(text.splitlines()):
        if not line.strip():
            continue
        if is_row(line):
            rows.append(line)
        elif rows:
            break
    return rows[::-1]


def _to_closing_brace(text: str) -> str:
    depth = 1
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[:place]
    return text
