"""How alike two designs are as text, by fingerprints small enough to keep one of every design of a run.

A fingerprint is a minwise hash of the short paths in a design's syntax tree (Broder 1997; Jiang et al., "DECKARD",
2007): the share of equal places in two fingerprints estimates what share of their paths they have in common.
Names that an author chooses do not count; what is called, the operators and the constants do.
"""

from __future__ import annotations

import ast
import re
import zlib
from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from agentarch.design import MAX_SOURCE_BYTES
from agentarch.syntax import parse

PLACES = 192
"""Of a fingerprint: a similarity is off by 0.036 at most, one time in three by more (a binomial share's deviation)."""

Fingerprint = NDArray[np.uint32]
"""`(PLACES,)`."""

_WINDOW = 4
_MOST_LABELS = 100_000
_FIRST_ROWS = 64
_DRAWN = np.random.default_rng(0).integers(1, 2**32, (2, PLACES), dtype=np.uint64)
_FACTORS, _OFFSETS = _DRAWN[0] | np.uint64(1), _DRAWN[1]
_MASK = np.uint64(2**32 - 1)


def fingerprint(source: str) -> Fingerprint:
    """Return the fingerprint of a source; files with equal syntax trees have equal ones, whatever their layout.

    What does not parse is taken word by word.
    """
    source = source[:MAX_SOURCE_BYTES]
    try:
        labels = list(_labels(parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        labels = re.findall(r"\w+|[^\w\s]", source)
    labels = labels[:_MOST_LABELS]
    seen: Counter[str] = Counter()
    windows = set()
    for start in range(max(len(labels) - _WINDOW + 1, 1)):
        window = "\0".join(labels[start : start + _WINDOW])
        seen[window] += 1  # the second of a kind is another one, so that four layers are not as good as two
        windows.add(zlib.crc32(f"{seen[window]}\0{window}".encode("utf-8", "replace")))
    hashed = np.fromiter(windows, np.uint64, len(windows))
    # Multiply, then keep well-mixed bits; a fixed draw, so that fingerprints of different runs compare.
    signature = np.full(PLACES, _MASK, np.uint64)
    for part in np.array_split(hashed, len(hashed) // 4096 + 1):
        mixed = (part[:, None] * _FACTORS + _OFFSETS) & np.uint64(2**63 - 1)
        np.minimum(signature, ((mixed >> np.uint64(16)) & _MASK).min(axis=0), out=signature)
    return signature.astype(np.uint32)


def similarity(one: Fingerprint, other: Fingerprint) -> float:
    """Return how alike two designs are, from 0 to 1; symmetric, and 1 for equal syntax trees."""
    return float(np.mean(one == other))


class KnownDesigns:
    """Fingerprints of designs, and which of them is nearest to another one.

    Ten thousand take 8 MB, and finding the nearest among them a few milliseconds.
    """

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._places: dict[str | None, int] = {}
        self._rows = np.zeros((_FIRST_ROWS, PLACES), np.uint32)

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, design_id: str, design: Fingerprint) -> None:
        """Add a design."""
        if len(self._ids) == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[len(self._ids)] = design
        self._places[design_id] = len(self._ids)
        self._ids.append(design_id)

    def nearest(self, design: Fingerprint, but: str | None = None) -> tuple[str, float] | None:
        """Return the id of the most similar design with the similarity; the first of several, None where none is.

        Args:
            design: to compare with.
            but: the id of one that is passed over.
        """
        shares = (self._rows[: len(self._ids)] == design).mean(axis=1)
        if but in self._places:
            shares[self._places[but]] = -1.0
        if not (shares >= 0).any():
            return None
        best = int(shares.argmax())
        return self._ids[best], float(shares[best])


def _labels(tree: ast.Module) -> Iterator[str]:
    """Yield a label for each node, parents before children, without docstrings."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        yield _label(node)
        stack.extend(
            child
            for child in reversed(list(ast.iter_child_nodes(node)))
            if not isinstance(child, ast.expr_context) and not _is_prose(child)
        )


def _label(node: ast.AST) -> str:
    name = type(node).__name__
    match node:
        case ast.Attribute(value=ast.Name(id="self")):
            return "self"
        case ast.Attribute(attr=attribute):
            return attribute
        case ast.Constant(value=value):
            return f"{name}{zlib.crc32(repr(value).encode('utf-8', 'replace'))}" if _is_small(value) else name
        case ast.keyword(arg=str(argument)):
            return f"{name}{argument}"
        case _:
            return name


def _is_small(value: object) -> bool:
    return not isinstance(value, int) or value.bit_length() < 4096  # longer ones cannot be written out


def _is_prose(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
