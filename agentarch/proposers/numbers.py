"""Changes one number in a design of any layout, where it stands in the text.

What evolution can do with a file that a person or a model laid out in another way than the seeds: a constant
at top level, the default of an argument, or a keyword given to one of the file's own classes or functions.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator

from agentarch.design import MAX_SOURCE_BYTES
from agentarch.proposers.parts import Size, keyword_sizes, number, splice
from agentarch.proposers.sizes import near_values
from agentarch.syntax import parse, parse_expression


def change_a_number(source: str, rng: random.Random, most_growth: float) -> tuple[str, str] | None:
    """Change one number.

    Args:
        source: the whole file; may be anything.
        rng: the source of chance.
        most_growth: by which factor the network's parameters may grow, if they grow with the square of a
            whole number.

    Returns:
        The changed source, and what was changed; None where there is no number to change.
    """
    if len(source.encode("utf-8", "surrogatepass")) > MAX_SOURCE_BYTES:
        return None
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    try:
        tree = parse(source)
        choices = [
            (size, value)
            for size in _numbers(tree)
            if _is_written(size, source)
            for value in near_values(size.name, size.value)
            if isinstance(value, float) or (value / size.value) ** 2 <= max(most_growth, 1)
        ]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not choices:
        return None
    size, value = rng.choice(choices)
    account = f"changing {size.name[:30]} on line {size.place.line} from {size.value} to {value}"
    return splice(source, [(size.place, repr(value))]), account


def _numbers(tree: ast.Module) -> Iterator[Size]:
    own = {one.name for one in tree.body if isinstance(one, ast.ClassDef | ast.FunctionDef)}
    found: list[Size | None] = []
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            found.append(number(statement.targets[0].id, statement.value))
        elif (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and statement.value
        ):
            found.append(number(statement.target.id, statement.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            positional = [*node.posonlyargs, *node.args]
            with_default = positional[len(positional) - len(node.defaults) :]
            found += [number(arg.arg, value) for arg, value in zip(with_default, node.defaults, strict=True)]
            found += [
                number(arg.arg, value)
                for arg, value in zip(node.kwonlyargs, node.kw_defaults, strict=True)
                if value
            ]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in own:
            found += keyword_sizes(node)
    return filter(None, found)


def _is_written(size: Size, source: str) -> bool:
    """Return whether the number stands where `ast` says; Python 3.11 misplaces what is inside f-strings."""
    line = source.split("\n")[size.place.line - 1].encode()
    written = line[size.place.start : size.place.end].decode(errors="replace")
    try:
        return bool(ast.literal_eval(parse_expression(written)) == size.value)
    except (SyntaxError, ValueError):
        return False
