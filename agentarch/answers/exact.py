"""Whether an answer is the right one, but for how it is written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agentarch.answers.labels import labels_in
from agentarch.answers.stated import MOST_READ, stated

TRUTHS = {"yes": "true", "true": "true", "no": "false", "false": "false"}
_ARTICLES = {"a", "an", "the"}
_TOKEN = re.compile(r"(?<!\w)-?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\w+")
_DASHES = str.maketrans({"\N{MINUS SIGN}": "-", "'": None, "\N{RIGHT SINGLE QUOTATION MARK}": None, "_": " "})


def normal_form(text: str) -> str:
    """Return a text as it is compared: two that mean the same have the same.

    Full-width and other forms of a character are one (NFKC), capitals are small letters, punctuation and white space
    part words and count for nothing, and so do the articles `a`, `an` and `the` beside other words. Numbers keep sign
    and decimal point and lose the commas between thousands and zeros at the end of a fraction. A text without any word
    is compared by its other characters, without white space. Articles, capitals and punctuation are left out as in
    SQuAD (Rajpurkar et al. 2016).
    """
    folded = unicodedata.normalize("NFKC", text[-MOST_READ:]).casefold().translate(_DASHES)
    tokens = [_plain_number(token) for token in _TOKEN.findall(folded)]
    words = [token for token in tokens if token not in _ARTICLES] or tokens
    return " ".join(words) if words else "".join(folded.split())


def exact(answers: Sequence[str], labels: Sequence[str]) -> NDArray[np.float64]:
    """Return 1 for each answer that is one of its label's, and 0 for the others, `(items,)`.

    The whole answer may be it, or what it states in the end (see `agentarch.answers.stated`). Where the right answer is
    `yes`, `no`, `true` or `false`, the last word decides, or else the first one, and `yes` is as good as `true`.
    """
    return np.array(
        [
            float(any(_is_right(answer, one) for one in labels_in(label)))
            for answer, label in zip(answers, labels, strict=True)
        ],
        np.float64,
    )


def _is_right(answer: str, label: str) -> bool:
    wanted = normal_form(label)
    told = stated(answer)
    readings = [normal_form(one) for one in (answer, told) if one is not None and one.strip()]
    if wanted in TRUTHS:
        return bool(readings) and _truth(readings[-1]) == TRUTHS[wanted]
    return wanted in readings


def _truth(reading: str) -> str | None:
    first, *_, last = reading.split() * 2 or [""] * 2
    return TRUTHS.get(last) or TRUTHS.get(first)


def _plain_number(token: str) -> str:
    if not token[-1].isdigit() or not token.strip("-")[0].isdigit():
        return token
    plain = token.replace(",", "")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
