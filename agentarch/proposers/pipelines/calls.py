"""Estimates by reading how often a pipeline asks a model for one question.

Loops multiply, branches add the dearer one, what is unknown counts as a few. An estimate, not a promise: only
`Calls.least` is sure, and even that only of a run that is not cut short by an exception.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from agentarch.proposers.pipelines.reading import ROOT, Pipeline

FEW = 3
"""How often a loop is taken to run that nothing is known about."""

MOST = 1e9
_PASS_THROUGH = frozenset({"enumerate", "reversed", "sorted", "list", "tuple", "iter", "set"})


@dataclass(frozen=True)
class Calls:
    """How often a model is asked for one question.

    Attributes:
        least: at least so often, as far as constants tell.
        typical: about so often.
    """

    least: float = 0.0
    typical: float = 0.0

    def __add__(self, other: Calls) -> Calls:
        return Calls(min(self.least + other.least, MOST), min(self.typical + other.typical, MOST))

    def times(self, least: float, typical: float) -> Calls:
        """Return the calls of a loop."""
        return Calls(min(self.least * least, MOST), min(self.typical * typical, MOST))

    def or_else(self, other: Calls) -> Calls:
        """Return the calls of one of two branches."""
        return Calls(min(self.least, other.least), max(self.typical, other.typical))


NONE = Calls()


@lru_cache(maxsize=1024)
def estimate_calls(pipeline: Pipeline) -> Calls:
    """Return how often a pipeline asks a model for one question."""
    return _Estimate(pipeline).of_function(ROOT)


class _Estimate:
    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._known: dict[str, Calls] = {}
        self._above: list[str] = []

    def of_function(self, name: str) -> Calls:
        """Return the calls of one function or class, or of the functions that a constant holds."""
        if name in self._known:
            return self._known[name]
        if name in self._above or not self._asks(name):
            return NONE  # where it calls itself, once is counted
        self._above.append(name)
        node = self._pipeline.by_name[name].node
        calls = self._sum(node.body if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) else [node])
        self._above.pop()
        self._known[name] = calls
        return calls

    def _asks(self, name: str) -> bool:
        """Whether anything that a name needs may ask a model."""
        needed = (self._pipeline.by_name.get(one) for one in self._pipeline.reach(name))
        return any("attr='ask'" in one.code for one in needed if one)

    def _sum(self, nodes: Iterable[ast.AST]) -> Calls:
        """Return the calls of statements in a row; after one that may leave, the rest is not sure."""
        total, may_be_over = NONE, False
        for node in nodes:
            calls = self._of(node)
            total += Calls(0.0, calls.typical) if may_be_over else calls
            may_be_over = may_be_over or _may_leave(node)
        return total

    def _of(self, node: ast.AST) -> Calls:
        match node:
            case ast.If() | ast.IfExp():
                body = node.body if isinstance(node.body, list) else [node.body]
                orelse = node.orelse if isinstance(node.orelse, list) else [node.orelse]
                return self._of(node.test) + self._sum(body).or_else(self._sum(orelse))
            case ast.BoolOp():
                first, *others = node.values
                rest = self._sum(others)
                return self._of(first) + Calls(0.0, rest.typical)
            case ast.For() | ast.AsyncFor():
                least, typical = self._count(node.iter)
                if any(_may_leave(one) for one in node.body):
                    least = min(least, 1)
                return (
                    self._of(node.iter) + self._sum(node.body).times(least, typical) + self._sum(node.orelse)
                )
            case ast.While():
                return self._of(node.test) + self._sum(node.body).times(0, FEW)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                return self._comprehension(node)
            case ast.Call():
                return self._call(node)
            case ast.Name() if node.id in self._pipeline.by_name:
                return Calls(0.0, self.of_function(node.id).typical)  # handed on, to be called somewhere else
            case ast.Try():
                return self._sum([*node.body, *node.orelse, *node.finalbody])
            case _:
                return self._sum(ast.iter_child_nodes(node))

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> Calls:
        inner = self._sum([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])
        outside = NONE
        for one in reversed(node.generators):
            least, typical = self._count(one.iter)
            inner = (self._sum(one.ifs) + inner).times(0 if one.ifs else least, typical)
            outside += self._of(one.iter)
        return inner + outside

    def _call(self, node: ast.Call) -> Calls:
        given = self._sum([*node.args, *(one.value for one in node.keywords)])
        if isinstance(node.func, ast.Attribute) and node.func.attr == "ask":
            samples = next((self._number(one.value) for one in node.keywords if one.arg == "n"), 1.0)
            return given + Calls(samples or 1.0, samples or FEW)
        if isinstance(node.func, ast.Name):
            if node.func.id == "map" and len(node.args) == 2 and isinstance(node.args[0], ast.Name):
                least, typical = self._count(node.args[1])
                return self.of_function(node.args[0].id).times(least, typical) + self._of(node.args[1])
            return given + self.of_function(node.func.id)
        return given + self._of(node.func)

    def _count(self, node: ast.expr) -> tuple[float, float]:
        """Return how many items there are at least, and typically."""
        match node:
            case ast.Call(func=ast.Name(id="range"), args=args) if args:
                numbers = [number for one in args if (number := self._number(one)) is not None]
                if len(numbers) < len(args) or 0.0 in numbers[2:]:
                    return 0, FEW
                start, stop = (0.0, numbers[0]) if len(numbers) == 1 else numbers[:2]
                items = max(math.ceil((stop - start) / (numbers[2] if len(numbers) == 3 else 1.0)), 0)
                return items, items
            case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in _PASS_THROUGH:
                return self._count(first)
            case ast.Call(func=ast.Name(id="zip"), args=args) if args:
                counted = [self._count(one) for one in args if not isinstance(one, ast.Starred)]
                return min(counted, key=lambda one: one[1], default=(0, FEW))
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                least, typical = self._count(left)
                factor = self._number(right)
                return (least * factor, typical * factor) if factor is not None else (0, typical * FEW)
            case ast.Tuple() | ast.List():
                if any(isinstance(one, ast.Starred) for one in node.elts):
                    return 0, max(FEW, len(node.elts))
                return len(node.elts), len(node.elts)
            case ast.Name() if (one := self._pipeline.by_name.get(node.id)) and one.value is not None:
                return self._count(one.value)
            case _:
                return 0, FEW

    def _number(self, node: ast.expr) -> float | None:
        """Return the value of an expression of numbers and constants."""
        match node:
            case ast.Constant(value=int() | float() as value):
                return float(value) if abs(value) < MOST else MOST
            case ast.Name() if (one := self._pipeline.by_name.get(node.id)) and one.value is not None:
                return self._number(one.value) if node.id not in _names(one.value) else None
            case ast.BinOp():
                left, right = self._number(node.left), self._number(node.right)
                if left is None or right is None:
                    return None
                return {"Add": left + right, "Sub": left - right, "Mult": left * right}.get(
                    type(node.op).__name__
                )
            case ast.Call(func=ast.Name(id="len"), args=[inner]):
                least, typical = self._count(inner)
                return typical if least == typical else None
            case _:
                return None


def _names(node: ast.AST) -> Iterator[str]:
    return (one.id for one in ast.walk(node) if isinstance(one, ast.Name))


def _may_leave(node: ast.AST) -> bool:
    """Whether a statement may end the function or the loop around it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        return False
    if isinstance(node, ast.Return | ast.Break | ast.Continue | ast.Raise):
        return True
    return any(
        _may_leave(one) for one in ast.iter_child_nodes(node) if isinstance(one, ast.stmt | ast.ExceptHandler)
    )
