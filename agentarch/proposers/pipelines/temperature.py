"""The operator `temper`: calls to a model are sampled at another temperature.

Steps want different ones: votes need samples that differ, while a plan or a verdict is best taken where the model is
surest. A design that leaves every call to the model's own temperature cannot have both.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator

from agentarch.proposers.pipelines.definitions import (
    ARGUMENTS,
    Definition,
    calls_in,
    replaced,
    with_argument,
)
from agentarch.proposers.pipelines.edits import Edit, Library, Material
from agentarch.proposers.pipelines.reading import Pipeline

MODEL = ARGUMENTS[1]
KEYWORD = "temperature"
OWN = "None"
"""Leaves the temperature to the model."""

TEMPERATURES = (OWN, "0.0", "0.5")
"""What a call is sampled at, as written."""

_ALL_SHARE = 0.5  # of edits where several calls name no temperature

_Place = tuple[Definition, ast.Call]


def temper(parent: Material, library: Library, rng: random.Random) -> Edit | None:
    """Sample one call at another temperature, or all that name none; settings of their own are for `tune`."""
    if len(_silent(parent.pipeline)) > 1 and rng.random() < _ALL_SHARE:
        value = rng.choice(TEMPERATURES[1:])
        made, where = _with_all(parent.pipeline, value), "wherever it can be named and is not"
    else:
        choices = [(place, value) for place in _places(parent.pipeline) for value in _others(place[1])]
        if not choices:
            return None
        place, value = rng.choice(choices)
        made, where = _with_one(parent.pipeline, place, value), f"in `{place[0].name}`"
    at = "the model's own temperature" if value == OWN else f"temperature {value}"
    return Edit(made, f"sampling at {at} {where}", (parent.name, "temper"))


def _with_one(pipeline: Pipeline, place: _Place, value: str) -> Pipeline:
    definition, call = place
    old = _temperature(call)
    if old is None:
        return pipeline.with_changed(definition, with_argument(definition, call, f"{KEYWORD}={value}"))
    return pipeline.with_changed(definition, replaced(definition, old, old, value))


def _with_all(pipeline: Pipeline, value: str) -> Pipeline:
    """Give a temperature to all calls that have none; each changes where the others stand, hence one by one."""
    for _ in range(len(_silent(pipeline))):
        pipeline = _with_one(pipeline, _silent(pipeline)[0], value)
    return pipeline


def _silent(pipeline: Pipeline) -> list[_Place]:
    return [place for place in _places(pipeline) if _value(place[1]) == OWN]


def _places(pipeline: Pipeline) -> Iterator[_Place]:
    """Return the calls that a temperature can be written into, in order."""
    for definition in pipeline.definitions:
        for call in calls_in(definition.node):
            if _is_asking(call, definition, pipeline) and _is_open(call):
                yield definition, call


def _is_asking(call: ast.Call, definition: Definition, pipeline: Pipeline) -> bool:
    """Whether a model is asked, or a function of the file's own that hands its settings on to one."""
    if isinstance(call.func, ast.Name) and call.func.id in pipeline.by_name:
        return call.func.id in definition.uses and _hands_on(pipeline.by_name[call.func.id].node)
    return _is_ask(call)


def _hands_on(function: ast.stmt) -> bool:
    """Whether a function is one like `async def ask(model, prompt, **settings)` around `model.ask(..., **settings)`."""
    if not isinstance(function, ast.AsyncFunctionDef) or function.args.kwarg is None:
        return False
    settings = function.args.kwarg.arg
    asked = [one for one in ast.walk(function) if isinstance(one, ast.Call) and _is_ask(one)]
    spread = {ast.unparse(one.value) for call in asked for one in call.keywords if one.arg is None}
    names = {one.arg for one in ast.walk(function) if isinstance(one, ast.arg | ast.keyword)}
    return settings in spread and KEYWORD not in names  # where it is named, it would be given twice


def _is_ask(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Name(id=name), attr="ask"):
            return name == MODEL
        case _:
            return False


def _is_open(call: ast.Call) -> bool:
    """Whether a keyword can be written behind the last argument: there is one, and `**settings` may hold none."""
    given = [*call.args, *(one.value for one in call.keywords)]
    has_settings = any(one.arg is None for one in call.keywords)
    return bool(given) and not has_settings and not any(isinstance(one, ast.GeneratorExp) for one in given)


def _others(call: ast.Call) -> tuple[str, ...]:
    """Return the temperatures that a call may be given; none where a name stands for it."""
    value = _value(call)
    return tuple(one for one in TEMPERATURES if one != value) if value else ()


def _value(call: ast.Call) -> str:
    """Return the temperature of a call, as Python writes it; an empty text for what is no constant."""
    match _temperature(call):
        case None:
            return OWN
        case ast.Constant(value=value):
            return repr(value)
        case _:
            return ""


def _temperature(call: ast.Call) -> ast.expr | None:
    return next((one.value for one in call.keywords if one.arg == KEYWORD), None)
