"""Parses Python, one thread at a time.

CPython 3.11 counts the depth of the trees it builds per interpreter: when a collection of garbage lets another thread
in half-way, the counts mix, and sound source is refused with `SystemError` (python/cpython issue 106905).
"""

from __future__ import annotations

import ast
import threading

_ONE_AT_A_TIME = threading.Lock()


def parse(source: str) -> ast.Module:
    """Return the syntax tree of a module; raises what `ast.parse` raises."""
    with _ONE_AT_A_TIME:
        return ast.parse(source)


def parse_expression(source: str) -> ast.expr:
    """Return the syntax tree of one expression; raises what `ast.parse` raises."""
    with _ONE_AT_A_TIME:
        return ast.parse(source, mode="eval").body
