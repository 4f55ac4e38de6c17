"""Moves parts from one design's file into another's, with the definitions they need.

Definitions of the same name and code merge; those of the same name and different code are renamed, such as
`Attention2`, in every place that means them.
"""

from __future__ import annotations

import ast
import builtins
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace

from agentarch.proposers.anatomy import (
    ARGUMENTS,
    Anatomy,
    Definition,
    NotRecombinableError,
    closure,
    define,
    names,
)
from agentarch.proposers.parts import Place, place_of, rename, splice
from agentarch.syntax import parse


def graft(receiver: Anatomy, donor: Anatomy, parts: Sequence[str]) -> tuple[Anatomy, tuple[str, ...]]:
    """Bring what some parts of a donor need into a receiver.

    Args:
        receiver: the design that is to hold the parts.
        donor: the design they come from.
        parts: expressions in the donor's names.

    Returns:
        The receiver with more definitions and imports but the same layers, and the parts in its names.

    Raises:
        NotRecombinableError: a name means something else in the receiver and cannot be changed.
    """
    needed = closure(donor, [name for part in parts for name in names(part)])
    imports = dict(receiver.imports)
    for name in needed:
        if name in donor.imports:
            if name in receiver.definitions or imports.get(name, donor.imports[name]) != donor.imports[name]:
                raise NotRecombinableError(f"`{name}` means something else in the other design")
            imports[name] = donor.imports[name]
    borrowed = [donor.definitions[name] for name in needed if name in donor.definitions]
    new_names = _new_names(receiver, donor, borrowed)
    definitions = dict(receiver.definitions)
    for definition in borrowed:
        if definition.name in new_names or definition.name not in definitions:
            moved = rename_definition(definition, new_names)
            definitions[moved.name] = moved
    futures = {name: text for name, text in donor.imports.items() if name.startswith("__future__")}
    grown = replace(receiver, imports=futures | imports, definitions=definitions)
    return grown, tuple(rename(part, new_names) for part in parts)


def _new_names(receiver: Anatomy, donor: Anatomy, borrowed: Sequence[Definition]) -> dict[str, str]:
    """Choose new names for borrowed definitions whose name the receiver uses for something else."""
    renamed: dict[str, str] = {}
    changed = True
    while changed:  # what refers to something renamed is no longer the same code, and so is renamed too
        changed = False
        for definition in borrowed:
            name = definition.name
            if name in renamed or not (name in receiver.definitions or name in receiver.imports):
                continue
            own = receiver.definitions.get(name)
            if own and own.code == definition.code and not renamed.keys() & set(definition.uses):
                continue
            if name == "WIDTH":
                raise NotRecombinableError("a part depends on the width of its own design")
            taken = {
                *receiver.definitions,
                *receiver.imports,
                *donor.definitions,
                *donor.imports,
                *renamed.values(),
            }
            renamed[name] = _fresh(name, taken)
            changed = True
    return renamed


def _fresh(name: str, taken: set[str]) -> str:
    stem = re.sub(r"\d+$", "", name) or name
    number = 2
    while (
        f"{stem}{number}" in taken or f"{stem}{number}" in ARGUMENTS or hasattr(builtins, f"{stem}{number}")
    ):
        number += 1
    return f"{stem}{number}"


def rename_definition(definition: Definition, new_names: Mapping[str, str]) -> Definition:
    """Return a definition under its new name, referring to others by theirs.

    Raises:
        NotRecombinableError: the text uses one of the names for a variable of its own, too.
    """
    if not new_names.keys() & {definition.name, *definition.uses}:
        return definition
    lines = definition.text.split("\n")
    replacements: list[tuple[Place, str]] = []
    statement, *_ = parse(definition.text).body
    for node in ast.walk(statement):
        if not definition.is_constant and node is not statement and _binds(node) & new_names.keys():
            raise NotRecombinableError("a name that would have to change is also a variable")
        if isinstance(node, ast.Name) and node.id in new_names:
            place = place_of(node)
            written = lines[place.line - 1].encode()[place.start : place.end].decode(errors="replace")
            if unicodedata.normalize("NFKC", written) != node.id:  # Python 3.11 misplaces names in f-strings
                raise NotRecombinableError("a name that would have to change stands inside a string")
            replacements.append((place, new_names[node.id]))
    if isinstance(statement, ast.ClassDef | ast.FunctionDef) and definition.name in new_names:
        keyword = "class" if isinstance(statement, ast.ClassDef) else "def"
        line = lines[statement.lineno - 1]
        header = re.match(rf"({keyword}\s+)(\w+)", line)
        if not header:
            raise NotRecombinableError("the name of a definition is not on its first line")
        start, end = (len(line[: header.end(group)].encode()) for group in (1, 2))
        replacements.append((Place(statement.lineno, start, end), new_names[definition.name]))
    return define(splice(definition.text, replacements))


def _binds(node: ast.AST) -> set[str]:
    """Return the names that a node makes variables of an inner scope."""
    match node:
        case ast.arg(arg=name) | ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            return {name}
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return {name}
        case ast.Global(names=some) | ast.Nonlocal(names=some):
            return set(some)
        case ast.alias(name=name, asname=other):
            return {other or name.partition(".")[0]}
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return {name}
        case ast.MatchMapping(rest=str(name)):
            return {name}
        case _:
            return set()
