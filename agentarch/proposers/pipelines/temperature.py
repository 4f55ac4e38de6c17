"""The operator `temper`: calls to a model are sampled at another temperature.

Steps want different ones: votes need samples that differ, while a plan or a verdict is best taken where the model is
surest. A design that leaves every call to the model's own temperature cannot have both.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator

from agentarch.proposers.pipelines.definitions import Definition, replaced, written
from agentarch.proposers.pipelines.edits import Edit, Library, Material
from agentarch.proposers.pipelines.reading import Pipeline

KEYWORD = "temperature"
TEMPERATURES = (0.0, 0.5, 1.0)
"""What a call is sampled at; the last is what models do when nothing is said."""

_ALL_SHARE = 0.5  # of edits where several calls say nothing of a temperature

_Place = tuple[Definition, ast.Call]


def temper(parent: Material, library: Library, rng: random.Random) -> Edit | None:
    """Sample one call at another temperature, or all those that name none; settings of their own are for `tune`."""
    if len(_silent(parent.pipeline)) > 1 and rng.random() < _ALL_SHARE:
        value = rng.choice(TEMPERATURES[:-1])
        made = _with_all(parent.pipeline, value)
        where = "wherever none is named"
    else:
        choices = [(place, value) for place in _places(parent.pipeline) for value in _others(place[1])]
        if not choices:
            return None
        place, value = rng.choice(choices)
        made = _with_one(parent.pipeline, place, value)
        where = f"in `{place[0].name}`"
    return Edit(made, f"sampling at temperature {value} {where}", (parent.name, "temper"))


def _with_one(pipeline: Pipeline, place: _Place, value: float) -> Pipeline:
    definition, call = place
    old = _temperature(call)
    if old is not None:
        return pipeline.with_changed(definition, replaced(definition, old, old, repr(value)))
    last = _last(call)
    text = f"{written(definition, last)}, {KEYWORD}={value}"
    return pipeline.with_changed(definition, replaced(definition, last, last, text))


def _with_all(pipeline: Pipeline, value: float) -> Pipeline:
    """Give a temperature to all calls that have none; each changes where the others stand, hence one by one."""
    for _ in range(len(_silent(pipeline))):
        pipeline = _with_one(pipeline, _silent(pipeline)[0], value)
    return pipeline


def _silent(pipeline: Pipeline) -> list[_Place]:
    return [place for place in _places(pipeline) if _temperature(place[1]) is None]


def _places(pipeline: Pipeline) -> Iterator[_Place]:
    """Return the calls that a temperature can be written into, in order."""
    for definition in pipeline.definitions:
        for node in _outside_of_texts(definition.node):
            if isinstance(node, ast.Call) and _is_asking(node, pipeline) and _is_open(node):
                yield definition, node


def _outside_of_texts(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree, but not into f-strings: Python 3.11 does not say where in them something stands."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.JoinedStr):
            yield from _outside_of_texts(child)


def _is_asking(call: ast.Call, pipeline: Pipeline) -> bool:
    """Whether a model is asked, or a function of the file's own that hands its settings on to one."""
    if isinstance(call.func, ast.Name) and call.func.id in pipeline.by_name:
        return _hands_on(pipeline.by_name[call.func.id].node)
    return _is_ask(call.func)


def _hands_on(function: ast.stmt) -> bool:
    """Whether a function is one like `async def ask(model, prompt, **settings)` around `model.ask(..., **settings)`."""
    rest = function.args.kwarg if isinstance(function, ast.AsyncFunctionDef) else None
    asked = (one for one in ast.walk(function) if isinstance(one, ast.Call) and _is_ask(one.func))
    given = [one.value for call in asked for one in call.keywords if one.arg is None]
    return rest is not None and any(isinstance(one, ast.Name) and one.id == rest.arg for one in given)


def _is_ask(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and function.attr == "ask"


def _is_open(call: ast.Call) -> bool:
    """Whether a keyword can be written behind the last argument: there is one, and `**settings` may hold none."""
    has_settings = any(one.arg is None for one in call.keywords)
    return (
        bool(call.args or call.keywords)
        and not has_settings
        and not isinstance(_last(call), ast.GeneratorExp)
    )


def _others(call: ast.Call) -> tuple[float, ...]:
    """Return the temperatures that a call may be given; none where a name stands for it."""
    old = _temperature(call)
    if old is None:
        return TEMPERATURES[:-1]
    return tuple(one for one in TEMPERATURES if one != old.value) if isinstance(old, ast.Constant) else ()


def _temperature(call: ast.Call) -> ast.expr | None:
    return next((one.value for one in call.keywords if one.arg == KEYWORD), None)


def _last(call: ast.Call) -> ast.expr:
    """Return the argument that stands last."""
    given = [*call.args, *(one.value for one in call.keywords)]
    return max(given, key=lambda one: (one.end_lineno or 0, one.end_col_offset or 0))
