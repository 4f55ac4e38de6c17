"""Reads what a model answered: whatever it is, the outcome is a draft, a reflection, or one fault that says why not.

Answers are hostile text. The work is bounded by cutting first, names and sentences are made printable and cut, and
nothing of an answer is run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from agentarch.design import MAX_SOURCE_BYTES
from agentarch.meta.draft import FORMS, AnswerFault, Draft, Form, Hole, Reflection
from agentarch.meta.editing import Edit, apply_edits, edits_in
from agentarch.meta.holes import check_template, fill
from agentarch.meta.loose_json import Block, objects_in, split_blocks
from agentarch.text import one_line

MOST_CHARACTERS = 400_000
"""Of an answer; what follows is not looked at. Four times the longest source, for JSON escapes."""

MOST_NAME, MOST_RATIONALE, MOST_CLAIM = 40, 600, 200
MOST_LESSONS, MOST_CONCERNS, MOST_CONCERN = 12, 12, 300

_CONTENT: Mapping[Form, str] = {"file": "source", "edits": "edits", "template": "template"}
_JUDGEMENTS = ("is_novel", "is_correct", "is_cheaper", "peeks", "hard_codes")
_PYTHON = ("python", "py", "python3")
_LABEL = re.compile(
    r"^[\s>*_#\"'`-]{0,10}(name|rationale|claim)[*_\"'`]{0,4}\s{0,4}[:=]\s{0,4}(.*)$", re.IGNORECASE
)
_TITLE = re.compile(r'^\s{0,200}[rRuU]?(?:"""|\'\'\')\s{0,200}([^\n:."\']{1,60})')
_LEFT_OUT = re.compile(
    r"^\s*(#\s*)?\.\.\.\s*(rest|same|unchanged|existing|remaining)\b", re.IGNORECASE | re.MULTILINE
)


def read_answer(text: str, form: Form, parents: Mapping[str, str]) -> Draft:
    """Read an answer.

    Taken are, in this order: a JSON object, alone, in a fenced block or in prose; SEARCH/REPLACE blocks; a fenced block
    of Python, as a whole file. What was asked for is preferred, and what was answered instead is taken where it can be.

    Args:
        text: anything.
        form: that was asked for.
        parents: sources by id, the first parent first; edits are made to that one.

    Raises:
        AnswerFault: nothing can be made of it; one line that tells the model why.
    """
    text = text[:MOST_CHARACTERS]
    parent = next(iter(parents.values()), None)
    fault: AnswerFault | None = None
    for found in objects_in(text):
        if isinstance(found, AnswerFault):
            fault = fault or found
            continue
        content = _content_of(found, form)
        if content is None:
            fault = fault or AnswerFault(f'the JSON object has no "{_CONTENT[form]}"; it has {_keys(found)}')
            continue
        try:
            return _draft(found, content, parent)
        except AnswerFault as error:
            raise _checked(error) from None
    try:
        return _from_prose(text, parent, fault)
    except AnswerFault as error:
        raise _checked(error) from None


def read_reflection(text: str) -> Reflection:
    """Read a judgement of a draft.

    Raises:
        AnswerFault: nothing can be made of it.
    """
    fault: AnswerFault | None = None
    for found in objects_in(text[:MOST_CHARACTERS]):
        if isinstance(found, AnswerFault):
            fault = fault or found
        elif "verdict" not in found:
            fault = fault or AnswerFault(f'the JSON object has no "verdict"; it has {_keys(found)}')
        else:
            return _reflection(found)
    raise _checked(fault or AnswerFault("the answer holds no JSON object; write one and nothing else"))


def plain_name(text: str) -> str:
    """Return a name of letters, digits, hyphens and underscores, cut to `MOST_NAME`; `unnamed` where none is left."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text[: 4 * MOST_NAME])[:MOST_NAME].strip("-") or "unnamed"


def _checked(fault: AnswerFault) -> AnswerFault:
    return AnswerFault(one_line(str(fault), 500) or "the answer cannot be read")


def _content_of(found: Mapping[str, Any], form: Form) -> Form | None:
    """Return which form an object has: the one asked for where it can be taken for several."""
    for candidate in (form, *FORMS):
        if _CONTENT[candidate] in found and found[_CONTENT[candidate]] not in (None, "", []):
            return candidate
    return form if _CONTENT[form] in found else None


def _draft(found: Mapping[str, Any], form: Form, parent: str | None) -> Draft:
    if "name" not in found:
        raise AnswerFault(f'the JSON object has no "name"; it has {_keys(found)}')
    template, holes = "", ()  # type: str, tuple[Hole, ...]
    if form == "file":
        source = _unfenced(_text(found, "source"))
    elif form == "edits":
        source = _edited(_edits(found["edits"]), parent)
    else:
        template, holes = _valid(_text(found, "template"), "template"), _holes(found.get("holes"))
        check_template(template, holes)
        source = fill(Draft("", "", template=template, holes=holes), (0,) * len(holes))
    return Draft(
        source=_valid(source, "source"),
        name=plain_name(_text(found, "name")),
        rationale=one_line(_text(found, "rationale", ""), MOST_RATIONALE),
        claim=one_line(_text(found, "claim", ""), MOST_CLAIM),
        predicted_change=_change(found.get("predicted_change")),
        builds_on=_lessons(found.get("builds_on")),
        form=form,
        template=template,
        holes=holes,
    )


def _from_prose(text: str, parent: str | None, fault: AnswerFault | None) -> Draft:
    outside, blocks = split_blocks(text)
    edits = edits_in(text)
    labels = _labels(outside)
    if edits:
        source, form = _edited(edits, parent), "edits"  # type: str, Form
    else:
        source, form = _python(blocks, fault), "file"
    title = _TITLE.match(source)
    return Draft(
        source=_valid(source, "source"),
        name=plain_name(labels.get("name") or (title[1] if title else "")),
        rationale=one_line(labels.get("rationale", ""), MOST_RATIONALE),
        claim=one_line(labels.get("claim", ""), MOST_CLAIM),
        form=form,
    )


def _python(blocks: Iterable[Block], fault: AnswerFault | None) -> str:
    """Return the longest block of Python."""
    blocks = [block for block in blocks if block.language in _PYTHON or "def " in block.text]
    closed = [block.text for block in blocks if block.is_closed]
    if closed:
        return max(closed, key=len)
    if blocks:
        raise AnswerFault(
            "the block of Python is not closed by ```; was the answer cut off? Answer in fewer words"
        )
    raise fault or AnswerFault("the answer holds neither a JSON object nor a fenced block of Python")


def _unfenced(source: str) -> str:
    """Return a source without the fence that some models put around it even in JSON."""
    if not source.lstrip().startswith("```"):
        return source
    _, blocks = split_blocks(source.strip())
    return blocks[0].text if blocks and blocks[0].is_closed else source


def _labels(text: str) -> dict[str, str]:
    """Return what stands after `name:`, `rationale:` and `claim:` at the beginning of a line, each first one."""
    found: dict[str, str] = {}
    for line in text.split("\n")[:2_000]:
        match = _LABEL.match(line[:1_000])
        if match and (value := match[2].strip(" \t\r*_`\"'")):
            found.setdefault(match[1].lower(), value)
    return found


def _edited(edits: list[Edit], parent: str | None) -> str:
    if parent is None:
        raise AnswerFault('there is no parent to edit; answer with a whole file in "source"')
    return apply_edits(parent, edits)


def _edits(found: Any) -> list[Edit]:
    if not isinstance(found, list):
        raise AnswerFault(
            f'"edits" is {_kind(found)}, expected a list of objects with "search" and "replace"'
        )
    edits = []
    for number, one in enumerate(found, 1):
        if not isinstance(one, dict):
            raise AnswerFault(
                f'edit {number} is {_kind(one)}, expected an object with "search" and "replace"'
            )
        edits.append(Edit(_text(one, "search"), _text(one, "replace")))
    return edits


def _holes(found: Any) -> tuple[Hole, ...]:
    if not isinstance(found, list):
        raise AnswerFault(f'"holes" is {_kind(found)}, expected a list of objects with "name" and "values"')
    holes = []
    for number, one in enumerate(found, 1):
        if not isinstance(one, dict) or not isinstance(one.get("values"), list):
            raise AnswerFault(f'hole {number} is not an object with "name" and a list "values"')
        holes.append(Hole(_text(one, "name"), tuple(_value(value) for value in one["values"])))
    return tuple(holes)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _valid(value, "value of a hole")
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        try:
            return str(value)  # of Python, as models often write numbers for it
        except ValueError:  # more digits than Python writes
            pass
    raise AnswerFault(f"a value of a hole is {_kind(value)}, expected a string of Python")


def _text(found: Mapping[str, Any], name: str, otherwise: str | None = None) -> str:
    value = found.get(name)
    if value is None and otherwise is not None:
        return otherwise
    if not isinstance(value, str):
        what = "missing" if name not in found else _kind(value)
        raise AnswerFault(f'"{name}" is {what}, expected a string')
    return value


def _valid(source: str, what: str) -> str:
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


def _change(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AnswerFault(f'"predicted_change" is {_kind(value)}, expected a number from -1 to 1')
    if value != value:
        raise AnswerFault('"predicted_change" is no number')
    return float(min(max(value, -1), 1))


def _lessons(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value[:MOST_LESSONS]):
        raise AnswerFault('"builds_on" is not a list of strings; write ids of lessons, or an empty list')
    ids = (re.sub(r"[^A-Za-z0-9_-]", "", one[:60])[:MOST_NAME] for one in value[:MOST_LESSONS])
    return tuple(dict.fromkeys(one for one in ids if one))


def _reflection(found: Mapping[str, Any]) -> Reflection:
    verdict = found["verdict"]
    if verdict not in ("accept", "revise"):
        told = one_line(verdict, 60) if isinstance(verdict, str) else _kind(verdict)
        raise _checked(AnswerFault(f'"verdict" is {told!r}, expected "accept" or "revise"'))
    for name in _JUDGEMENTS:
        if not isinstance(found.get(name), bool | None):
            raise AnswerFault(f'"{name}" is {_kind(found[name])}, expected true or false')
    concerns = found.get("concerns") or []
    if not isinstance(concerns, list) or not all(isinstance(one, str) for one in concerns[:MOST_CONCERNS]):
        raise AnswerFault('"concerns" is not a list of strings')
    lines = (one_line(one, MOST_CONCERN) for one in concerns[:MOST_CONCERNS])
    return Reflection(
        verdict,
        is_novel=found.get("is_novel"),
        is_correct=found.get("is_correct"),
        is_cheaper=found.get("is_cheaper"),
        peeks=found.get("peeks"),
        hard_codes=found.get("hard_codes"),
        concerns=tuple(line for line in lines if line),
    )


def _kind(value: Any) -> str:
    names = {
        str: "text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "null")


def _keys(found: Mapping[str, Any]) -> str:
    return ", ".join(repr(one_line(key, 30)) for key in list(found)[:6]) or "nothing"
