"""One label for several right answers."""

from __future__ import annotations

from collections.abc import Iterable

SEPARATOR = "\x1f"
"""Stands between right answers in a label: the unit separator of ASCII, which is in no text that people read."""


def any_of(answers: Iterable[str]) -> str:
    """Return a label by which each of these answers is right.

    Raises:
        ValueError: one of them holds the separator.
    """
    each = tuple(answers)
    if any(SEPARATOR in one for one in each):
        raise ValueError(f"a right answer holds the control character {SEPARATOR!r}, which nobody can read")
    return SEPARATOR.join(each)


def labels_in(label: str) -> tuple[str, ...]:
    """Return the right answers that a label holds."""
    return tuple(label.split(SEPARATOR))
