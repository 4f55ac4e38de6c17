"""Texts as words: what two texts share is looked for word by word, never letter by letter.

Case, punctuation and how a number is written make no difference. Scripts that put no spaces between words are taken
character by character.
"""

from __future__ import annotations

import re
import unicodedata

from agentarch.answers import labels_in, stated

MOST_CHARACTERS = 32_000
"""Of a text, so much is read: its beginning and its end."""

COMMON = frozenset(
    {
        *(
            "a",
            "an",
            "and",
            "answer",
            "are",
            "as",
            "at",
            "be",
            "by",
            "correct",
            "false",
            "for",
            "from",
            "he",
            "i",
        ),
        *(
            "in",
            "incorrect",
            "is",
            "it",
            "maybe",
            "no",
            "none",
            "not",
            "of",
            "ok",
            "okay",
            "on",
            "or",
            "question",
        ),
        *(
            "right",
            "she",
            "so",
            "that",
            "the",
            "they",
            "this",
            "to",
            "true",
            "unknown",
            "unsure",
            "was",
            "we",
        ),
        *("were", "with", "wrong", "yes", "you"),
    }
)
"""Words that tell nothing of where they came from."""

_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"  # Kana and Han: each character
    r"|(?:(?<![\w.)])-(?=\d))?[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
    r"(?:[.,'\u2019-][^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+)*"
)
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_ENDS = re.compile(r"(?<=[.!?])\s+|\n+|(?<=[\u3002\uff01\uff1f])\s*")


def words_in(text: str) -> list[str]:
    """Return a text's words, in lower case, numbers written the shortest way."""
    if len(text) > MOST_CHARACTERS:
        text = f"{text[: MOST_CHARACTERS // 2]} {text[-MOST_CHARACTERS // 2 :]}"
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return [_plain(word) if word[-1].isdigit() else word for word in _WORD.findall(text.casefold())]


def folded(text: str) -> str:
    """Return a text as its words with one space about each, so that `holds` finds whole words."""
    return f" {' '.join(words_in(text))} "


def holds(text: str, piece: str) -> bool:
    """Whether a folded text has a folded piece in it, as whole words; nothing holds a piece without words."""
    return bool(piece.strip()) and piece in text


def sentences_in(text: str) -> list[str]:
    """Return a text's lines and sentences."""
    return [one for one in _ENDS.split(text) if one.strip()]


def is_number(word: str) -> bool:
    """Whether a word is a number."""
    return _NUMBER.fullmatch(word) is not None


def is_telling(words: list[str]) -> bool:
    """Whether words, found elsewhere again, tell where they came from."""
    if len(words) == 1:
        (word,) = words
        return word not in COMMON and not (len(word) == 1 and word.isascii() and word.isalpha())
    return any(word not in COMMON for word in words)


def closing_of(text: str) -> str:
    """Return what a text comes to: what follows `answer is` and the like, or its last sentence; see `stated`."""
    marked = stated(text)
    if marked is not None and marked.strip():
        return (sentences_in(marked) or [marked])[0]
    sentences = sentences_in(text)
    return sentences[-1] if sentences else ""


def right_answers(label: str) -> tuple[str, ...]:
    """Return the folded right answers that a label holds, but for those without words."""
    return tuple(one for one in map(folded, labels_in(label)) if one.strip())


def _plain(word: str) -> str:
    """Write a number without separators and without zeros that say nothing; leave other words as they are."""
    if not _NUMBER.fullmatch(word):
        return word
    whole, _, part = word.replace(",", "").partition(".")
    part = part.rstrip("0")
    return f"{whole}.{part}" if part else whole
