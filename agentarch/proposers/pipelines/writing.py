"""Writes a pipeline as a file that a person can read, and says in words what it was made from.

The docstring is made anew each time, so it stays as short in the hundredth generation as in the first.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from agentarch.proposers.pipelines.reading import Import, Pipeline

LINE_LENGTH = 110
MAX_NAME_CHARACTERS = 60
MAX_SOURCE_BYTES = 30_000
"""Nothing longer is proposed: nobody would read it."""


def write(pipeline: Pipeline, *paragraphs: str) -> str:
    """Return the source of the whole file: docstring, imports, constants, then functions from the root down.

    Args:
        pipeline: all of it is written.
        paragraphs: of the docstring; the first is its headline.
    """
    sections = [docstring(paragraphs), *_imports(pipeline.imports)]
    text = "\n\n".join(sections)
    loose = False  # whether the definition before was a function, or one constant of many lines
    for position, one in enumerate(pipeline.definitions):
        if one.value is None or (position and pipeline.definitions[position - 1].value is None):
            text += "\n\n\n"
        else:
            is_long = "\n" in one.text
            text += "\n\n" if position == 0 or is_long or loose else "\n"
            loose = is_long
        text += one.text
    return text + "\n"


def docstring(paragraphs: Iterable[str]) -> str:
    """Return paragraphs as the docstring of a file."""
    safe = (paragraph.replace("\\", "").replace('"', "'") for paragraph in paragraphs)
    filled = (textwrap.fill(one, LINE_LENGTH - len('"""'), break_on_hyphens=False) for one in safe)
    return '"""' + "\n\n".join(filled) + '\n"""'


def told_calls(calls: float) -> str:
    """Return what is said about calls in a docstring, in the form of the designs written by hand."""
    return f"Calls a question: about {round(calls)}" if calls else "Calls a question: unknown"


def headline(name: str) -> str:
    """Return a design's name as the first line of its docstring."""
    plain = name.replace("-", " ")
    return f"{plain[:1].upper()}{plain[1:]}."


def short_name(words: Sequence[str]) -> str:
    """Return a name of those words, as many as there is room for; one that ends as the next begins says so once."""
    name = ""
    for word in words:
        clean = re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")
        if clean and not name.endswith(clean):
            name = f"{name}-{clean}" if name else clean
    if len(name) > MAX_NAME_CHARACTERS:
        name = name[:MAX_NAME_CHARACTERS].rsplit("-", 1)[0]
    return name or "pipeline"


def _imports(imports: Iterable[Import]) -> list[str]:
    """Return a block of imports for `__future__` and one for the rest, `import x` first, one line a module."""
    blocks: dict[bool, list[str]] = {True: [], False: []}
    members: dict[str, list[str]] = {}
    for one in sorted(imports):
        renamed = f" as {one.name}" if one.name != (one.member or one.module.partition(".")[0]) else ""
        if one.member:
            members.setdefault(one.module, []).append(one.member + renamed)
        else:
            blocks[False].append(f"import {one.module}{renamed}")
    for module, what in members.items():
        blocks[module == "__future__"].append(f"from {module} import {', '.join(what)}")
    return ["\n".join(block) for block in blocks.values() if block]
