"""Reads what a model answered: whatever it is, the outcome is a draft, a reflection, or one fault that says why not.

Answers are hostile text. The work is bounded by cutting first, names and sentences are made printable and cut, and
nothing of an answer is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from agentarch.meta.draft import FORMS, AnswerFault, Draft, Form, Hole, Reflection
from agentarch.meta.editing import Edit, apply_edits, edits_in
from agentarch.meta.fields import (
    change_of,
    checked_source,
    edits_of,
    holes_of,
    keys_of,
    kind_of,
    lessons_of,
    text_of,
)
from agentarch.meta.holes import check_template, fill
from agentarch.meta.loose_json import Block, objects_in, split_blocks
from agentarch.text import one_line

MOST_CHARACTERS = 400_000
"""Of an answer; what follows is not looked at. Four times the longest source, for JSON escapes."""

MOST_NAME, MOST_RATIONALE, MOST_CLAIM = 40, 600, 200
MOST_CONCERNS, MOST_CONCERN = 12, 300

_CONTENT: Mapping[Form, str] = {"file": "source", "edits": "edits", "template": "template"}
_JUDGEMENTS = ("is_novel", "is_correct", "is_cheaper", "peeks", "hard_codes")
_PYTHON = ("python", "py", "python3")
_LABEL = re.compile(
    r"^[\s>*_#\"'`-]{0,10}(name|rationale|claim)[*_\"'`]{0,4}\s{0,4}[:=]\s{0,4}(.*)$", re.IGNORECASE
)
_TITLE = re.compile(r'^\s{0,200}[rRuU]?(?:"""|\'\'\')\s{0,200}([^\n:."\']{1,60})')


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
            fault = fault or AnswerFault(
                f'the JSON object has no "{_CONTENT[form]}"; it has {keys_of(found)}'
            )
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
            fault = fault or AnswerFault(f'the JSON object has no "verdict"; it has {keys_of(found)}')
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
        raise AnswerFault(f'the JSON object has no "name"; it has {keys_of(found)}')
    template = ""
    holes: tuple[Hole, ...] = ()
    if form == "file":
        source = _unfenced(text_of(found, "source"))
    elif form == "edits":
        source = _edited(edits_of(found["edits"]), parent)
    else:
        template, holes = checked_source(text_of(found, "template"), "template"), holes_of(found.get("holes"))
        check_template(template, holes)
        source = fill(Draft("", "", template=template, holes=holes), (0,) * len(holes))
    return Draft(
        source=checked_source(source, "source"),
        name=plain_name(text_of(found, "name")),
        rationale=one_line(text_of(found, "rationale", ""), MOST_RATIONALE),
        claim=one_line(text_of(found, "claim", ""), MOST_CLAIM),
        predicted_change=change_of(found.get("predicted_change")),
        builds_on=lessons_of(found.get("builds_on")),
        form=form,
        template=template,
        holes=holes,
    )


def _from_prose(text: str, parent: str | None, fault: AnswerFault | None) -> Draft:
    outside, blocks = split_blocks(text)
    edits = edits_in(text)
    labels = _labels(outside)
    source = _edited(edits, parent) if edits else _python(blocks, fault)
    title = _TITLE.match(source)
    return Draft(
        source=checked_source(source, "source"),
        name=plain_name(labels.get("name") or (title[1] if title else "")),
        rationale=one_line(labels.get("rationale", ""), MOST_RATIONALE),
        claim=one_line(labels.get("claim", ""), MOST_CLAIM),
        form="edits" if edits else "file",
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


def _reflection(found: Mapping[str, Any]) -> Reflection:
    verdict = found["verdict"]
    if verdict not in ("accept", "revise"):
        told = one_line(verdict, 60) if isinstance(verdict, str) else kind_of(verdict)
        raise _checked(AnswerFault(f'"verdict" is {told!r}, expected "accept" or "revise"'))
    for name in _JUDGEMENTS:
        if not isinstance(found.get(name), bool | None):
            raise AnswerFault(f'"{name}" is {kind_of(found[name])}, expected true or false')
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
