"""How two sources differ, line by line."""

from __future__ import annotations

import difflib

MOST_LINES = 3_000
"""A difference between longer sources is not looked for: the search for it grows with the square."""


def source_difference(before: str, after: str, before_name: str, after_name: str) -> str | None:
    """Return how two sources differ, as a unified difference; None when they are too long to compare."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > MOST_LINES:
        return None
    return "\n".join(difflib.unified_diff(old, new, before_name, after_name, n=3, lineterm=""))
