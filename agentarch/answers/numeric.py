"""Whether the number that an answer ends with is the right one."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from agentarch.answers.labels import labels_in
from agentarch.answers.stated import MOST_READ, stated

MOST_DIGITS = 60
RELATIVE_TOLERANCE = 1e-6
_DOLLARS = re.compile(r"\\?\$")
_LATEX_FRACTION = re.compile(r"\\[dt]?frac\{([0-9]{1,20})\}\{([0-9]{1,20})\}")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_NUMBER = re.compile(
    r"(?<!\w)(?<![0-9]\.)(?:"  # neither the 2 of x2 nor the 3 of 1.2.3
    r"(?P<whole>[0-9]{1,20}) (?=[0-9]{1,20}/[0-9])|)"
    r"(?P<top>(?:[0-9]+(?:,[0-9]+)*(?:\.[0-9]+)?|(?<!\.)\.[0-9]+)(?:[eE][+-]?[0-9]{1,3}(?![0-9]))?)"
    r"(?: ?/ ?(?P<bottom>[0-9]{1,20}))?"
)


def number_in(answer: str) -> float | None:
    r"""Return the number that an answer gives, or None.

    That is the first number in what it states in the end (`\boxed{}`, `####`, `answer is`; see
    `agentarch.answers.stated`), or, where it states nothing with a number in it, the last number of all. Commas between
    thousands, `$` and `%` are left out; `3/4`, `1 3/4`, `\frac{3}{4}`, `.5`, `-2`, `1e3` are numbers. The marks are
    those of Cobbe et al., "Training Verifiers to Solve Math Word Problems", 2021, and of Hendrycks et al., "Measuring
    Mathematical Problem Solving With the MATH Dataset", 2021.
    """
    if len(answer) < MOST_DIGITS and answer.isdigit() and answer.isascii():
        return float(answer)
    end = answer[-MOST_READ:].replace("\N{MINUS SIGN}", "-")
    told = stated(end)
    if told is not None:
        first = next(iter(_numbers(told.split("\n\n")[0])), None)
        if first is not None:
            return first
    return next(iter(deque(_numbers(end), maxlen=1)), None)


def numeric(answers: Sequence[str], labels: Sequence[str]) -> NDArray[np.float64]:
    """Return 1 for each answer that gives one of its label's numbers, and 0 for the others, `(items,)`.

    Whole numbers must be equal; others may be apart by a millionth of themselves.
    """
    return np.array(
        [float(_is_right(answer, label)) for answer, label in zip(answers, labels, strict=True)], np.float64
    )


def _is_right(answer: str, label: str) -> bool:
    given = number_in(answer)
    if given is None:
        return False
    return any(wanted is not None and _same(given, wanted) for wanted in map(number_in, labels_in(label)))


def _same(one: float, other: float) -> bool:
    if one.is_integer() and other.is_integer():
        return one == other
    return math.isclose(one, other, rel_tol=RELATIVE_TOLERANCE)


def _numbers(text: str) -> Iterator[float]:
    """Yield the numbers in a text, as they come; those too long to be meant are left out."""
    plain = _LATEX_FRACTION.sub(r"\1/\2", _DOLLARS.sub("", text))
    for found in _NUMBER.finditer(plain):
        value = _value(found["top"])
        if found["bottom"]:
            under = float(found["bottom"])
            value = value / under if under else math.inf
        value += float(found["whole"] or 0)
        if math.isfinite(value):
            yield -value if _is_negative(plain, found.start()) else value


def _value(digits: str) -> float:
    if len(digits) > MOST_DIGITS:
        return math.inf
    if "," in digits:
        digits = digits.replace(",", "") if _THOUSANDS.fullmatch(digits) else digits.rpartition(",")[2]
    return float(digits)


def _is_negative(text: str, start: int) -> bool:
    """Return whether a dash stands before a number that neither subtracts nor joins."""
    return text[start - 1 : start] == "-" and not re.match(r"[\w)}\]]", text[max(start - 2, 0) : start - 1])
