"""The anatomy of a network design laid out by the convention of `archive/README.md`.

A plain structure whose pieces can be exchanged with another design's. Definitions are kept as the text their
author wrote, comments included. Knows neither files nor scores.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from agentarch.design import design_id
from agentarch.syntax import parse

ARGUMENTS = ("width", "length", "causal")
"""What `layers` takes, and so what the expression of a part may refer to."""

ROOTS = ("recipe", "build")
"""The functions that the engine calls; whatever they need stays in the file."""


class NotRecombinableError(ValueError):
    """A design, or a piece of one, that cannot be taken apart or fitted elsewhere; the message says why."""


@dataclass(frozen=True)
class Definition:
    """A class, function or constant at the top level of a design.

    Attributes:
        name: what it is called.
        text: its source, verbatim, with the comments right above it.
        code: fingerprint of what it does; comments, docstrings and layout do not count.
        uses: names it refers to, in order of appearance: the file's, torch's, and its own variables'.
        early: those of `uses` that Python looks up while the file is loaded (bases, decorators, defaults).
        is_constant: whether it is a constant.
    """

    name: str
    text: str
    code: str
    uses: tuple[str, ...]
    early: frozenset[str]
    is_constant: bool


@dataclass(frozen=True)
class Anatomy:
    """A network design taken apart.

    Attributes:
        imports: the statement that binds a name, by that name.
        definitions: everything at top level but `layers`, by name.
        parts: the distinct parts of the network, as expressions, in order of first use.
        order: the layers, first to last, as indices into `parts`; an index that returns shares weights.
    """

    imports: Mapping[str, str]
    definitions: Mapping[str, Definition]
    parts: tuple[str, ...]
    order: tuple[int, ...]

    @cached_property
    def width(self) -> int:
        """The value of `WIDTH`."""
        return int(ast.literal_eval(value_of(self.definitions["WIDTH"])))

    @cached_property
    def gist(self) -> object:
        """What the design does, however it is laid out: equal for designs that differ in prose only."""
        return self.parts, self.order, {one.name: one.code for one in self.definitions.values()}

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """The expression of every layer, first to last; a shared part comes each time it is used."""
        return tuple(self.parts[index] for index in self.order)

    @cached_property
    def shared(self) -> frozenset[int]:
        """Indices of the parts that are used more than once."""
        return frozenset(index for index in self.order if self.order.count(index) > 1)


def arrange(anatomy: Anatomy, parts: Sequence[str], order: Iterable[int]) -> Anatomy:
    """Return the design with other parts, without the definitions and imports that nothing needs any more.

    Args:
        anatomy: where the definitions come from.
        parts: expressions; those that `order` does not mention are dropped.
        order: indices into `parts`, one a layer.
    """
    order = tuple(order)
    first_use = tuple(dict.fromkeys(order))
    kept = tuple(parts[index] for index in first_use)
    needed = closure(anatomy, [*(name for part in kept for name in names(part)), *ROOTS])
    return replace(
        anatomy,
        imports={
            name: text
            for name, text in anatomy.imports.items()
            if name in needed or name.startswith("__future__")
        },
        definitions={name: one for name, one in anatomy.definitions.items() if name in needed},
        parts=kept,
        order=tuple(first_use.index(index) for index in order),
    )


def closure(anatomy: Anatomy, wanted: Iterable[str]) -> dict[str, None]:
    """Return every name of the file that `wanted` needs, themselves included, in order of discovery."""
    found: dict[str, None] = {}
    waiting = list(wanted)[::-1]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name in anatomy.definitions:
            waiting.extend(reversed(anatomy.definitions[name].uses))
        elif name not in anatomy.imports:
            continue
        found[name] = None
    return found


@lru_cache(maxsize=4096)
def names(code: str) -> tuple[str, ...]:
    """Return the distinct names that an expression or a statement refers to, in order of appearance."""
    return _names(parse(code))


@lru_cache(maxsize=4096)
def define(text: str) -> Definition:
    """Read one top-level definition from its source.

    Raises:
        NotRecombinableError: it is not a class, a function or a constant.
    """
    statement, *_ = parse(text).body
    if isinstance(statement, ast.ClassDef | ast.FunctionDef):
        name = statement.name
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        name = target.id if isinstance(target, ast.Name) else ""
    elif isinstance(statement, ast.AnnAssign) and statement.value and isinstance(statement.target, ast.Name):
        name = statement.target.id
    else:
        name = ""
    if not name:
        raise NotRecombinableError("something at top level is no import, constant, class or function")
    return Definition(
        name=name,
        text=text,
        code=design_id(parse(text), "definition"),
        uses=tuple(one for one in _names(statement) if one != name),
        early=frozenset(_early_names(statement)) - {name},
        is_constant=not isinstance(statement, ast.ClassDef | ast.FunctionDef),
    )


def value_of(constant: Definition) -> ast.expr:
    """Return the expression that a constant is set to."""
    statement = parse(constant.text).body[0]
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        raise NotRecombinableError(f"`{constant.name}` is not a constant")
    return statement.value


def _names(tree: ast.AST) -> tuple[str, ...]:
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return tuple(
        dict.fromkeys(node.id for node in sorted(found, key=lambda node: (node.lineno, node.col_offset)))
    )


def _early_names(node: ast.AST) -> Iterator[str]:
    """Yield names that are looked up when the statement itself runs: everything but function bodies."""
    waiting: list[ast.AST] = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            yield node.id
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
        elif isinstance(node, ast.Lambda):
            waiting += [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        else:
            waiting.extend(ast.iter_child_nodes(node))
