"""Writes an anatomy back as a file that a person can read, and says in words what is in it.

The docstring is made anew each time from what the network is and the one edit that made it, so it stays as
short in the hundredth generation as in the first.
"""

from __future__ import annotations

import ast
import itertools
import keyword
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator

from agentarch.proposers.anatomy import ARGUMENTS, ROOTS, Anatomy, NotRecombinableError, names
from agentarch.proposers.parts import classes, mixes, title, unwrap, words
from agentarch.proposers.reading import read_anatomy
from agentarch.syntax import parse_expression

LINE_LENGTH = 110
MAX_NAME_CHARACTERS = 60


def write(anatomy: Anatomy, *history: str) -> str:
    """Write a design.

    Args:
        anatomy: what to write; every definition in it is written.
        history: paragraphs of the docstring: from which designs it was made, by which edit.

    Returns:
        The source of the whole file, which reads back as the same anatomy.

    Raises:
        NotRecombinableError: the definitions cannot be put in an order that loads and reads back.
    """
    sections = [_docstring(anatomy, history)]
    sections += _imports(anatomy)
    constants = [one.text for one in anatomy.definitions.values() if one.is_constant]
    sections.append("\n".join(constants))
    defined = _reading_order(anatomy)
    before_layers = [anatomy.definitions[name].text for name in defined if name not in ROOTS]
    after_layers = [anatomy.definitions[name].text for name in ROOTS if name in defined]
    code = "\n\n\n".join([*before_layers, _layers(anatomy), *after_layers])
    source = "\n\n".join(sections) + "\n\n\n" + code + "\n"
    if read_anatomy(source).gist != anatomy.gist:  # a file laid out so oddly that lines went missing
        raise NotRecombinableError("the design cannot be written so that it reads back the same")
    return source


def headline(anatomy: Anatomy) -> str:
    """Return a network in one line, such as "Attention and feed forward: 4 layers, width 64."."""
    mixers_first = sorted(anatomy.parts, key=lambda part: not mixes(part))
    kinds = list(dict.fromkeys(words(name) or "part" for part in mixers_first for name in classes(part)))
    shown = kinds if len(kinds) <= 4 else [*kinds[:3], "others"]
    listed = " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]])) if shown else "network"
    count = len(anatomy.order)
    sharing = f", {len(anatomy.parts)} distinct" if anatomy.shared else ""
    layers = f"{count} layer{'s' if count > 1 else ''}{sharing}"
    return f"{listed[:1].upper()}{listed[1:]}: {layers}, width {anatomy.width}."


def short_name(anatomy: Anatomy, operator: str) -> str:
    """Return a name for a design: the mixers it has and the edit that made it, `gru-attention-swap`."""
    mixers = [name for part in anatomy.parts if mixes(part) for name in classes(part)] or ["network"]
    kinds = [words(name).replace(" ", "-") for name, _ in Counter(mixers).most_common(3)]
    while len("-".join([*kinds, operator])) > MAX_NAME_CHARACTERS and kinds:
        kinds.pop()
    return "-".join(filter(None, [*kinds, operator]))


def _docstring(anatomy: Anatomy, history: Iterable[str]) -> str:
    paragraphs = [headline(anatomy), *history]
    safe = (paragraph.replace("\\", "").replace('"', "'") for paragraph in paragraphs)
    filled = "\n\n".join(textwrap.fill(one, LINE_LENGTH - len('"""'), break_on_hyphens=False) for one in safe)
    return f'"""{filled}\n"""'


def _imports(anatomy: Anatomy) -> Iterator[str]:
    """Yield one block of imports for `__future__`, one for the standard library, one for the rest."""
    blocks: dict[int, list[str]] = {0: [], 1: [], 2: []}
    for name, statement in anatomy.imports.items():
        module = statement.split()[1].partition(".")[0]
        block = 0 if name.startswith("__future__") else 1 if module in sys.stdlib_module_names else 2
        blocks[block].append(statement)
    for statements in blocks.values():
        if statements:
            yield "\n".join(_merged(statements))


def _merged(statements: Iterable[str]) -> list[str]:
    """Sort imports, `import x` first, and join those from one module."""
    plain, members = [], dict[str, list[str]]()
    for statement in sorted(statements):
        if statement.startswith("import "):
            plain.append(statement)
        else:
            _, module, _, what = statement.split(" ", 3)
            members.setdefault(module, []).append(what)
    return plain + [f"from {module} import {', '.join(what)}" for module, what in members.items()]


def _reading_order(anatomy: Anatomy) -> list[str]:
    """Order classes and functions: what works, what combines, what wraps, then the rest of the network.

    Each comes after what it refers to.
    """
    working: list[str] = []
    combining: list[str] = []
    wrapping: list[str] = []
    for part in anatomy.parts:
        wrapper = unwrap(part).before.partition("(")[0]
        wrapping.append(wrapper)
        working += classes(part)
        combining += [name for name in names(part) if name != wrapper]
    ordered = _after_what_they_use(anatomy, [*working, *combining, *wrapping, *ROOTS])
    for position, name in enumerate(ordered):
        if anatomy.definitions[name].early & set(ordered[position + 1 :]):
            raise NotRecombinableError(f"`{name}` and what it is made of refer to each other")
    return ordered


def _after_what_they_use(anatomy: Anatomy, roots: Iterable[str]) -> list[str]:
    """Return the classes and functions that the roots need, each after those it uses where that can be."""
    ordered: list[str] = []
    entered: set[str] = set()
    waiting = [(root, False) for root in roots][::-1]
    while waiting:
        name, is_done = waiting.pop()
        if is_done:
            ordered.append(name)
        elif (
            name not in entered and name in anatomy.definitions and not anatomy.definitions[name].is_constant
        ):
            entered.add(name)
            waiting.append((name, True))
            waiting.extend((used, False) for used in reversed(anatomy.definitions[name].uses))
    return ordered


def _layers(anatomy: Anatomy) -> str:
    """Write the function `layers`."""
    variables = _variables(anatomy)
    note = "; a name that comes again shares its weights" if variables else ""
    lines = [
        "def layers(width, length, causal):",
        f'    """Return the network, one layer a line, first to last{note}."""',
    ]
    lines += [_broken(f"    {name} = ", anatomy.parts[index], "") for index, name in variables.items()]
    lines.append("    return [")
    for index in anatomy.order:
        lines.append(
            f"        {variables[index]},"
            if index in variables
            else _broken(" " * 8, anatomy.parts[index], ",")
        )
    return "\n".join([*lines, "    ]"])


def _variables(anatomy: Anatomy) -> dict[int, str]:
    """Name the shared parts after what they are; a second one of a kind gets a number."""
    taken = {
        *anatomy.definitions,
        *anatomy.imports,
        *ARGUMENTS,
        *keyword.kwlist,
        *(n for p in anatomy.parts for n in names(p)),
    }
    variables: dict[int, str] = {}
    for index in sorted(anatomy.shared):
        stem = re.sub(r"\W+", "_", title(unwrap(anatomy.parts[index]).inner))
        stem = stem if stem.isidentifier() else "part"
        candidates = (f"{stem}_{number}" if number > 1 else stem for number in itertools.count(1))
        variables[index] = next(name for name in candidates if name not in taken)
        taken.add(variables[index])
    return variables


def _broken(before: str, part: str, after: str) -> str:
    """Write an expression on one line, or with each argument on its own where it is too long for one."""
    line = f"{before}{part}{after}"
    call = parse_expression(part)
    if len(line) <= LINE_LENGTH or not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return line
    indent = " " * (len(before) - len(before.lstrip()))
    arguments = [ast.unparse(argument) for argument in call.args]
    arguments += [ast.unparse(one) for one in call.keywords]
    inside = [_broken(indent + "    ", argument, ",") for argument in arguments]
    return "\n".join([f"{before}{call.func.id}(", *inside, f"{indent}){after}"])
