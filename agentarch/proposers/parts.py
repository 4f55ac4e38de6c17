"""Parts of a network as text: `Residual(width, Attention(width, causal, heads=4))`.

What is inside a part, what it is called in plain words, and which numbers it is given. Every function takes
and returns expressions; nothing here knows a whole file.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from agentarch.syntax import parse, parse_expression

_MAX_WORDS = 60  # characters


@dataclass(frozen=True)
class Wrapped:
    """A part as its wrapper around something: `Residual(width, ` + `Attention(...)` + `)`.

    A part without a wrapper has empty `before` and `after`.
    """

    before: str
    inner: str
    after: str

    def around(self, inner: str) -> str:
        """Return the same wrapper around something else."""
        return f"{self.before}{inner}{self.after}"


@dataclass(frozen=True)
class Size:
    """A number in a source text: what it is called, its value, and where it stands."""

    name: str
    value: int | float
    place: Place


@dataclass(frozen=True)
class Place:
    """A stretch of one line, in UTF-8 bytes as `ast` counts them; lines from 1."""

    line: int
    start: int
    end: int


@lru_cache(maxsize=4096)
def unwrap(part: str) -> Wrapped:
    """Split a part into its wrapper and what that wraps: the one call of a class among its arguments."""
    call = _call(part)
    inner = [argument for argument in call.args if _is_class_call(argument)] if call else []
    keywords = call.keywords if call else []
    if len(inner) != 1 or any(_is_class_call(keyword.value) for keyword in keywords):
        return Wrapped("", part, "")
    encoded = part.encode()
    start, end = inner[0].col_offset, inner[0].end_col_offset
    return Wrapped(encoded[:start].decode(), encoded[start:end].decode(), encoded[end:].decode())


@lru_cache(maxsize=4096)
def classes(part: str) -> tuple[str, ...]:
    """Return the classes that do the work, in order: those that wrap and combine nothing."""
    return tuple(name for name, call in _class_calls(part) if not _has_class_call(call))


def combines(part: str) -> bool:
    """Return whether a part holds several others."""
    return len(classes(part)) > 1


def mixes(part: str) -> bool:
    """Return whether a part moves information between positions: whether it is not a `FeedForward`."""
    return any("FeedForward" not in name for name in classes(part))


@lru_cache(maxsize=4096)
def sizes(part: str) -> tuple[Size, ...]:
    """Return the numbers that the classes of a part are given by keyword."""
    return tuple(size for _, call in _class_calls(part) for size in keyword_sizes(call))


def keyword_sizes(call: ast.Call) -> Iterator[Size]:
    """Yield the plain numbers among a call's keywords."""
    for keyword in call.keywords:
        if keyword.arg and (size := number(keyword.arg, keyword.value)):
            yield size


def number(name: str, value: ast.expr) -> Size | None:
    """Return a literal whole or real number as a size, None for anything else."""
    if not isinstance(value, ast.Constant) or isinstance(value.value, bool):
        return None
    if not isinstance(value.value, int | float) or value.end_lineno != value.lineno:
        return None
    return Size(name, value.value, place_of(value))


def splice(text: str, replacements: Iterable[tuple[Place, str]]) -> str:
    """Return a text with stretches of it replaced; the stretches must not overlap."""
    lines = text.split("\n")
    for place, new in sorted(replacements, key=lambda pair: (pair[0].line, pair[0].start), reverse=True):
        line = lines[place.line - 1].encode()
        lines[place.line - 1] = (line[: place.start] + new.encode() + line[place.end :]).decode()
    return "\n".join(lines)


def rename(expression: str, new_names: dict[str, str]) -> str:
    """Return an expression that refers to things by their new names."""
    found = [
        node for node in ast.walk(parse(expression)) if isinstance(node, ast.Name) and node.id in new_names
    ]
    return splice(expression, [(place_of(node), new_names[node.id]) for node in found])


def place_of(node: ast.expr) -> Place:
    """Return where a node that lies on one line stands."""
    return Place(node.lineno, node.col_offset, node.end_col_offset or node.col_offset)


def words(identifier: str) -> str:
    """Return an identifier as plain words: `FeedForward` becomes `feed forward`.

    Anything but ASCII letters and digits is dropped, so the result is safe in a docstring and in a name.
    """
    plain = unicodedata.normalize("NFKD", identifier[: 2 * _MAX_WORDS])
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_-]", " ", plain)
    return " ".join(re.sub(r"[^A-Za-z0-9 ]", "", spaced).lower().split())[:_MAX_WORDS].strip()


def title(part: str) -> str:
    """Return what a part is in plain words: `attention`, or `gru + attention` for a combination."""
    return " + ".join(words(name) or "part" for name in classes(part)[:3]) or "part"


def describe(part: str) -> str:
    """Return what a part is and the numbers it is given: `attention (heads 4)`."""
    numbers = [f"{words(size.name)} {size.value:.6g}" for size in sizes(part)[:6]]
    return title(part) + (f" ({', '.join(numbers)})" if numbers else "")


@lru_cache(maxsize=4096)
def halves(part: str) -> tuple[str, ...]:
    """Return the expressions that a part combines, none for one that combines nothing."""
    inner = _call(unwrap(part).inner)
    arguments = [one for one in inner.args if _is_class_call(one)] if inner else []
    return tuple(ast.unparse(one) for one in arguments) if len(arguments) > 1 else ()


def _call(expression: str) -> ast.Call | None:
    tree = parse_expression(expression)
    return tree if isinstance(tree, ast.Call) else None


def _class_calls(part: str) -> list[tuple[str, ast.Call]]:
    """Return the calls of classes in a part, with the classes' names, in order of appearance."""
    found = [
        (node.func.id, node)
        for node in ast.walk(parse(part))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and _is_class_call(node)
    ]
    return sorted(found, key=lambda pair: pair[1].col_offset)


def _is_class_call(node: ast.AST) -> bool:
    """Return whether a node calls a class of the file, which by custom has a capital letter."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id[:1].isupper()


def _has_class_call(call: ast.Call) -> bool:
    return any(_is_class_call(node) for node in ast.walk(call) if node is not call)
