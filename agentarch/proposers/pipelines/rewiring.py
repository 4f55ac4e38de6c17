"""The operator `rewire`: which step answers where, and what runs at once, changes; what the steps do does not.

Only what is provably safe: no step comes to call itself, and only steps that depend on nothing but the texts they are
given change between one after the other and at once.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator
from itertools import pairwise

from agentarch.proposers.pipelines.definitions import Definition, calls_in, rename, replaced, walk, written
from agentarch.proposers.pipelines.edits import Edit, Library, Material
from agentarch.proposers.pipelines.reading import Import, Pipeline

Change = tuple[Pipeline, str]


def rewire(parent: Material, library: Library, rng: random.Random) -> Edit | None:
    """Make one of the changes that this pipeline allows."""
    makers: list[Callable[[Pipeline], Iterator[Change]]] = [_exchanged, _redirected, _one_by_one, _at_once]
    rng.shuffle(makers)
    for make in makers:
        if changes := list(make(parent.pipeline)):
            pipeline, account = rng.choice(changes)
            return Edit(pipeline, account, (parent.name, "rewire"))
    return None


def _exchanged(pipeline: Pipeline) -> Iterator[Change]:
    """Let two sockets take each other's place, unless one works for the other."""
    for place, first in enumerate(pipeline.sockets):
        for second in pipeline.sockets[place + 1 :]:
            one, other = pipeline.by_name[first], pipeline.by_name[second]
            is_apart = first not in pipeline.reach(second) and second not in pipeline.reach(first)
            if is_apart and not _does_the_same(one, other):
                new = {one: rename(one, {first: second}), other: rename(other, {second: first})}
                changed = pipeline.with_definitions(new.get(each, each) for each in pipeline.definitions)
                yield changed, f"exchanging `{first}` and `{second}`"


def _redirected(pipeline: Pipeline) -> Iterator[Change]:
    """Let one call of a socket go to another."""
    for caller in pipeline.definitions:
        for call in calls_in(caller.node):
            if not isinstance(call.func, ast.Name) or call.func.id not in {*pipeline.sockets} & {
                *caller.uses
            }:
                continue
            old = call.func.id
            for new in pipeline.sockets:
                is_local = new in caller.identifiers and new not in caller.uses
                is_same = new == old or _does_the_same(pipeline.by_name[new], pipeline.by_name[old])
                if not is_same and not is_local and caller.name not in pipeline.reach(new):
                    changed = replaced(caller, call.func, call.func, new)
                    account = f"asking `{new}` instead of `{old}` once in `{caller.name}`"
                    yield pipeline.with_changed(caller, changed), account


def _one_by_one(pipeline: Pipeline) -> Iterator[Change]:
    """Ask one after the other what `asyncio.gather` asks at once; results come in the same order anyway."""
    if not _is_stateless(pipeline):
        return
    for caller in pipeline.definitions:
        for node in walk(caller.node):
            match node:
                case ast.Await(
                    value=ast.Call(
                        func=ast.Attribute(value=ast.Name(id="asyncio"), attr="gather"),
                        args=[ast.Starred(value=ast.GeneratorExp(elt=ast.Call()) as each)],
                        keywords=[],
                    )
                ) if caller.value is None:
                    source = written(caller, each)
                    if source.startswith("("):
                        listed = f"[await {source[1:-1].lstrip()}]"
                        changed = replaced(caller, node, node, listed)
                        yield pipeline.with_changed(caller, changed), f"asking one by one in `{caller.name}`"


def _at_once(pipeline: Pipeline) -> Iterator[Change]:
    """Ask sockets at once that are asked one after the other, where none reads what another said."""
    if not _is_stateless(pipeline):
        return
    beside = Import("asyncio", "", "asyncio")
    if "asyncio" in pipeline.identifiers and beside not in pipeline.imports:
        return
    imports = tuple(dict.fromkeys([*pipeline.imports, beside]))
    for caller in pipeline.definitions:
        for first, last, text in _sequences(caller, pipeline):
            changed = pipeline.with_changed(caller, replaced(caller, first, last, text))
            yield Pipeline(imports, changed.definitions), f"asking at once in `{caller.name}`"


def _sequences(
    caller: Definition, pipeline: Pipeline
) -> Iterator[tuple[ast.stmt | ast.expr, ast.stmt | ast.expr, str]]:
    for node in walk(caller.node):
        if isinstance(node, ast.ListComp) and isinstance(node.elt, ast.Await):
            is_plain = len(node.generators) == 1 and not node.generators[0].is_async
            if is_plain and _asks_a_socket(node.elt, pipeline) and _awaits(node) == 1:
                call = written(caller, node.elt.value)
                rest = written(caller, node)[1:-1].lstrip().removeprefix(written(caller, node.elt))
                yield node, node, f"await asyncio.gather(*({call}{rest}))"
        for body in (getattr(node, field, None) for field in ("body", "orelse")):
            statements = body if isinstance(body, list) else []
            for one, other in pairwise(statements):
                match one, other:
                    case (
                        ast.Assign(targets=[ast.Name(id=name)], value=ast.Await() as said),
                        ast.Assign(targets=[ast.Name(id=name_2)], value=ast.Await() as then),
                    ) if _asks_a_socket(said, pipeline) and _asks_a_socket(then, pipeline):
                        if name != name_2 and name not in _names(then) and _awaits(one) + _awaits(other) == 2:
                            calls = f"{written(caller, said.value)}, {written(caller, then.value)}"
                            yield one, other, f"{name}, {name_2} = await asyncio.gather({calls})"


def _asks_a_socket(node: ast.Await, pipeline: Pipeline) -> bool:
    """Whether a socket is asked something, and finding out what can change nothing."""
    call = node.value
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.keywords:
        return False
    is_simple = all(isinstance(one, ast.Name | ast.Constant | ast.JoinedStr) for one in call.args)
    has_walrus = any(isinstance(one, ast.NamedExpr) for one in ast.walk(call))
    return call.func.id in pipeline.sockets and is_simple and not has_walrus


def _is_stateless(pipeline: Pipeline) -> bool:
    """Whether steps share nothing but what they are given, and do not look at what is left to spend."""
    if any(one.mutates & pipeline.names for one in pipeline.definitions):
        return False
    if any(one.value is not None and isinstance(one.value, ast.Call) for one in pipeline.definitions):
        return False
    nodes = (node for one in pipeline.definitions for node in ast.walk(one.node))
    return not any(isinstance(node, ast.Attribute) and node.attr == "remaining" for node in nodes)


def _does_the_same(one: Definition, other: Definition) -> bool:
    return one.code.replace(f"name='{one.name}'", "") == other.code.replace(f"name='{other.name}'", "")


def _awaits(node: ast.AST) -> int:
    return sum(isinstance(one, ast.Await) for one in ast.walk(node))


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
