"""Finds JSON objects in whatever a model wrote, strict in what an object is and bounded in what it costs to look.

Guarantees to return plain dictionaries or to raise `AnswerFault`, and never another exception.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agentarch.meta.draft import AnswerFault
from agentarch.text import one_line

MOST_CANDIDATES = 12
_BEGINS_AN_OBJECT = re.compile(r'\{\s*"')
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*([^`\r\n]*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block of Markdown.

    Attributes:
        language: the first word after the fence, in lower case; may be empty.
        text: its lines.
        is_closed: whether the closing fence is there.
    """

    language: str
    text: str
    is_closed: bool


def split_blocks(text: str) -> tuple[str, list[Block]]:
    """Return what stands outside of fenced blocks, and the blocks, in order. Linear in the text."""
    outside: list[str] = []
    blocks: list[Block] = []
    fence = language = ""
    inside: list[str] = []
    for line in text.split("\n"):
        match = _FENCE.match(line[:200].rstrip("\r")) if line.lstrip(" ")[:3] in ("```", "~~~") else None
        if not fence and match:
            fence, language, inside = match[1], (match[2].split() or [""])[0].lower(), []
        elif fence and match and match[1].startswith(fence) and not match[2].strip():
            blocks.append(Block(language, "\n".join(inside), is_closed=True))
            fence = ""
        elif fence:
            inside.append(line)
        else:
            outside.append(line)
    if fence:
        blocks.append(Block(language, "\n".join(inside), is_closed=False))
    return "\n".join(outside), blocks


def objects_in(text: str) -> Iterator[dict[str, Any] | AnswerFault]:
    """Yield every JSON object found: the text as a whole, then in fenced blocks, then in prose.

    Where something looks like an object and is none, an `AnswerFault` that says why stands in its place.
    """
    stripped = text.strip()
    if stripped.startswith("{"):
        yield _read_from(stripped, 0)[0]
    outside, blocks = split_blocks(text)
    left = MOST_CANDIDATES
    for block in blocks:
        body = block.text.strip()
        if block.language not in ("python", "py") and body.startswith("{") and left:
            left -= 1
            yield _read_from(body, 0)[0]
    position = 0
    while left and (match := _BEGINS_AN_OBJECT.search(outside, position)):
        left -= 1
        found, position = _read_from(outside, match.start())
        yield found


class _NotPlain(ValueError):
    """Valid to Python's reader, and still nothing that JSON allows or one can rely on."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _NotPlain(f"the key {name[:40]!r} stands twice in one object")
        found[name] = value
    return found


def _no_constant(name: str) -> Any:
    raise _NotPlain(f"{name} is no JSON number")


# Not strict: models often leave line breaks in strings as they are, and that is harmless.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, strict=False)


def _read_from(text: str, start: int) -> tuple[dict[str, Any] | AnswerFault, int]:
    """Return the object that begins at a place, and where it ends; or a fault, and where to look on."""
    try:
        found, end = _DECODER.raw_decode(text, start)
    except RecursionError:
        return AnswerFault("the JSON is nested too deeply"), len(text)
    except json.JSONDecodeError as error:
        line = text.count("\n", 0, error.pos) + 1
        at_end = error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated string")
        cut = "; was the answer cut off?" if at_end else ""
        return AnswerFault(f"the JSON cannot be read: {one_line(error.msg)} on line {line}{cut}"), start + 1
    except (ValueError, MemoryError) as error:  # duplicates, NaN, numbers of thousands of digits
        return AnswerFault(f"the JSON cannot be read: {one_line(str(error), 200)}"), start + 1
    if not isinstance(found, dict):  # nothing else begins with a brace
        return AnswerFault("expected a JSON object"), end
    return found, end
