"""Words to numbers and back, and which sentences of a prompt the embedded model reads at all.

A sentence with a word that the model does not know is passed over, so that prompts written for any language model are
harmless. Knows the words, not what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agentarch.embedded.language import words
from agentarch.embedded.world import World

QUESTION, ANSWER, END = "<question>", "<answer>", "<end>"
"""What a document is built of: the first, what is asked, the second, what is answered, the third."""

_SENTENCE = re.compile(r"[^.?!:\n]*(?:[.?!:\n]|$)")
_PIECE = re.compile(r"#\d+|'s\b|[^\W_]+(?:'(?!s\b)[^\W_]+)*|[.,?!:]")
_COUNTED = re.compile(r"\w+|[^\w\s]")
_NO_SPACE_BEFORE = re.compile(r" (?=[.,?!]|'s\b)")
_SENTENCE_START = re.compile(r"(?:^|[.?!] )[a-z]")


class Vocabulary:
    """The words of a world's language, numbered in alphabetical order after the three marks of a document.

    Args:
        world: whose names are words too.
    """

    def __init__(self, world: World) -> None:
        self.words: tuple[str, ...] = (QUESTION, ANSWER, END, *sorted({*words(), *world.type_of}))
        self._numbers = {word: number for number, word in enumerate(self.words)}
        self._written = {name: world.written(name) for name in world.type_of}

    def __len__(self) -> int:
        return len(self.words)

    def numbers(self, known: Iterable[str]) -> list[int]:
        """Return the numbers of words that are all known.

        Raises:
            KeyError: one is not.
        """
        return [self._numbers[word] for word in known]

    def sentences(self, text: str) -> list[list[int]]:
        """Return the sentences of a text that consist of known words, in order, as numbers.

        A line's end or a colon ends a sentence, too; what a colon ends is a label, and passed over.
        """
        found = []
        for sentence in _SENTENCE.findall(text.lower().replace("\u2019", "'").replace("-", " ")):
            pieces = ["." if piece == "!" else piece for piece in _PIECE.findall(sentence)]
            numbers = [self._numbers.get(piece) for piece in pieces]
            if any(piece not in ".,?:" for piece in pieces) and all(number is not None for number in numbers):
                known = [number for number in numbers if number is not None]
                if pieces[-1] not in ".?":
                    known.append(self._numbers["."])
                found.append(known)
        return found

    def text(self, numbers: Sequence[int]) -> str:
        """Return words as people write them: capitals where they belong, no space before a mark."""
        shown = [self.words[number] for number in numbers]
        joined = " ".join(self._written.get(word, word) for word in shown)
        return _SENTENCE_START.sub(lambda found: found.group().upper(), _NO_SPACE_BEFORE.sub("", joined))


def count_tokens(text: str) -> int:
    """Return how many words and marks a text has, known or not: what reading it costs."""
    return len(_COUNTED.findall(text))
