"""Takes an agent design apart: imports, definitions, sockets, prompts and settings.

Reads text and runs nothing. A file that does more at its top level than import and define is refused.
"""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from agentarch.design import MAX_SOURCE_BYTES
from agentarch.proposers.anatomy import NotRecombinableError
from agentarch.proposers.pipelines.definitions import Definition, define
from agentarch.syntax import parse

ROOT = "solve"
"""The function that the engine calls."""

BUILT_IN = frozenset(
    {*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "__name__", "__file__", "__doc__"}
)


@dataclass(frozen=True, order=True)
class Import:
    """One imported name.

    Attributes:
        module: where from, e.g. `itertools`.
        member: what of it; empty where the module itself is imported.
        name: what it is called in the file.
    """

    module: str
    member: str
    name: str


@dataclass(frozen=True)
class Pipeline:
    """An agent design taken apart.

    Attributes:
        imports: in order of appearance.
        definitions: everything else at the top level, in order of appearance.
    """

    imports: tuple[Import, ...]
    definitions: tuple[Definition, ...]

    @cached_property
    def by_name(self) -> dict[str, Definition]:
        """The definitions by what they bind."""
        return {name: one for one in self.definitions for name in one.binds}

    @cached_property
    def imported(self) -> dict[str, Import]:
        """The imports by the name they bind."""
        return {one.name: one for one in self.imports}

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name of the top level."""
        return frozenset({*self.by_name, *self.imported})

    @cached_property
    def foreign(self) -> frozenset[str]:
        """Names that it mentions and does not define: those of built-in functions."""
        return frozenset(name for one in self.definitions for name in one.uses) - self.names

    @cached_property
    def identifiers(self) -> frozenset[str]:
        """Every identifier in the file."""
        return self.names.union(*(one.identifiers for one in self.definitions))

    @property
    def root(self) -> Definition:
        """The function that the engine calls."""
        return self.by_name[ROOT]

    @cached_property
    def sockets(self) -> tuple[str, ...]:
        """The inner steps that another design can take the place of, in order."""
        return tuple(one.name for one in self.definitions if one.is_socket and one.name != ROOT)

    @cached_property
    def nesting(self) -> int:
        """How many sockets lie within one another at most, `solve` itself not counted."""
        return self._depth(ROOT, frozenset()) - self.root.is_socket

    def reach(self, name: str) -> frozenset[str]:
        """Return every name of the top level that one name needs, itself included."""
        needed: set[str] = set()
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if one not in needed and one in self.names:
                needed.add(one)
                waiting += self.by_name[one].uses if one in self.by_name else ()
                waiting += self.by_name[one].binds if one in self.by_name else ()
        return frozenset(needed)

    def with_changed(self, old: Definition, new: Definition) -> Pipeline:
        """Return it with a definition in the place of another."""
        return self.with_definitions(new if one is old else one for one in self.definitions)

    def with_definitions(self, definitions: Iterable[Definition]) -> Pipeline:
        """Return it with other definitions and the same imports."""
        return replace(self, definitions=tuple(definitions))

    def _depth(self, name: str, above: frozenset[str]) -> int:
        if name in above or name not in self.by_name:
            return 0
        inner = max((self._depth(used, above | {name}) for used in self.by_name[name].uses), default=0)
        return inner + self.by_name[name].is_socket


@lru_cache(maxsize=256)
def read_pipeline(source: str) -> Pipeline:
    """Take a design apart.

    Raises:
        NotRecombinableError: it is not a file of imports and definitions with a `solve`, or cannot be read.
    """
    if len(source.encode("utf-8", "surrogatepass")) > MAX_SOURCE_BYTES:
        raise NotRecombinableError("the source is too long")
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    try:
        imports, definitions = _read(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotRecombinableError(f"it cannot be read: {error}") from None
    pipeline = Pipeline(tuple(dict.fromkeys(imports)), tuple(definitions))
    _check(pipeline)
    return pipeline


def texts_of(definition: Definition) -> tuple[ast.Constant, ...]:
    """Return the texts that a constant is or consists of; none for what is no text."""
    value = definition.value
    if isinstance(value, ast.Tuple):
        items = value.elts
        texts = tuple(one for one in items if isinstance(one, ast.Constant) and isinstance(one.value, str))
        return texts if len(texts) == len(items) else ()
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return (value,)
    return ()


def _check(pipeline: Pipeline) -> None:
    """Refuse a file whose names mean more than one thing."""
    bound = [name for one in pipeline.definitions for name in one.binds]
    bound += [one.name for one in pipeline.imports if not _is_a_part_of_another(one, pipeline)]
    if twice := {name for name in bound if bound.count(name) > 1}:
        raise NotRecombinableError(f"`{min(twice)}` is defined twice")
    if ROOT not in pipeline.by_name or not isinstance(pipeline.root.node, ast.AsyncFunctionDef):
        raise NotRecombinableError(f"it lacks `async def {ROOT}`")
    nodes = (node for one in pipeline.definitions for node in ast.walk(one.node))
    declared = {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
    if lost := declared - pipeline.by_name.keys():
        raise NotRecombinableError(f"`{min(lost)}` is defined by a function")
    changed = {name for one in pipeline.definitions for name in one.mutates}
    if lost := changed & pipeline.imported.keys():
        raise NotRecombinableError(f"it changes the module `{min(lost)}`")


def _is_a_part_of_another(one: Import, pipeline: Pipeline) -> bool:
    """Whether it is the `import a.b` beside an `import a`: both bind `a`."""
    other = pipeline.imported[one.name]
    return other != one and not one.member and not other.member and "." in one.module + other.module


def _read(text: str) -> tuple[list[Import], list[Definition]]:
    imports: list[Import] = []
    definitions: list[Definition] = []
    lines = text.encode().split(b"\n")
    end = 0  # the last line of the statement before
    for position, node in enumerate(parse(text).body):
        assert node.end_lineno is not None
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports += _imports(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            described = position > 0 and definitions and isinstance(node.value.value, str)
            if described and definitions[-1].value is not None and node.lineno == end + 1:
                definitions[-1] = define(f"{definitions[-1].text}\n{_segment(lines, node, node.lineno - 1)}")
        else:
            definitions.append(define(_segment(lines, node, end)))
        end = node.end_lineno
    return imports, definitions


def _segment(lines: list[bytes], node: ast.stmt, end: int) -> str:
    """Return a statement with the comments right above it and behind it."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
    taken = lines[first - 1 : node.end_lineno]
    behind = taken[-1][node.end_col_offset :]
    if behind.strip() and not behind.strip().startswith(b"#"):
        behind = b""
    taken[-1] = taken[-1][: node.end_col_offset] + behind.rstrip()
    if first == node.lineno:
        taken[0] = taken[0][node.col_offset :]
    above = first - 1
    while above > end and lines[above - 1].startswith(b"#"):
        above -= 1
    return b"\n".join([*lines[above : first - 1], *taken]).decode()


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[Import]:
    for alias in node.names:
        if isinstance(node, ast.Import):
            name = alias.asname or alias.name.partition(".")[0]
            if alias.asname and "." in alias.name:
                raise NotRecombinableError(f"`{alias.name}` is imported under another name")
            yield Import(alias.name, "", name)
        elif node.level or not node.module or alias.name == "*":
            raise NotRecombinableError("it imports relatively, or everything of a module")
        else:
            yield Import(node.module, alias.name, alias.asname or alias.name)
