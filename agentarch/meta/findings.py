"""What reading alone says of a draft, before a model or a box is paid for: hints in short lines, never a verdict.

Parses and does not run. Whatever the text is, the outcome is a tuple of lines.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from agentarch.design import MAX_SOURCE_BYTES
from agentarch.proposers.anatomy import NotRecombinableError
from agentarch.proposers.cost import estimate_parameters
from agentarch.proposers.reading import read_anatomy
from agentarch.syntax import parse
from agentarch.text import counted, one_line

LONGEST_TABLE, LONGEST_TEXT = 48, 400
"""Constants in one literal, and characters of one, beyond which a design may carry what it should learn."""

MOST_LINES = 16
_MOST_NODES = 60_000
_MOST_COMPARED = 4_000

_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("id", "globals", "locals", "vars", "dir"), "looks at its surroundings"),
    **dict.fromkeys(
        ("eval", "exec", "compile", "__import__", "breakpoint", "input"), "runs or asks for code"
    ),
    **dict.fromkeys(
        ("open", "os", "sys", "io", "pathlib", "socket", "subprocess", "threading"), "reaches outside"
    ),
    **dict.fromkeys(("getattr", "setattr", "delattr"), "reaches attributes by computed names"),
}
_ATTRIBUTES: Mapping[str, str] = {
    **dict.fromkeys(("load", "save", "hub", "multiprocessing", "distributed"), "reaches outside"),
    **dict.fromkeys(
        ("f_back", "f_locals", "f_globals", "gi_frame", "__globals__", "__code__", "__subclasses__"),
        "looks at its surroundings",
    ),
    **dict.fromkeys(("manual_seed", "seed", "set_rng_state"), "sets the source of chance"),
    **dict.fromkeys(
        ("BatchNorm1d", "BatchNorm2d", "SyncBatchNorm", "batch_norm"), "depends on the rest of the batch"
    ),
    "training": "does something else while it is trained",
    **dict.fromkeys(("flip", "fliplr"), "may read the end first"),
}
_OVER_A_DIMENSION = frozenset(
    [
        "mean",
        "sum",
        "std",
        "var",
        "softmax",
        "log_softmax",
        "cumsum",
        "cumprod",
        "sort",
        "argsort",
        "norm",
        "max",
        "min",
        "amax",
        "amin",
        "argmax",
        "argmin",
        "median",
        "roll",
        "logsumexp",
        "topk",
        "unique",
        "flip",
        "prod",
        "aminmax",
    ]
)


@dataclass(frozen=True)
class Nearest:
    """The known design that a draft is most like.

    Attributes:
        label: its name and id.
        similarity: see `agentarch.meta.similarity.similarity`.
    """

    label: str
    similarity: float


def estimated_parameters(source: str) -> int | None:
    """Return about how many parameters a network design has; None where reading cannot tell."""
    try:
        return estimate_parameters(read_anatomy(source))
    except NotRecombinableError:
        return None


def changed_lines(source: str, parent: str) -> tuple[int, int]:
    """Return how many lines were added and how many removed; of the first few thousand lines of each."""
    old, new = parent.splitlines()[:_MOST_COMPARED], source.splitlines()[:_MOST_COMPARED]
    added = removed = 0
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new).get_opcodes():
        if tag != "equal":
            removed, added = removed + i2 - i1, added + j2 - j1
    return added, removed


def suspicions(source: str) -> tuple[str, ...]:
    """Return what looks odd in a source, each kind of thing once, with its first line."""
    if len(source) > MAX_SOURCE_BYTES:
        return ()
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return (f"does not parse: {one_line(str(error), 120)}",)
    found: dict[str, int] = {}
    for what, line in _odd(tree):
        found.setdefault(what, line)
        if len(found) == MOST_LINES:
            break
    return tuple(f"line {line}: {what}" for what, line in sorted(found.items(), key=lambda one: one[1]))


def findings(
    source: str,
    *,
    parent: str | None = None,
    nearest: Nearest | None = None,
    limits: Mapping[str, float] | None = None,
) -> tuple[str, ...]:
    """Return all that reading says of a draft, one line each, for `agentarch.meta.pack.Pack.reflect`.

    Args:
        source: of the draft; may be anything.
        parent: source of the first parent.
        nearest: the most similar design that is known.
        limits: the most a design may measure, by descriptor.
    """
    lines = []
    if nearest:
        alike = (
            "the same but for names"
            if nearest.similarity == 1
            else f"similarity {nearest.similarity:.2f} of 1"
        )
        lines.append(f"nearest known design: {one_line(nearest.label, 80)}, {alike}")
    if parent is not None:
        added, removed = changed_lines(source, parent)
        lines.append(f"against the first parent: {counted(added, 'line')} added, {removed:,} removed")
    parameters = estimated_parameters(source)
    if parameters is not None:
        cap = (limits or {}).get("parameters")
        over = f", more than the {cap:,.0f} allowed" if cap is not None and parameters > cap else ""
        lines.append(f"about {parameters:,} parameters, as far as reading can tell{over}")
    return (*lines, *suspicions(source))


def _odd(tree: ast.Module) -> Iterator[tuple[str, int]]:
    prose = set()
    for node in islice(ast.walk(tree), _MOST_NODES):
        if isinstance(node, ast.Expr):  # walked before what is in it
            prose.add(node.value)
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Name(id=name) if name in _NAMES:
                yield f"`{name}` {_NAMES[name]}", line
            case ast.Import(names=names):
                yield from (
                    _imported(alias.name, line) for alias in names if alias.name.partition(".")[0] in _NAMES
                )
            case ast.Attribute(attr=name) if name in _ATTRIBUTES:
                yield f"`.{name}` {_ATTRIBUTES[name]}", line
            case ast.Call(func=ast.Attribute(attr=name)) if name in _OVER_A_DIMENSION and _is_over_items(
                node
            ):
                yield f"`.{name}` works over dimension 0, which may be the batch", line
            case ast.keyword(arg="bidirectional", value=ast.Constant(value=True)):
                yield "`bidirectional=True` reads later positions", node.value.lineno
            case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
                size = _constants(node)
                if size > LONGEST_TABLE:
                    yield "holds a long table of constants", line
            case ast.Constant(value=str() | bytes() as text) if (
                len(text) > LONGEST_TEXT and node not in prose
            ):
                yield "holds a long text, which may be a table", line
            case ast.Constant(value=int() as value) if value.bit_length() > 128:
                yield "holds a very long number, which may be a table", line


def _imported(name: str, line: int) -> tuple[str, int]:
    return f"`import {one_line(name, 40)}` {_NAMES[name.partition('.')[0]]}", line


def _constants(node: ast.List | ast.Tuple | ast.Set | ast.Dict) -> int:
    elements: Iterable[ast.expr | None] = (
        [*node.keys, *node.values] if isinstance(node, ast.Dict) else node.elts
    )
    return sum(isinstance(one, ast.Constant | ast.UnaryOp) for one in elements)


def _is_over_items(call: ast.AST) -> bool:
    """Whether a reduction is over the first dimension, in either of the ways of writing it."""
    if not isinstance(call, ast.Call):
        return False
    values = [one.value for one in call.keywords if one.arg in ("dim", "dims", "axis")]
    called = call.func
    if not isinstance(called, ast.Attribute):
        return False
    is_function = isinstance(called.value, ast.Name) and called.value.id in ("torch", "F")
    place = int(is_function) + (called.attr in ("roll", "topk"))  # these take a number before the dimension
    if len(call.args) > place:
        values.append(call.args[place])
    return any(_holds_zero(value) for value in values)


def _holds_zero(value: ast.expr) -> bool:
    elements = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
    return any(
        isinstance(one, ast.Constant) and one.value == 0 and type(one.value) is int for one in elements
    )
