"""Which part of an answer is the program, and what a verdict on it is worth. Runs nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from agentarch.syntax import parse
from agentarch.task import PASSED

MOST_CHARACTERS = 64_000
FENCES = ("```", "~~~")


def code_in(answer: str, entry_point: str) -> str | None:
    """Return the program in an answer: the last fenced block that defines the function, or the whole answer if it does.

    A program is one that parses and has the function at its top level. An answer that is too long has none.
    """
    if len(answer) > MOST_CHARACTERS:
        return None
    for source in (*reversed(tuple(_blocks(answer))), answer):
        if defines(source, entry_point):
            return source
    return None


def defines(source: str, entry_point: str) -> bool:
    """Return whether a source parses and defines a function, or gives something its name, at its top level."""
    if entry_point not in source:
        return False
    try:
        body = parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(entry_point in _names(statement) for statement in body)


def code(verdicts: Sequence[str], labels: Sequence[str]) -> NDArray[np.float64]:
    """Return 1 for each verdict that says that a program passed its tests, and 0 for the others, `(items,)`.

    The share of first programs that pass is pass@1 of Chen et al., "Evaluating Large Language Models Trained on Code",
    2021.
    """
    return np.array([float(one == PASSED) for one, _ in zip(verdicts, labels, strict=True)], np.float64)


def _blocks(answer: str) -> Iterator[str]:
    """Yield what stands between fences; the last block need not be closed."""
    lines: list[str] | None = None
    for line in answer.splitlines():
        if line.lstrip().startswith(FENCES):
            if lines is None:
                lines = []
            else:
                yield "\n".join(lines) + "\n"
                lines = None
        elif lines is not None:
            lines.append(line)
    if lines:
        yield "\n".join(lines) + "\n"


def _names(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Assign):
        return {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return set()
