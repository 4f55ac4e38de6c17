"""Which words of a design's prompts are its own, so that the same step is known again in different questions.

A design writes a prompt from the question, from earlier answers, and from words of its own. A word of a prompt that
stands neither in the question nor in an answer that the call may have read is put there by the design's code; where
that is so in most of the prompts that have the word, and over several questions, it is one of the design's own words.
The own words of a prompt are its signature: prompts of different questions with the same one are the same step.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from agentarch.text import one_line
from agentarch.traces.record import CallRecord
from agentarch.traces.words import is_number, words_in

FEWEST_QUESTIONS = 2
"""In prompts of so many questions a word must stand before it is known to be the design's own."""

MOST_READ = 64
"""Questions from which a design's words are learnt."""

_OWN_SHARE = 0.6
_USUAL_SHARE = 0.34
_ENOUGH = 2
"""Own words of a line that tell what a prompt asks for."""

_GIST_CHARACTERS = 60
_TOKEN = re.compile(r"\S+")
_GAP = re.compile(r"…(?:[\s,;:]*…)+")

Signature = tuple[str, ...]


@dataclass(frozen=True)
class Wording:
    """The words that a design writes into its prompts.

    Attributes:
        own: those that stand there whatever was asked or answered before.
        usual: those in the prompts of many of the questions, own or not.
    """

    own: frozenset[str] = frozenset()
    usual: frozenset[str] = frozenset()

    def signature(self, question: str, call: CallRecord) -> Signature:
        """Return the own words of what a call was told, the question left out; equal for the same step."""
        told = {*words_in(call.system), *words_in(call.prompt.replace(question, " "))}
        return tuple(sorted(told & self.own))

    def gist(self, question: str, call: CallRecord) -> str:
        """Return in one line what a call asks for: the first line of its prompt that is mostly the design's own.

        What came of the question or of answers is left out.
        """
        text = call.prompt.replace(question, " … ") if question.strip() else call.prompt
        lines = [*text.splitlines(), *call.system.splitlines()]
        counts = [len(set(words_in(line)) & self.own) for line in lines]
        most = max(counts, default=0)
        if not most:
            return (
                "the question" if question.strip() and question in call.prompt else "… (no words of its own)"
            )
        line = next(line for line, count in zip(lines, counts, strict=True) if count >= min(most, _ENOUGH))
        return one_line(_GAP.sub("…", self._masked(line)), _GIST_CHARACTERS)

    def _masked(self, line: str) -> str:
        """Put dots for each word that is neither own nor usual."""

        def shown(found: re.Match[str]) -> str:
            token = found.group()
            known = all(word in self.own or word in self.usual for word in words_in(token))
            return token if known else "…" + re.sub(r".*[\w…]", "", token, count=1)

        return _TOKEN.sub(shown, line)


def wording_of(questions: Sequence[str], calls: Sequence[Sequence[CallRecord]]) -> Wording:
    """Return the words that a design writes into its prompts, learnt from what it asked over several questions."""
    has: Counter[str] = Counter()  # by word, the prompts that have it
    unexplained: Counter[str] = Counter()  # those of them where neither the question nor an answer has it
    in_questions: dict[str, set[int]] = {}
    of_questions: Counter[str] = Counter()
    asked = list(zip(questions, calls, strict=True))[:MOST_READ]
    for number, (question, made) in enumerate(asked):
        known = set(words_in(question))
        answers = [(call.place, set(words_in(call.text))) for call in made]
        seen: set[str] = set()
        for call in {(call.system, call.prompt, call.after): call for call in made}.values():
            told = {*words_in(call.system), *words_in(call.prompt.replace(question, " "))}
            explained = known.union(*(words for place, words in answers if place <= call.after))
            has.update(told)
            unexplained.update(told - explained)
            for word in told - explained:
                in_questions.setdefault(word, set()).add(number)
            seen |= told
        of_questions.update(seen)
    fewest = min(FEWEST_QUESTIONS, len(asked))
    own = {
        word
        for word, found in in_questions.items()
        if len(found) >= fewest and unexplained[word] >= _OWN_SHARE * has[word] and not is_number(word)
    }
    usual = {word for word, count in of_questions.items() if count > _USUAL_SHARE * len(asked)}
    return Wording(frozenset(own), frozenset(usual if len(asked) > fewest else ()))
