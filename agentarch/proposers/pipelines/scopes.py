"""Says which names in a stretch of Python mean something at the module's top level, and where they stand.

Python's scoping rules on a syntax tree: functions, lambdas, comprehensions, classes, `global` and `nonlocal`. What
cannot be told by reading alone is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from agentarch.proposers.anatomy import NotRecombinableError

LOOKS_NAMES_UP = frozenset({"globals", "locals", "vars", "dir", "eval", "exec", "compile", "__import__"})
"""Built-in functions through which code may find names that reading does not see."""

_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_BINDS_A_NAME = ast.ExceptHandler | ast.MatchAs | ast.MatchStar


@dataclass(frozen=True)
class Occurrence:
    """One place where a name of the top level is mentioned.

    Attributes:
        name: the name.
        node: the `Name`, the `Global` statement, or the definition that binds it.
        text: the outermost f-string it stands in, if any; positions inside one cannot be trusted.
        binds: whether the name gets its value here.
        is_early: whether Python comes here while the file is loaded.
        is_unclear: whether it may just as well be a name of the class whose body it stands in.
    """

    name: str
    node: ast.Name | ast.Global | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    text: ast.JoinedStr | None
    binds: bool
    is_early: bool
    is_unclear: bool


@dataclass
class _Scope:
    kind: str
    bound: frozenset[str] = frozenset()
    from_module: frozenset[str] = frozenset()


def occurrences(tree: ast.Module) -> list[Occurrence]:
    """Return every mention of a name of the top level, in order.

    Raises:
        NotRecombinableError: names are looked up in a way that reading cannot follow.
    """
    found = _Reader()
    found.visit(tree)
    return found.occurrences


def identifiers(tree: ast.AST) -> frozenset[str]:
    """Return every identifier in a tree that could stand for a variable, whatever it means there."""
    return frozenset(_mentioned(ast.walk(tree)))


def _mentioned(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Name():
                yield node.id
            case ast.arg():
                yield node.arg
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.alias():
                yield (node.asname or node.name).partition(".")[0]
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar() if node.name:
                yield node.name
            case ast.MatchMapping() if node.rest:
                yield node.rest
            case ast.Global() | ast.Nonlocal():
                yield from node.names


@dataclass
class _Reader(ast.NodeVisitor):
    occurrences: list[Occurrence] = field(default_factory=list)
    scopes: list[_Scope] = field(default_factory=lambda: [_Scope("module")])
    text: ast.JoinedStr | None = None

    def visit(self, node: ast.AST) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node)
            case ast.Lambda():
                self._each(_defaults(node.args))
                self._inside("function", node.args, [node.body])
            case ast.ClassDef():
                self._class(node)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._comprehension(node)
            case ast.JoinedStr() if self.text is None:
                self.text = node
                self.generic_visit(node)
                self.text = None
            case ast.Name():
                self._note(node.id, node, binds=not isinstance(node.ctx, ast.Load))
            case ast.Global():
                for name in node.names:
                    self._note(name, node, binds=False)
            case ast.ImportFrom() | ast.Import():
                for name in _mentioned(node.names):
                    self._refuse_if_global(name)
            case ast.MatchMapping() if node.rest:
                self._refuse_if_global(node.rest)
                self.generic_visit(node)
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar() if node.name:
                self._refuse_if_global(node.name)
                self.generic_visit(node)
            case _:
                self.generic_visit(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._check_parameters(node)
        self._note(node.name, node, binds=True)
        self._each([*node.decorator_list, *_defaults(node.args), *_annotations(node)])
        self._inside("function", node.args, node.body)

    def _class(self, node: ast.ClassDef) -> None:
        self._check_parameters(node)
        self._note(node.name, node, binds=True)
        self._each([*node.decorator_list, *node.bases, *node.keywords])
        self._inside("class", None, node.body)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        first, *others = node.generators
        self.visit(first.iter)
        bound = frozenset(
            _mentioned(ast.walk(ast.Tuple([one.target for one in node.generators], ast.Store())))
        )
        self.scopes.append(_Scope("comprehension", bound))
        self._each([first.target, *first.ifs, *others])
        self._each([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])
        self.scopes.pop()

    def _inside(self, kind: str, arguments: ast.arguments | None, body: Iterable[ast.AST]) -> None:
        nodes = list(_of_one_scope(body))
        from_module = {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
        outer = {name for node in nodes if isinstance(node, ast.Nonlocal) for name in node.names}
        bound = {name for node in nodes for name in _bound_by(node)} - from_module - outer
        bound |= {one.arg for one in ast.walk(arguments) if isinstance(one, ast.arg)} if arguments else set()
        self.scopes.append(_Scope(kind, frozenset(bound), frozenset(from_module)))
        self._each(body)
        self.scopes.pop()

    def _each(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def _note(
        self,
        name: str,
        node: ast.Name | ast.Global | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        *,
        binds: bool,
    ) -> None:
        is_unclear = not binds and self.scopes[-1].kind == "class" and name in self.scopes[-1].bound
        if is_unclear or self._is_global(name):
            if name in LOOKS_NAMES_UP:
                raise NotRecombinableError(f"it uses `{name}`, which looks names up while it runs")
            is_early = not any(scope.kind == "function" for scope in self.scopes)
            self.occurrences.append(Occurrence(name, node, self.text, binds, is_early, is_unclear))

    def _is_global(self, name: str) -> bool:
        for distance, scope in enumerate(reversed(self.scopes)):
            if scope.kind == "class" and distance:
                continue
            if name in scope.from_module:
                return True
            if name in scope.bound:
                return False
        return True

    def _refuse_if_global(self, name: str) -> None:
        if self._is_global(name):
            raise NotRecombinableError(f"`{name}` is bound at the top level in an unusual way")

    @staticmethod
    def _check_parameters(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        if getattr(node, "type_params", None):
            raise NotRecombinableError(f"`{node.name}` has type parameters")


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *filter(None, arguments.kw_defaults)]


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    noted = [one.annotation for one in ast.walk(node.args) if isinstance(one, ast.arg) and one.annotation]
    return [*noted, node.returns] if node.returns else noted


def _of_one_scope(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield nodes and what they contain, but for what has a scope of its own; `:=` reaches out of comprehensions."""
    for node in nodes:
        yield node
        if isinstance(node, _FUNCTIONS):
            yield from _of_one_scope([*node.decorator_list, *_defaults(node.args)])
        elif isinstance(node, ast.ClassDef):
            yield from _of_one_scope([*node.decorator_list, *node.bases])
        elif isinstance(node, ast.Lambda):
            yield from _of_one_scope(_defaults(node.args))
        elif isinstance(node, _COMPREHENSIONS):
            for inner in ast.walk(node):
                if isinstance(inner, ast.NamedExpr):
                    yield inner.target
            yield from _of_one_scope([node.generators[0].iter])
        else:
            yield from _of_one_scope(ast.iter_child_nodes(node))


def _bound_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name() if not isinstance(node.ctx, ast.Load):
            yield node.id
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Import() | ast.ImportFrom():
            yield from _mentioned(node.names)
        case ast.MatchMapping() if node.rest:
            yield node.rest
        case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar() if node.name:
            yield node.name
