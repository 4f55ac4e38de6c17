"""The operator `reword`: one sentence of a prompt, or one prompt of several, is added, dropped or exchanged.

Sentences come from the prompts of all known designs, so what is said to a model stays what people or models have
phrased; the search is for which of it helps where. After Guo et al., "Connecting Large Language Models with
Evolutionary Algorithms Yields Powerful Prompt Optimizers", 2024, whose operators ask a model for new ones instead.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterable

from agentarch.proposers.pipelines.definitions import Definition, replaced
from agentarch.proposers.pipelines.edits import Edit, Library, Material
from agentarch.proposers.pipelines.reading import Pipeline, texts_of

MOST_LINES = 8
"""No prompt grows beyond so many lines."""

MOST_PROMPTS = 6
"""No tuple of prompts grows beyond so many."""

MOST_CHARACTERS = 200
_PLACE = re.compile(r"\{\w*\}")
_QUOTED_CHARACTERS = 50


def reword(parent: Material, library: Library, rng: random.Random) -> Edit | None:
    """Change one prompt by a sentence, or one tuple of prompts by a prompt."""
    prompts = [one for one in parent.pipeline.definitions if _is_prompt(one) or _is_list_of_prompts(one)]
    if not prompts:
        return None
    prompt = rng.choice(prompts)
    known = [parent.pipeline, *(one.pipeline for one in library)]
    changed = _with_lines(prompt, known, rng) if _is_prompt(prompt) else _with_items(prompt, known, rng)
    if changed is None:
        return None
    definition, account = changed
    return Edit(parent.pipeline.with_changed(prompt, definition), account, (parent.name, "reword"))


def sentences(pipelines: Iterable[Pipeline]) -> tuple[str, ...]:
    """Return the instructions in the prompts of pipelines: lines without a placeholder, each once, in order."""
    lines = (line for text in _texts(pipelines) for line in text.split("\n"))
    return tuple(dict.fromkeys(line for line in lines if _is_instruction(line)))


def quoted_text(text: str) -> str:
    """Return a text as Python, over several lines where it has several."""
    if "\n" in text and text.replace("\n", "").isprintable():
        escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
        return f'"""{escaped[:-1]}\\""""' if escaped.endswith('"') else f'"""{escaped}"""'
    return f'"{text}"' if text.isprintable() and not {'"', "\\"} & {*text} else repr(text)


def _with_lines(
    prompt: Definition, known: Iterable[Pipeline], rng: random.Random
) -> tuple[Definition, str] | None:
    (text,) = texts_of(prompt)
    lines = str(text.value).split("\n")
    free = [place for place, line in enumerate(lines) if _is_instruction(line)]
    offered = [line for line in sentences(known) if line not in lines]
    ways = (["add"] if offered and len(lines) < MOST_LINES else []) + (
        ["exchange"] if offered and free else []
    )
    ways += ["drop"] if free and len(lines) > 1 else []
    if not ways:
        return None
    match rng.choice(ways):
        case "add":
            new = rng.choice(offered)
            lines.insert(rng.randint(0, len(lines)), new)
            account = f"adding '{_short(new)}' to {prompt.name}"
        case "drop":
            account = f"dropping '{_short(lines.pop(rng.choice(free)))}' from {prompt.name}"
        case _:
            place, new = rng.choice(free), rng.choice(offered)
            account = f"saying '{_short(new)}' for '{_short(lines[place])}' in {prompt.name}"
            lines[place] = new
    return replaced(prompt, text, text, quoted_text("\n".join(lines))), account


def _with_items(
    prompt: Definition, known: Iterable[Pipeline], rng: random.Random
) -> tuple[Definition, str] | None:
    """Change a tuple of prompts; new ones have the placeholders of the old ones."""
    items = [str(one.value) for one in texts_of(prompt)]
    places = set(_PLACE.findall(items[0]))
    is_sentence = _is_instruction(items[0])
    texts = dict.fromkeys(_items(known))
    alike = [
        one for one in texts if set(_PLACE.findall(one)) == places and _is_instruction(one) == is_sentence
    ]
    offered = [one for one in alike if one not in items]
    ways = (["add"] if offered and len(items) < MOST_PROMPTS else []) + (["exchange"] if offered else [])
    ways += ["drop"] if len(items) > 1 else []
    if not ways:
        return None
    match rng.choice(ways):
        case "add":
            new = rng.choice(offered)
            items.append(new)
            account = f"adding '{_short(new)}' to {prompt.name}"
        case "drop":
            account = f"dropping '{_short(items.pop(rng.randrange(len(items))))}' from {prompt.name}"
        case _:
            place, new = rng.randrange(len(items)), rng.choice(offered)
            account = f"saying '{_short(new)}' for '{_short(items[place])}' in {prompt.name}"
            items[place] = new
    assert prompt.value is not None
    listed = "".join(f"    {quoted_text(one)},\n" for one in items)
    return replaced(prompt, prompt.value, prompt.value, f"(\n{listed})"), account


def _is_prompt(definition: Definition) -> bool:
    return isinstance(definition.value, ast.Constant) and any(map(_is_told, texts_of(definition)))


def _is_told(text: ast.Constant) -> bool:
    return bool(_PLACE.search(str(text.value)))


def _is_list_of_prompts(definition: Definition) -> bool:
    texts = texts_of(definition) if isinstance(definition.value, ast.Tuple) else ()
    return bool(texts) and all(" " in str(one.value) for one in texts)


def _is_instruction(line: str) -> bool:
    is_short = 0 < len(line) <= MOST_CHARACTERS
    return is_short and not {*"{}"} & {*line} and line.isprintable() and line[-1] in ".!?:" and " " in line


def _texts(pipelines: Iterable[Pipeline]) -> Iterable[str]:
    prompts = (one for pipeline in pipelines for one in pipeline.definitions)
    return (
        str(text.value)
        for one in prompts
        if _is_prompt(one) or _is_list_of_prompts(one)
        for text in texts_of(one)
    )


def _items(pipelines: Iterable[Pipeline]) -> Iterable[str]:
    tuples = (one for pipeline in pipelines for one in pipeline.definitions if _is_list_of_prompts(one))
    return (str(text.value) for one in tuples for text in texts_of(one))


def _short(text: str) -> str:
    return text if len(text) <= _QUOTED_CHARACTERS else text[:_QUOTED_CHARACTERS].rsplit(" ", 1)[0] + " ..."
