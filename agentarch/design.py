"""Designs as text: reading one statically, its identity, and the proposal it arrives as.

Guarantees that nothing here runs a design: source is parsed with `ast` and never imported, compiled to
code, or executed. Knows no particular kind of design; each kind states its `Contract`.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from agentarch.syntax import parse

MAX_SOURCE_BYTES = 100_000
"""A design longer than this is refused: no design that a person would read comes near it."""

_ID_HEX_DIGITS = 12
_TOO_DEEP = "does not parse: the code is nested too deeply"


class DesignError(ValueError):
    """A design that is refused by reading alone; the message is one line its author can act on."""


@dataclass(frozen=True)
class Contract:
    """What a kind of design must look like as text.

    Attributes:
        kind: the kind's name, e.g. `"network"`.
        function: the top-level function every design of the kind defines.
        arguments: how many positional arguments a call of that function passes.
        is_async: whether the function must be a coroutine function.
        allowed_imports: top-level module names a design may import.
    """

    kind: str
    function: str
    arguments: int
    is_async: bool
    allowed_imports: frozenset[str]


@dataclass(frozen=True)
class Proposal:
    """A design that has not been read yet, with where it comes from.

    Attributes:
        source: Python source of the whole file.
        name: a short human name; need not be unique.
        rationale: why this design might do well, in a sentence or two.
        proposer: the name of the proposer that wrote it.
        operator: what the proposer did, e.g. `"swap"` or `"seed"`.
        parents: ids of the designs it was made from, most important first.
    """

    source: str
    name: str
    rationale: str = ""
    proposer: str = "person"
    operator: str = "written"
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Design:
    """A design that reads well: identity, source and lineage.

    `id` is a hash of the kind and the normalised source, so two files that differ only in layout,
    comments or docstrings are the same design. The other attributes are those of `Proposal`.
    """

    id: str
    kind: str
    name: str
    source: str
    rationale: str = ""
    proposer: str = "person"
    operator: str = "written"
    parents: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Its name and the beginning of its id, for names need not be unique: e.g. `wide_mixer (3fa9c1d2)`."""
        return f"{self.name} ({self.id[:8]})"


def read_design(proposal: Proposal, contract: Contract) -> Design:
    """Read a proposal statically and give it its identity.

    Returns:
        The design, with its id.

    Raises:
        DesignError: the source is too long, does not parse, lacks the contract's function, or imports
            what a design of this kind may not.
    """
    tree = _parse(proposal.source)
    _check_function(tree, contract)
    _check_imports(tree, contract)
    try:
        identity = design_id(tree, contract.kind)
    except RecursionError:
        raise DesignError(_TOO_DEEP) from None
    except ValueError as error:  # a number too long to be written out again
        raise DesignError(f"cannot be read: {error}") from None
    return Design(
        id=identity,
        kind=contract.kind,
        name=proposal.name,
        source=proposal.source,
        rationale=proposal.rationale,
        proposer=proposal.proposer,
        operator=proposal.operator,
        parents=proposal.parents,
    )


def defines(source: str, function: str) -> bool:
    """Whether a source defines a function at top level; False for what cannot be read."""
    try:
        tree = _parse(source)
    except DesignError:
        return False
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(isinstance(statement, kinds) and statement.name == function for statement in tree.body)


def design_id(tree: ast.Module, kind: str) -> str:
    """Hash the kind and the normalised syntax tree: no comments, no docstrings, no layout."""
    normalised = ast.unparse(ast.fix_missing_locations(_WithoutProse().visit(tree)))
    return hashlib.sha256(f"{kind}\0{normalised}".encode()).hexdigest()[:_ID_HEX_DIGITS]


def _parse(source: str) -> ast.Module:
    size = len(source.encode("utf-8", "surrogatepass"))
    if size > MAX_SOURCE_BYTES:
        raise DesignError(f"the source has {size:,} bytes; at most {MAX_SOURCE_BYTES:,} are allowed")
    try:
        return parse(source)
    except SyntaxError as error:
        where = f" on line {error.lineno}" if error.lineno else ""
        raise DesignError(f"does not parse: {error.msg}{where}") from None
    except (ValueError, UnicodeError) as error:  # null bytes, lone surrogates
        raise DesignError(f"does not parse: {error}") from None
    except (RecursionError, MemoryError):
        raise DesignError(_TOO_DEEP) from None


def _check_function(tree: ast.Module, contract: Contract) -> None:
    wanted = ast.AsyncFunctionDef if contract.is_async else ast.FunctionDef
    form = f"{'async ' if contract.is_async else ''}def {contract.function}"
    for statement in tree.body:
        if (
            isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
            and statement.name == contract.function
        ):
            break
    else:
        raise DesignError(
            f"lacks `{contract.function}`: a design of kind {contract.kind!r} defines `{form}(...)` at top level"
        )
    if not isinstance(statement, wanted):
        raise DesignError(f"`{contract.function}` on line {statement.lineno} must be written `{form}(...)`")
    accepted = statement.args
    positional = len(accepted.posonlyargs) + len(accepted.args)
    required = positional - len(accepted.defaults)
    has_required_keyword = any(default is None for default in accepted.kw_defaults)
    enough_room = accepted.vararg is not None or positional >= contract.arguments
    if required > contract.arguments or not enough_room or has_required_keyword:
        raise DesignError(
            f"`{contract.function}` on line {statement.lineno} must be callable with "
            f"{contract.arguments} positional argument{'s' if contract.arguments > 1 else ''}"
        )


def _check_imports(tree: ast.Module, contract: Contract) -> None:
    for module, line in _imports(tree):
        if module.partition(".")[0] not in contract.allowed_imports:
            allowed = ", ".join(sorted(contract.allowed_imports - {"__future__"}))
            raise DesignError(
                f"imports `{module}` on line {line}; designs of kind {contract.kind!r} may import only {allowed}"
            )


def _imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or ""), node.lineno


class _WithoutProse(ast.NodeTransformer):
    """Drops docstrings and other statements that are only a string."""

    def visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [statement for statement in body if not _is_prose(statement)]
            node.body = kept or ([] if isinstance(node, ast.Module) else [ast.Pass()])  # type: ignore[attr-defined]
        return node


def _is_prose(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
