"""Estimates how many parameters a design will have, by reading it.

Good to a few per cent for designs written in the usual way, and a guess for others: it keeps proposals under
a cap that the box enforces anyway.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from agentarch.proposers.anatomy import Anatomy
from agentarch.syntax import parse

LENGTH = 96
"""The length assumed for parts with one weight per position."""

_ENDS = 130
"""Weights per unit of width in the embedding and the readout, for tasks of some 64 tokens."""

_BIASES = 1.02
"""By how much biases and norms, which are not counted one by one, add to the weights."""

_MAX_NODES = 50_000  # of syntax; a file can hold classes that build each other for ever
_TOO_MANY = 10**12
_RECURRENT = {"RNN": 1, "GRU": 3, "LSTM": 4}
_TENSORS = {"empty", "ones", "rand", "randn", "zeros"}


def estimate_parameters(anatomy: Anatomy) -> int:
    """Return about how many trainable parameters the network has; far too many where that cannot be told."""
    sizes: dict[str, float] = {"width": anatomy.width, "length": LENGTH, "causal": 1}
    try:
        counter = _Counter(anatomy)
        total = sum(counter.expression(parse(part), sizes) for part in anatomy.parts)
    except RecursionError:
        return _TOO_MANY
    return round(min(_BIASES * (total + _ENDS * anatomy.width), _TOO_MANY))


@lru_cache(maxsize=128)
def _parsed(definition: str) -> ast.stmt:
    return parse(definition).body[0]


class _Counter:
    """Adds up the weights that expressions create, following the design's own classes."""

    def __init__(self, anatomy: Anatomy):
        self._classes = {
            name: statement
            for name, definition in anatomy.definitions.items()
            if isinstance(statement := _parsed(definition.text), ast.ClassDef)
        }
        self._width = float(anatomy.width)
        self._nodes_left = _MAX_NODES

    def expression(self, tree: ast.AST, sizes: Mapping[str, float]) -> float:
        """Return the weights created by every call in an expression or a statement."""
        total = 0.0
        for node in ast.walk(tree):
            self._nodes_left -= 1
            if self._nodes_left < 0:
                return _TOO_MANY
            if isinstance(node, ast.Call):
                total += self._call(node, sizes)
        return total

    def _call(self, call: ast.Call, sizes: Mapping[str, float]) -> float:
        if isinstance(call.func, ast.Name) and call.func.id in self._classes:
            return self._class(self._classes[call.func.id], call, sizes)
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        values = [self._value(argument, sizes) for argument in call.args]
        named = {one.arg: self._value(one.value, sizes) for one in call.keywords if one.arg}
        if name in {"Linear", "Embedding"} and len(values) >= 2:
            return values[0] * values[1]
        if name == "Conv1d" and len(values) >= 2:
            kernel = values[2] if len(values) > 2 else named.get("kernel_size", 3.0)
            return values[0] * values[1] * kernel / max(named.get("groups", 1.0), 1.0)
        if name in _RECURRENT and len(values) >= 2:
            return _RECURRENT[name] * (values[0] + values[1]) * values[1]
        if name in _TENSORS and values:
            return math.prod(values)
        return 0.0

    def _class(self, definition: ast.ClassDef, call: ast.Call, sizes: Mapping[str, float]) -> float:
        """Return the weights that `__init__` creates when called so."""
        for method in definition.body:
            if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                break
        else:
            return 0.0
        parameters = [argument.arg for argument in [*method.args.posonlyargs, *method.args.args][1:]]
        inside = {name: self._value(value, sizes) for name, value in zip(parameters, call.args, strict=False)}
        inside |= {one.arg: self._value(one.value, sizes) for one in call.keywords if one.arg}
        total = 0.0
        for statement in method.body:
            total += self.expression(statement, inside)
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                inside[statement.targets[0].id] = self._value(statement.value, inside)
        return total

    def _value(self, node: ast.expr, sizes: Mapping[str, float]) -> float:
        """Return what an expression comes to; the width where that cannot be told."""
        match node:
            case ast.Constant(value=int() | float() as value):
                return _bounded(value)
            case ast.Name(id=name) if name in sizes:
                return sizes[name]
            case ast.IfExp(body=body, orelse=otherwise):
                return max(self._value(body, sizes), self._value(otherwise, sizes))
            case ast.BinOp(left=left, op=operator, right=right):
                return _bounded(_apply(operator, self._value(left, sizes), self._value(right, sizes)))
            case _:
                return self._width


def _apply(operator: ast.operator, left: float, right: float) -> float:
    match operator:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div() | ast.FloorDiv():
            return left / right if right else left
        case _:
            return left


def _bounded(value: Any) -> float:
    return float(min(max(value, 0), 10**9)) if value == value else 0.0
