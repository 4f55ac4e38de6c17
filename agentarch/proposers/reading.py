"""Takes a file apart that is laid out by the convention of `archive/README.md`, without running it.

Whatever the text is, the outcome is an anatomy or a NotRecombinableError.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping
from functools import lru_cache

from agentarch.design import MAX_SOURCE_BYTES
from agentarch.proposers.anatomy import (
    ARGUMENTS,
    ROOTS,
    Anatomy,
    Definition,
    NotRecombinableError,
    arrange,
    closure,
    define,
    names,
    value_of,
)
from agentarch.syntax import parse

_MAX_DEFINITIONS = 100
_MAX_LAYERS = 64
_MAX_PART_CHARACTERS = 1_000


@lru_cache(maxsize=512)
def read_anatomy(source: str) -> Anatomy:
    """Take a design apart.

    Args:
        source: the whole file; may be anything.

    Raises:
        NotRecombinableError: the file does not follow the convention.
    """
    if len(source.encode("utf-8", "surrogatepass")) > MAX_SOURCE_BYTES:
        raise NotRecombinableError("the file is too long")
    try:
        return _read(source.replace("\r\n", "\n").replace("\r", "\n"))
    except NotRecombinableError:
        raise
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # also integers too long to print
        raise NotRecombinableError(f"the file cannot be read: {type(error).__name__}") from None


def _read(source: str) -> Anatomy:
    imports: dict[str, str] = {}
    definitions: dict[str, Definition] = {}
    layers: ast.FunctionDef | None = None
    taken = set(ARGUMENTS)
    for statement, text in _statements(source):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            bound = dict(_bindings(statement))
            imports |= bound
        elif isinstance(statement, ast.FunctionDef) and statement.name == "layers":
            layers, bound = statement, {"layers": ""}
        else:
            definition = define(text)
            definitions[definition.name] = definition
            bound = {definition.name: ""}
        for name in bound:
            if name in taken or hasattr(builtins, name):
                raise NotRecombinableError(f"`{name}` means two things")
        taken |= bound.keys()
    if layers is None or "build" not in definitions or definitions["build"].is_constant:
        raise NotRecombinableError("lacks `build` or `layers`")
    _check_width(definitions)
    parts, order = _layers(layers)
    anatomy = Anatomy(imports, definitions, parts, order)
    _check_names(anatomy)
    return arrange(anatomy, parts, order)


def _statements(source: str) -> Iterator[tuple[ast.stmt, str]]:
    """Yield every top-level statement but the docstring, with its lines and the comments right above it."""
    lines = source.split("\n")
    body = parse(source).body
    if len(body) > _MAX_DEFINITIONS:
        raise NotRecombinableError("has too many definitions")
    end = 0
    for number, statement in enumerate(body):
        decorators = getattr(statement, "decorator_list", [])
        start = min([statement.lineno, *(decorator.lineno for decorator in decorators)]) - 1
        if start < end:
            raise NotRecombinableError("has two statements on one line")
        while start > end and lines[start - 1].startswith("#"):
            start -= 1
        end = statement.end_lineno or statement.lineno
        if number == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        yield statement, "\n".join(lines[start:end])


def _bindings(statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """Yield each name an import binds, with the one statement by which we write that import."""
    for alias in statement.names:
        if isinstance(statement, ast.ImportFrom):
            if statement.level or alias.name == "*":
                raise NotRecombinableError("has an import that depends on where the file lies")
            module, name = statement.module or "", alias.name
            bound = alias.asname or alias.name
        elif alias.asname and "." in alias.name:  # `import torch.nn as nn` is `from torch import nn`
            module, _, name = alias.name.rpartition(".")
            bound = alias.asname
        elif alias.asname:
            yield alias.asname, f"import {alias.name} as {alias.asname}"
            continue
        else:
            yield alias.name.partition(".")[0], f"import {alias.name}"
            continue
        key = f"__future__.{bound}" if module == "__future__" else bound
        yield key, f"from {module} import {name}" + (f" as {bound}" if bound != name else "")


def _check_width(definitions: Mapping[str, Definition]) -> None:
    width = definitions.get("WIDTH")
    value = value_of(width) if width and width.is_constant else None
    if not isinstance(value, ast.Constant) or type(value.value) is not int or not 1 <= value.value <= 4096:
        raise NotRecombinableError("`WIDTH` is not a whole number at top level")


def _layers(function: ast.FunctionDef) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Read the body of `layers`: named parts, then the list of layers."""
    arguments = function.args
    if [argument.arg for argument in arguments.args] != list(ARGUMENTS) or function.decorator_list:
        raise NotRecombinableError("`layers` does not take width, length and causal")
    if (
        arguments.posonlyargs
        or arguments.vararg
        or arguments.kwonlyargs
        or arguments.kwarg
        or arguments.defaults
    ):
        raise NotRecombinableError("`layers` takes more than width, length and causal")
    named: dict[str, int] = {}
    parts: list[str] = []
    *statements, last = function.body
    for number, statement in enumerate(statements):
        if number == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call) if name not in named:
                named[name] = len(parts)
                parts.append(_part(call))
            case _:
                raise NotRecombinableError("`layers` does more than name parts and list them")
    if not isinstance(last, ast.Return) or not isinstance(last.value, ast.List):
        raise NotRecombinableError("`layers` does not end by returning a list")
    order = []
    for element in last.value.elts:
        if isinstance(element, ast.Name) and element.id in named:
            order.append(named[element.id])
        elif isinstance(element, ast.Call):
            order.append(len(parts))
            parts.append(_part(element))
        else:
            raise NotRecombinableError("a layer is neither a part nor the name of one")
    if not 1 <= len(order) <= _MAX_LAYERS:
        raise NotRecombinableError("has no layers, or too many")
    if any(set(names(part)) & named.keys() for part in parts):
        raise NotRecombinableError("a part contains another layer")
    return tuple(parts), tuple(order)


def _part(call: ast.Call) -> str:
    text = ast.unparse(call)
    if len(text) > _MAX_PART_CHARACTERS or "\n" in text:
        raise NotRecombinableError("a part is too long to read")
    return text


def _check_names(anatomy: Anatomy) -> None:
    """Check that the parts stand on their own, that constants come first, and that the layers are used."""
    in_parts = {name for part in anatomy.parts for name in names(part)}
    known = anatomy.definitions.keys() | anatomy.imports.keys() | set(ARGUMENTS)
    for name in in_parts - known:
        if not hasattr(builtins, name):
            raise NotRecombinableError("a part refers to a name that the file does not define")
    for definition in anatomy.definitions.values():
        if definition.is_constant and any(
            name in anatomy.definitions and not anatomy.definitions[name].is_constant
            for name in definition.uses
        ):
            raise NotRecombinableError(f"the constant `{definition.name}` is computed by the file's own code")
    if any("layers" in definition.early for definition in anatomy.definitions.values()):
        raise NotRecombinableError("`layers` is called while the file is loaded")
    from_build = closure(anatomy, ROOTS)
    if not any(
        "layers" in anatomy.definitions[name].uses for name in from_build if name in anatomy.definitions
    ):
        raise NotRecombinableError("`build` does not use `layers`")
    from_parts = closure(anatomy, in_parts)
    if any("layers" in anatomy.definitions[name].uses for name in from_parts if name in anatomy.definitions):
        raise NotRecombinableError("a part uses `layers`")
