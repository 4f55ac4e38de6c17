"""The fields of an answer, each checked for what it must be: a value, or an `AnswerFault` that names the field."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from agentarch.design import MAX_SOURCE_BYTES
from agentarch.meta.draft import AnswerFault, Hole
from agentarch.meta.editing import Edit
from agentarch.text import one_line

MOST_LESSONS = 12
MOST_ID = 40

_LEFT_OUT = re.compile(
    r"^\s*(#\s*)?\.\.\.\s*(rest|same|unchanged|existing|remaining)\b", re.IGNORECASE | re.MULTILINE
)


def edits_of(found: Any) -> list[Edit]:
    """Return the edits in a list of objects."""
    if not isinstance(found, list):
        raise AnswerFault(
            f'"edits" is {kind_of(found)}, expected a list of objects with "search" and "replace"'
        )
    edits = []
    for number, one in enumerate(found, 1):
        if not isinstance(one, dict):
            raise AnswerFault(
                f'edit {number} is {kind_of(one)}, expected an object with "search" and "replace"'
            )
        edits.append(Edit(text_of(one, "search"), text_of(one, "replace")))
    return edits


def holes_of(found: Any) -> tuple[Hole, ...]:
    """Return the holes in a list of objects."""
    if not isinstance(found, list):
        raise AnswerFault(f'"holes" is {kind_of(found)}, expected a list of objects with "name" and "values"')
    holes = []
    for number, one in enumerate(found, 1):
        if not isinstance(one, dict) or not isinstance(one.get("values"), list):
            raise AnswerFault(f'hole {number} is not an object with "name" and a list "values"')
        holes.append(Hole(text_of(one, "name"), tuple(_value(value) for value in one["values"])))
    return tuple(holes)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return checked_source(value, "value of a hole")
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        try:
            return str(value)  # of Python, as models often write numbers for it
        except ValueError:  # more digits than Python writes
            pass
    raise AnswerFault(f"a value of a hole is {kind_of(value)}, expected a string of Python")


def text_of(found: Mapping[str, Any], name: str, otherwise: str | None = None) -> str:
    """Return a string; `otherwise` where it is missing or null."""
    value = found.get(name)
    if value is None and otherwise is not None:
        return otherwise
    if not isinstance(value, str):
        what = "missing" if name not in found else kind_of(value)
        raise AnswerFault(f'"{name}" is {what}, expected a string')
    return value


def checked_source(source: str, what: str) -> str:
    """Check that a source is text that a file can hold; whether it is Python is for others to say."""
    try:
        size = len(source.encode())
    except UnicodeEncodeError:
        raise AnswerFault(f"the {what} holds a lone surrogate, which no file can") from None
    if size > MAX_SOURCE_BYTES:
        raise AnswerFault(f"the {what} has {size:,} bytes; at most {MAX_SOURCE_BYTES:,} are allowed")
    if "\0" in source:
        raise AnswerFault(f"the {what} holds a null byte")
    if not source.strip() and what != "value of a hole":
        raise AnswerFault(f"the {what} is empty")
    if what == "source" and (found := _LEFT_OUT.search(source)):
        line = source.count("\n", 0, found.start()) + 1
        raise AnswerFault(f"line {line} of the source stands for what was left out; write the whole file")
    return source


def change_of(value: Any) -> float | None:
    """Return a predicted change, clipped to [-1, 1]; None where none was made."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AnswerFault(f'"predicted_change" is {kind_of(value)}, expected a number from -1 to 1')
    if value != value:
        raise AnswerFault('"predicted_change" is no number')
    return float(min(max(value, -1), 1))


def lessons_of(value: Any) -> tuple[str, ...]:
    """Return ids of lessons, each once."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value[:MOST_LESSONS]):
        raise AnswerFault('"builds_on" is not a list of strings; write ids of lessons, or an empty list')
    ids = (re.sub(r"[^A-Za-z0-9_-]", "", one[:60])[:MOST_ID] for one in value[:MOST_LESSONS])
    return tuple(dict.fromkeys(one for one in ids if one))


def kind_of(value: Any) -> str:
    """Return what a JSON value is, in words."""
    names = {
        str: "text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "null")


def keys_of(found: Mapping[str, Any]) -> str:
    """Return the first keys of an object, for a message."""
    return ", ".join(repr(one_line(key, 30)) for key in list(found)[:6]) or "nothing"
