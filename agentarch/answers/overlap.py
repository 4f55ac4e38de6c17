"""How many words an answer shares with the right one."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agentarch.answers.labels import labels_in

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:,[0-9]+)*(?:\.[0-9]+)?|\.[0-9]+)")
_ARTICLES = {"a", "an", "the"}
_PARTS = re.compile(r"[\s\-]+")


def f1(answers: Sequence[str], labels: Sequence[str]) -> NDArray[np.float64]:
    """Return the F1 of each answer's words and those of the right answer that it shares most with, `(items,)`.

    Words are counted as often as they stand there (SQuAD, Rajpurkar et al. 2016), after the normalisation of DROP (Dua
    et al. 2019): small letters; parted at white space and dashes; no punctuation and no articles; numbers as numbers.
    As in DROP, an answer without any of the numbers in the right one has 0. A right answer of several spans is one text
    here, while DROP aligns span with span.
    """
    return np.array(
        [
            max(_f1(_words(answer), _words(one)) for one in labels_in(label))
            for answer, label in zip(answers, labels, strict=True)
        ],
        np.float64,
    )


def _f1(given: Counter[str], wanted: Counter[str]) -> float:
    shared = sum((given & wanted).values())
    numbers = {word for word in wanted if word[0] == "#"}
    if not shared or (numbers and not numbers & given.keys()):
        return 0.0
    precision, recall = shared / sum(given.values()), shared / sum(wanted.values())
    return 2 * precision * recall / (precision + recall)


def _words(text: str) -> Counter[str]:
    """Count words; numbers begin with `#`, so that 18 and 18.0 are one."""
    parts = [_word(part) for part in _PARTS.split(text.lower()) if part]
    words = [word for word in parts if word and word not in _ARTICLES]
    return Counter(words or [word for word in parts if word])


def _word(part: str) -> str:
    bare = part.lstrip("($").rstrip(".,;:!?%)")
    if _NUMBER.fullmatch(bare) and len(bare) < 40:
        return f"#{float(bare.replace(',', '')):.12g}"
    return part.translate(_PUNCTUATION)
