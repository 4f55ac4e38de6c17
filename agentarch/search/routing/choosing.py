"""Which of several pipelines a question goes to, from its text alone, and how a cascade of pipelines answers.

These very lines stand in every design that a router is written out as, so that it chooses as the engine does.
"""

from __future__ import annotations

import asyncio
import math
import re

LARGEST = 30.0
"""No logit or logarithm is taken to be larger than this."""

# What follows is copied.


def features(question: str, words: tuple[str, ...]) -> list[float]:
    """Return what is cheap to know of a question: its length, its numbers, its names, how often each word occurs."""
    found = re.findall(r"[^\W\d_]+|\d+|[?.,]", question)
    numbers = [one for one in found if one.isdigit()]
    plain = [one.lower() for one in found if one.isalpha()]
    told = [
        math.log1p(len(plain)),
        math.log1p(len(question)),
        float(found.count("?")),
        float(found.count(".") + found.count(",")),
        math.log1p(len(numbers)),
        math.log1p(sum(map(len, numbers))),
        float(sum(one[0].isupper() for one in found[1:])),
    ]
    return told + [float(min(plain.count(word), 4)) for word in words]


def choose(
    question: str,
    words: tuple[str, ...],
    right: tuple[tuple[float, ...], ...],
    tokens: tuple[tuple[float, ...], ...],
    price: float,
) -> int:
    """Return the number of the pipeline with the best chance of being right, less the price of the tokens it may take.

    `right` and `tokens` hold a row for each pipeline: a constant and a weight for each feature, of the logit of being
    right and of the logarithm of the tokens.
    """
    known = [1.0, *features(question, words)]
    gains = []
    for of_right, of_tokens in zip(right, tokens, strict=True):
        logit = sum(weight * value for weight, value in zip(of_right, known, strict=True))
        size = sum(weight * value for weight, value in zip(of_tokens, known, strict=True))
        chance = 1.0 / (1.0 + math.exp(-max(-LARGEST, min(LARGEST, logit))))
        gains.append(chance - price * math.exp(max(-LARGEST, min(LARGEST, size))))
    return gains.index(max(gains))


def agree(first: object, second: object) -> bool:
    """Whether two answers are the same but for case, spaces and marks around them; a failure agrees with nothing."""
    if not isinstance(first, str) or not isinstance(second, str):
        return False
    plain = [" ".join(one.lower().split()).strip(" .,!?\"'`*") for one in (first, second)]
    return plain[0] == plain[1] != ""


def cascade(first, second, last):  # type: ignore[no-untyped-def]  # nothing to import in a design
    """Return a pipeline that asks two others, and a third one where their answers differ."""

    async def solve(question, model):  # type: ignore[no-untyped-def]
        asked = asyncio.gather(first(question, model), second(question, model), return_exceptions=True)
        answer, other = await asked
        return answer if agree(answer, other) else await last(question, model)

    return solve
