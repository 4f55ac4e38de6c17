"""Which of several pipelines a question goes to, from its text alone.

These very lines stand in every design that a router is written out as, so that it chooses as the engine does.
"""

from __future__ import annotations

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
