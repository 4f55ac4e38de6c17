"""Puts pipelines into one another: plug one into a socket of another, or make a socket the whole.

Whatever two designs call alike keeps one copy where both mean the same and nothing can change it, and gets two names
where they do not. Definitions that nothing needs any more are left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import count

from agentarch.proposers.anatomy import NotRecombinableError
from agentarch.proposers.pipelines.definitions import Definition, define, rename
from agentarch.proposers.pipelines.reading import BUILT_IN, ROOT, Import, Pipeline

ADAPTER = """async def {socket}(question, model):
    return await {inner}(question, model)"""


def plug(outer: Pipeline, socket: str, inner: Pipeline) -> Pipeline:
    """Return a pipeline in which another one answers what a socket was asked.

    Args:
        outer: has the socket.
        socket: which of `outer.sockets`; whoever called it calls the inner pipeline now.
        inner: its `solve` takes the socket's name; all else that it defines comes along.

    Raises:
        NotRecombinableError: the two cannot stand in one file.
    """
    old = outer.by_name[socket]
    frame = pruned(outer.with_definitions(one for one in outer.definitions if one is not old))
    taken = {*frame.identifiers, *inner.identifiers, *BUILT_IN, socket, ROOT}
    frame = _renamed(frame, {name: fresh(name, taken) for name in sorted(frame.names & inner.foreign)})
    if socket in inner.foreign:
        raise NotRecombinableError(f"`{socket}` is a built-in function to the inner pipeline")
    shared = _shared(frame, inner)
    names = {}
    for name in sorted(inner.names - shared - {ROOT}):
        if name in frame.names or name in frame.foreign or name == socket or name in BUILT_IN:
            names[name] = fresh(name, taken)
    is_direct = inner.root.has_socket_signature and all(ROOT not in one.uses for one in inner.definitions)
    is_direct = is_direct and not _mentions_itself(inner.root)
    names[ROOT] = socket if is_direct else fresh(ROOT, taken)
    moved = _renamed(
        replace(
            inner,
            imports=tuple(one for one in inner.imports if one.name not in shared),
            definitions=tuple(one for one in inner.definitions if not shared.issuperset(one.binds)),
        ),
        names,
    )
    plugged = [one for one in moved.definitions if one.value is None]
    if is_direct:
        plugged = [_described(one, old) if one.name == socket else one for one in plugged]
        plugged.sort(key=lambda one: one.name != socket)
    else:
        plugged.insert(0, define(ADAPTER.format(socket=socket, inner=names[ROOT])))
    return _assembled(frame, outer, old, moved, plugged)


def promote(pipeline: Pipeline, socket: str) -> Pipeline:
    """Return the pipeline that a socket is by itself: what was around it is dropped.

    Raises:
        NotRecombinableError: the socket calls what is around it.
    """
    if ROOT in pipeline.reach(socket):
        raise NotRecombinableError(f"`{socket}` calls `{ROOT}`")
    inner = pipeline.with_definitions(one for one in pipeline.definitions if ROOT not in one.binds)
    return pruned(_renamed(pruned(inner, socket), {socket: ROOT}))


def pruned(pipeline: Pipeline, root: str = ROOT) -> Pipeline:
    """Return a pipeline without what its root does not need."""
    needed = pipeline.reach(root)
    is_future = "__future__"
    return Pipeline(
        tuple(one for one in pipeline.imports if one.name in needed or one.module == is_future),
        tuple(one for one in pipeline.definitions if needed.intersection(one.binds)),
    )


def fresh(name: str, taken: set[str]) -> str:
    """Return a name like another that nothing has yet, and take it: `ask_2` for `ask`, `ask_3` for that."""
    stem = re.sub(r"_\d+$", "", name)
    new = next(one for number in count(2) if (one := f"{stem}_{number}") not in taken)
    taken.add(new)
    return new


def _assembled(
    frame: Pipeline, outer: Pipeline, old: Definition, moved: Pipeline, plugged: Iterable[Definition]
) -> Pipeline:
    """Put constants first and what was plugged in where the socket stood; each after what loading it needs."""
    above = {one.name for one in outer.definitions[: outer.definitions.index(old)]}
    constants = [one for one in frame.definitions if one.value is not None]
    constants += [one for one in moved.definitions if one.value is not None]
    before = [one for one in frame.definitions if one.value is None and one.name in above]
    after = [one for one in frame.definitions if one.value is None and one not in before]
    imports = dict.fromkeys([*frame.imports, *moved.imports])
    whole = Pipeline(tuple(imports), (*constants, *before, *plugged, *after))
    return pruned(whole.with_definitions(in_loading_order(whole)))


def in_loading_order(pipeline: Pipeline) -> tuple[Definition, ...]:
    """Return the definitions in order, but each after everything that is needed to load it.

    Raises:
        NotRecombinableError: there is no such order.
    """
    ordered: dict[str, Definition] = {}

    def enter(one: Definition, above: Collection[str]) -> None:
        if one.name in ordered:
            return
        if one.name in above:
            raise NotRecombinableError(f"`{one.name}` is needed to load itself")
        for name in sorted(frozenset[str]().union(*map(pipeline.reach, sorted(one.early)))):
            needed = pipeline.by_name.get(name)
            if needed is not None and needed is not one:
                enter(needed, {*above, one.name})
        ordered[one.name] = one

    for one in pipeline.definitions:
        enter(one, frozenset())
    return tuple(ordered.values())


def _renamed(pipeline: Pipeline, names: Mapping[str, str]) -> Pipeline:
    if not names:
        return pipeline
    for one in pipeline.imports:
        if "." in one.module and not one.member and one.name in names:
            raise NotRecombinableError(f"`import {one.module}` cannot get another name")
    return Pipeline(
        tuple(Import(one.module, one.member, names.get(one.name, one.name)) for one in pipeline.imports),
        tuple(rename(one, names) for one in pipeline.definitions),
    )


def _shared(frame: Pipeline, inner: Pipeline) -> frozenset[str]:
    """Return names that mean the same in both pipelines and go on doing so.

    Begins with all that look alike, and takes out what rests on something that is not alike until nothing does.
    """
    changed = {name for one in (*frame.definitions, *inner.definitions) for name in one.mutates}
    alike = set()
    for name in inner.names & frame.names:
        ours, theirs = frame.by_name.get(name), inner.by_name.get(name)
        if ours and theirs and ours.is_shareable and ours.code == theirs.code and name not in changed:
            alike.add(name)
        imports = {one for one in frame.imports if one.name == name}
        if imports and imports == {one for one in inner.imports if one.name == name}:
            alike.add(name)
    while True:
        unlike = {name for name in alike if name in inner.by_name and not _rests(inner, name, alike, frame)}
        if not unlike:
            return frozenset(alike)
        alike -= unlike


def _rests(inner: Pipeline, name: str, alike: Collection[str], frame: Pipeline) -> bool:
    uses = inner.by_name[name].uses
    return all(used in alike or (used not in inner.names and used not in frame.names) for used in uses)


def _mentions_itself(definition: Definition) -> bool:
    """Whether a function calls itself, which one that goes by another name had better not."""
    return definition.name in definition.early or definition.code.count(f"Name(id='{definition.name}'") > 0


def _described(definition: Definition, old: Definition) -> Definition:
    """Return a function with the docstring of the one whose place it takes, if it has none of its own."""
    head = re.match(r"(?:#[^\n]*\n)*async def \w+\(question, model\):\n(?=    \S)", definition.text)
    found = re.match(r"async def \w+\(question, model\):\n(    \"\"\"[^\"\\\n]+\"\"\"\n)(?=    \S)", old.text)
    if not head or not found or definition.text[head.end() :].lstrip().startswith(('"', "'")):
        return definition
    return define(definition.text[: head.end()] + found[1] + definition.text[head.end() :])
