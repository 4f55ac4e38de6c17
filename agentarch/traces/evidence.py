"""What an answer fed, seen from where its text is found again.

A piece of an answer found in a later prompt, as whole words, is evidence that the one fed the other, when the piece
stood neither in the question nor in what the answering call was itself told: then nobody else can have brought it in.
Three rules keep chance and hearsay out.

- Words that tell nothing, such as `yes`, and words that the design's own code writes are no evidence.
- Only answers that the design had read by the time of a call can have fed it.
- Of a piece that is passed on, the nearest source counts. A call that was told a piece, and whose answer comes to that
  same piece, has taken it over: what reads it next was fed by this call, no longer by those it had it from. A reviewer
  who changes nothing is a step of the pipeline all the same. An answer that only mentions what it was told takes
  nothing over, or else a plan that is handed to ten calls would make a chain of them.

What leaves no text behind leaves no edge: code that asks once more because the answer was `no` is not seen here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from agentarch.traces.record import CallRecord
from agentarch.traces.words import (
    COMMON,
    closing_of,
    folded,
    is_number,
    is_telling,
    sentences_in,
    words_in,
)

MOST_PIECES = 32
"""Of an answer, so many pieces are looked for: the whole, what it comes to, then its sentences from both ends."""

_LONGEST_END = 3
"""So many last words of a sentence are looked for together."""

_AFTER_WORDS = " \t.,;:!?\"')]}*_`$"

Edge = tuple[int, int]

Holdings = dict[str, Set[int]]
"""By piece that stands in a call's prompt, the places of the calls it has it from."""


def edges_of(
    question: str, calls: Sequence[CallRecord], own_words: Set[str] = frozenset()
) -> tuple[Edge, ...]:
    """Return pairs of places in `calls`, from a call to one that it fed, in the order of the latter.

    Args:
        question: as the design was asked.
        calls: in the order they were made.
        own_words: that the design's code writes into its prompts; see `agentarch.traces.templates`.
    """
    asked = folded(question)
    known: dict[tuple[str, str], tuple[str, frozenset[str]]] = {}
    said: dict[str, list[int]] = {}  # by piece, the calls that brought it in or took it over
    ends_on: dict[str, set[str]] = {}  # by its last word, those pieces
    from_whom: list[Holdings] = []  # by place
    met: dict[tuple[str, str, int], Holdings] = {}  # samples that are told the same are looked at once
    edges: list[Edge] = []
    for place, call in enumerate(calls):
        told = (call.system, call.prompt)
        if told not in known:
            words = [*words_in(call.system), *words_in(call.prompt)]
            known[told] = f" {' '.join(words)} ", frozenset(words)
        prompt, in_prompt = known[told]
        key = (*told, call.after)
        if key not in met:
            met[key] = {}
            for word in ends_on.keys() & in_prompt:
                for piece in ends_on[word]:
                    if piece == word or f" {piece} " in prompt:
                        nearest = _nearest(piece, said[piece], call.after, calls, from_whom)
                        if nearest:
                            met[key][piece] = nearest
        held = met[key]
        from_whom.append(held)
        edges += [(source, place) for source in sorted(set().union(*held.values()))]
        closing, rest = _pieces(call.text)
        closing = list(dict.fromkeys(closing))
        for at, piece in enumerate(dict.fromkeys((*closing, *rest))):
            last = piece.rpartition(" ")[2]
            is_told = last in in_prompt and f" {piece} " in prompt
            takes_over = at < len(closing) and piece in held
            if (is_told and not takes_over) or f" {piece} " in asked or not _tells(piece, own_words):
                continue
            said.setdefault(piece, []).append(place)
            ends_on.setdefault(last, set()).add(piece)
    return tuple(edges)


def _tells(piece: str, own_words: Set[str]) -> bool:
    """Whether a piece, found again, tells where it came from."""
    words = piece.split(" ")
    return is_telling(words) and not all(word in own_words or word in COMMON for word in words)


def _nearest(
    piece: str, said: Iterable[int], after: int, calls: Sequence[CallRecord], from_whom: Sequence[Holdings]
) -> Set[int]:
    """Return those of who said a piece that a call may have it from, less those whom another of them had it from."""
    found = {place for place in said if calls[place].place <= after}
    if len(found) > 1:
        found -= set().union(*(from_whom[place].get(piece, ()) for place in found))
    return found


def _pieces(text: str) -> tuple[list[str], list[str]]:
    """Return what of an answer would give it away: the whole with what it comes to, and its other sentences."""
    words = words_in(text)
    if not words:
        return [], []
    closing = _sentence_pieces(closing_of(text), closes=True)
    sentences = sentences_in(text)
    rest: list[str] = []
    for at in range((len(sentences) + 1) // 2):  # from both ends inwards
        for sentence in {at: sentences[at], len(sentences) - 1 - at: sentences[-1 - at]}.values():
            rest += _sentence_pieces(sentence)
        if len(rest) >= MOST_PIECES:
            break
    return [" ".join(words), *closing[:MOST_PIECES]], rest[:MOST_PIECES]


def _sentence_pieces(sentence: str, closes: bool = False) -> list[str]:
    """Return a sentence, its last words, and the numbers in it.

    The last word alone counts of what an answer comes to; within an answer only where it is written like a name.
    """
    words = words_in(sentence)
    last = sentence.rstrip(_AFTER_WORDS).rpartition(" ")[2].lstrip(_AFTER_WORDS)
    shortest = 1 if closes or not last[:1].islower() else 2
    ends = [" ".join(words[-length:]) for length in range(shortest, min(_LONGEST_END, len(words)) + 1)]
    return [" ".join(words), *ends, *(word for word in words if is_number(word))] if words else []
