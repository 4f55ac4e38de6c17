"""One statement at the top level of a design: a constant, a function or a class, kept as its author wrote it.

Guarantees that a renaming changes the names it is to change and nothing else: what comes out is parsed again and
compared, node by node, with what was meant.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from agentarch.proposers.anatomy import NotRecombinableError
from agentarch.proposers.pipelines.scopes import Occurrence, identifiers, occurrences
from agentarch.syntax import parse

ARGUMENTS = ("question", "model")
"""What a socket takes."""


@dataclass(frozen=True)
class Definition:
    """A statement at the top level, or one with its comment or description; its text says all.

    Attributes:
        text: its source, with the comments right above it.
        binds: the names it defines; more than one only for `A = B = 1` and the like.
        uses: names of the top level that it mentions, in order of appearance, its own left out.
        early: those of them, and its own, that Python looks up while the file is loaded.
        mutates: names of the top level that it may change while it runs.
        identifiers: every identifier in it.
        code: what it does, without comments, docstrings and layout.
        node: its syntax tree.
    """

    text: str
    binds: tuple[str, ...] = field(compare=False)
    uses: tuple[str, ...] = field(compare=False)
    early: frozenset[str] = field(compare=False)
    mutates: frozenset[str] = field(compare=False)
    identifiers: frozenset[str] = field(compare=False)
    code: str = field(compare=False)
    node: ast.stmt = field(compare=False)

    @property
    def name(self) -> str:
        """The first name it defines."""
        return self.binds[0]

    @property
    def value(self) -> ast.expr | None:
        """What a constant is; None for a function or a class."""
        return self.node.value if isinstance(self.node, ast.Assign | ast.AnnAssign) else None

    @property
    def has_socket_signature(self) -> bool:
        """Whether it takes a question and a model, and nothing else, and is awaited."""
        if not isinstance(self.node, ast.AsyncFunctionDef):
            return False
        arguments = self.node.args
        more = [arguments.vararg, arguments.kwarg, *arguments.kwonlyargs, *arguments.posonlyargs]
        is_plain = not any(more) and not arguments.defaults
        return is_plain and tuple(one.arg for one in arguments.args) == ARGUMENTS

    @property
    def is_socket(self) -> bool:
        """Whether another design's `solve` can stand in its place."""
        decorators = self.node.decorator_list if isinstance(self.node, ast.AsyncFunctionDef) else []
        return self.has_socket_signature and not decorators and self.name not in self.early

    @property
    def is_shareable(self) -> bool:
        """Whether one copy can serve two pipelines: nothing about it can change, be it by use or by search.

        Whole numbers and the like are settings of one pipeline, and a socket is there to be filled.
        """
        if self.value is not None:
            return isinstance(self.value, ast.Constant | ast.Tuple) and _is_text(self.value)
        if not isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef):
            return False
        defaults = [*self.node.args.defaults, *filter(None, self.node.args.kw_defaults)]
        plain = all(isinstance(default, ast.Constant) for default in defaults)
        return plain and not self.node.decorator_list and not self.mutates and not self.has_socket_signature


@lru_cache(maxsize=8192)
def define(text: str) -> Definition:
    """Read one statement.

    Raises:
        NotRecombinableError: it is no definition, or one of a form that cannot be followed by reading.
    """
    tree = parse(text)
    node = tree.body[0] if tree.body else None
    if not isinstance(
        node, ast.Assign | ast.AnnAssign | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    ):
        raise NotRecombinableError("a statement at the top level is neither an import nor a definition")
    found = occurrences(tree)
    at_top = [one.name for one in found if one.binds and one.is_early]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    if not at_top or not all(target is None or isinstance(target, ast.Name) for target in targets):
        raise NotRecombinableError("a statement at the top level assigns to more than plain names")
    if any(name.startswith("__") for name in at_top):
        raise NotRecombinableError("a name at the top level begins with two underscores")
    binds = tuple(dict.fromkeys(at_top))
    uses = dict.fromkeys(one.name for one in found if one.name not in binds)
    globals_ = {one.name for one in found if isinstance(one.node, ast.Global)}
    return Definition(
        text=text,
        binds=binds,
        uses=tuple(uses),
        early=frozenset(one.name for one in found if one.is_early and not one.binds),
        mutates=frozenset(globals_ | _changed_in_place(tree)),
        identifiers=identifiers(tree),
        code=_code(node),
        node=node,
    )


def rename(definition: Definition, names: Mapping[str, str]) -> Definition:
    """Give names of the top level other names, wherever a definition mentions them.

    Args:
        definition: any.
        names: the new name of each old one; those it does not mention do not matter.

    Raises:
        NotRecombinableError: a new name means something else there, or the text cannot be changed safely.
    """
    relevant = {old: new for old, new in names.items() if old != new}
    if not relevant.keys() & {*definition.binds, *definition.uses, *definition.early}:
        return definition
    tree = parse(definition.text)
    found = [one for one in occurrences(tree) if one.name in relevant]
    if any(one.is_unclear for one in found):
        raise NotRecombinableError(f"a class in `{definition.name}` has names of the top level for its own")
    mentioned = {relevant[one.name] for one in found if not (one.binds and one.node is tree.body[0])}
    if clash := mentioned & definition.identifiers:
        raise NotRecombinableError(f"`{min(clash)}` means something else in `{definition.name}`")
    text = _Text(definition.text)
    names_in = {one.text for one in found if one.text is not None}
    changes = [text.change(one, relevant[one.name]) for one in found if one.text is None]
    for one in found:
        _set_name(one, relevant[one.name])
    changes += [text.change_formatted(node, relevant) for node in names_in]
    changed = text.splice(changes)
    if ast.dump(parse(changed)) != ast.dump(tree):
        changed = text.splice([*changes[: len(changes) - len(names_in)], *map(text.unparsed, names_in)])
        if ast.dump(parse(changed)) != ast.dump(tree):
            raise NotRecombinableError(f"`{definition.name}` is laid out so that it cannot be renamed")
    return define(changed)


def replaced(
    definition: Definition, first: ast.stmt | ast.expr, last: ast.stmt | ast.expr, text: str
) -> Definition:
    """Return a definition in which a text stands for what reaches from one node of it to another.

    Raises:
        NotRecombinableError: what comes out is no definition.
    """
    old = _Text(definition.text)
    return _spliced(definition, old, old.place(first)[0], old.place(last)[1], text)


def with_argument(definition: Definition, call: ast.Call, text: str) -> Definition:
    """Return a definition in which a call of it has one more argument, behind the others.

    Args:
        definition: any.
        call: has arguments already, and not one that shares its brackets, as in `sum(x for x in y)`.
        text: of the argument.

    Raises:
        NotRecombinableError: what comes out is no definition.
    """
    old = _Text(definition.text)
    end = max(old.place(one)[1] for one in (*call.args, *(keyword.value for keyword in call.keywords)))
    end += old.closing(end, old.place(call)[1] - 1)
    return _spliced(definition, old, end, end, f", {text}")


def _spliced(definition: Definition, old: _Text, start: int, end: int, text: str) -> Definition:
    try:
        return define(old.splice([(start, end, text.encode())]))
    except SyntaxError:
        raise NotRecombinableError(f"`{definition.name}` cannot be changed there") from None


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield nodes with trustworthy positions: not those inside f-strings, which Python 3.11 misplaces."""
    yield node
    if not isinstance(node, ast.JoinedStr):
        for child in ast.iter_child_nodes(node):
            yield from walk(child)


def calls_in(node: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls whose positions can be trusted."""
    return (one for one in walk(node) if isinstance(one, ast.Call))


def written(definition: Definition, node: ast.stmt | ast.expr) -> str:
    """Return the text of a node of a definition."""
    return _Text(definition.text).read(node)


class _Text:
    """The text of a statement, with the places of nodes in it."""

    def __init__(self, text: str) -> None:
        self._bytes = text.encode()
        self._starts = [0, *(found.end() for found in re.finditer(b"\n", self._bytes))]

    def place(self, node: ast.stmt | ast.expr) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._starts[node.lineno - 1] + node.col_offset
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset

    def read(self, node: ast.stmt | ast.expr) -> str:
        start, end = self.place(node)
        return self._bytes[start:end].decode()

    def closing(self, start: int, end: int) -> int:
        """Return how many bytes from a place on close brackets, with the space between them."""
        found = re.compile(rb"(?:\s*\))*").match(self._bytes, start, max(start, end))
        assert found is not None
        return found.end() - start

    def change(self, occurrence: Occurrence, name: str) -> tuple[int, int, bytes]:
        """Return the change that puts a name in the place of another."""
        start, end = self.place(occurrence.node)
        if isinstance(occurrence.node, ast.Name):
            return start, end, name.encode()
        found = re.compile(rb"(?<!\w)" + occurrence.name.encode() + rb"(?!\w)").search(
            self._bytes, start, end
        )
        if found is None:
            raise NotRecombinableError(f"`{occurrence.name}` is not written as Python reads it")
        return found.start(), found.end(), name.encode()

    def change_formatted(self, node: ast.JoinedStr, names: Mapping[str, str]) -> tuple[int, int, bytes]:
        """Return the change of names between the braces of an f-string: a guess, to be compared."""
        start, end = self.place(node)
        pattern = "|".join(map(re.escape, names))

        def change_braces(found: re.Match[str]) -> str:
            return re.sub(rf"(?<![\w.])({pattern})(?!\w)", lambda name: names[name[1]], found[0])

        written = self._bytes[start:end].decode()
        return start, end, re.sub(r"\{[^{}]*\}", change_braces, written).encode()

    def unparsed(self, node: ast.JoinedStr) -> tuple[int, int, bytes]:
        """Return the change that writes an f-string anew from its tree."""
        return *self.place(node), ast.unparse(node).encode()

    def splice(self, changes: list[tuple[int, int, bytes]]) -> str:
        text = self._bytes
        for start, end, new in sorted(changes, reverse=True):
            text = text[:start] + new + text[end:]
        return text.decode()


def _set_name(occurrence: Occurrence, name: str) -> None:
    node = occurrence.node
    if isinstance(node, ast.Name):
        node.id = name
    elif isinstance(node, ast.Global):
        node.names = [name if one == occurrence.name else one for one in node.names]
    else:
        node.name = name


def _is_text(value: ast.expr) -> bool:
    if isinstance(value, ast.Tuple):
        return all(isinstance(one, ast.Constant | ast.Tuple) and _is_text(one) for one in value.elts)
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _changed_in_place(tree: ast.Module) -> set[str]:
    """Return the variables of which an attribute or an item is set; a local one of that name does no harm."""
    changed = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            inner: ast.expr = node
            while isinstance(inner, ast.Attribute | ast.Subscript):
                inner = inner.value
            if isinstance(inner, ast.Name):
                changed.add(inner.id)
    return changed


def _code(node: ast.stmt) -> str:
    """Return what a definition does: its tree without its docstring."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return ast.dump(node)
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    fields = {name: value for name, value in ast.iter_fields(node) if name != "body"}
    return ast.dump(type(node)(**fields, body=body))
