"""Templates with named holes, and which filling to try next.

A hole is written `${name}`: outside of strings and comments a dollar sign is no Python, so nothing a design means to
say is taken for one.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence

from agentarch.design import MAX_SOURCE_BYTES
from agentarch.meta.draft import AnswerFault, Draft, Hole

MOST_HOLES = 8
FEWEST_VALUES, MOST_VALUES = 2, 8
MOST_VALUE_CHARACTERS = 2_000
_MARKER = re.compile(r"\$\{([a-z][a-z0-9_]{0,39})\}")
_ANY_MARKER = re.compile(r"\$\{([^}\n]{0,60})\}?")
_GUESSES = 64

Choice = tuple[int, ...]
"""One value a hole, by its number, in the order of the holes."""


def check_template(template: str, holes: Sequence[Hole]) -> None:
    """Check that a template and its holes go together.

    Raises:
        AnswerFault: they do not; the message says which hole.
    """
    if not 1 <= len(holes) <= MOST_HOLES:
        raise AnswerFault(f"expected 1 to {MOST_HOLES} holes, got {len(holes)}")
    names = [hole.name for hole in holes]
    for match in _ANY_MARKER.finditer(template):
        if not _MARKER.fullmatch(match[0]):
            raise AnswerFault(
                f"the template has {match[0]!r}: a hole is ${{name}} with lower-case letters, digits and underscores"
            )
        if match[1] not in names:
            raise AnswerFault(f'the template has ${{{match[1]}}}, which "holes" does not name')
    longest = len(template.encode("utf-8", "replace"))
    for hole in holes:
        called = repr(hole.name[:40])
        if names.count(hole.name) > 1:
            raise AnswerFault(f'"holes" names {called} more than once')
        marker = f"${{{hole.name}}}"
        if not _MARKER.fullmatch(marker) or marker not in template:
            raise AnswerFault(f"the hole {called} does not occur in the template as {marker}")
        if not FEWEST_VALUES <= len(hole.values) <= MOST_VALUES:
            raise AnswerFault(
                f"the hole {called} has {len(hole.values)} values, expected {FEWEST_VALUES} to {MOST_VALUES}"
            )
        if len({*hole.values}) != len(hole.values):
            raise AnswerFault(f"the hole {called} has a value twice")
        if any("${" in value or len(value) > MOST_VALUE_CHARACTERS for value in hole.values):
            raise AnswerFault(
                f"a value of the hole {called} holds another hole, or more than {MOST_VALUE_CHARACTERS} characters"
            )
        size = max(len(value.encode("utf-8", "replace")) for value in hole.values)
        longest += template.count(marker) * size
    if longest > MAX_SOURCE_BYTES:
        raise AnswerFault(f"the template can be filled to more than {MAX_SOURCE_BYTES:,} bytes")


def fillings(template: Draft) -> int:
    """Return in how many ways a template can be filled; 1 for a draft without holes."""
    return math.prod(len(hole.values) for hole in template.holes)


def fill(template: Draft, choice: Choice) -> str:
    """Return the source of one filling.

    Raises:
        ValueError: the choice has not one existing value a hole.
    """
    if len(choice) != len(template.holes) or any(
        not 0 <= number < len(hole.values) for number, hole in zip(choice, template.holes, strict=True)
    ):
        raise ValueError(f"the choice {choice} does not fit {len(template.holes)} holes")
    if not template.holes:
        return template.source
    values = {hole.name: hole.values[number] for number, hole in zip(choice, template.holes, strict=True)}
    return _MARKER.sub(lambda match: values[match[1]], template.template)


def next_filling(template: Draft, tried: Mapping[Choice, float | None], rng: random.Random) -> Choice | None:
    """Choose a filling that was not tried.

    The first value of each hole comes first, as the model thinks it best. Then each hole draws one of its values by
    itself, weighted by the mean score of the fillings that used it, as estimation-of-distribution algorithms with
    independent variables do (Mühlenbein & Paaß 1996): values that did well are drawn more often, and none is ruled out.

    Args:
        template: with its holes.
        tried: the score of each filling tried so far, whose own id it is; None where it has none, which counts as 0 or
            the worst score, whichever is less.
        rng: the only source of chance.

    Returns:
        A choice; None when all were tried.
    """
    shape = [len(hole.values) for hole in template.holes]
    total = math.prod(shape)
    if total <= len({*tried}):
        return None
    first = (0,) * len(shape)
    if first not in tried:
        return first
    weights = _weights(shape, tried)
    for _ in range(_GUESSES):
        choice = tuple(rng.choices(range(len(one)), one)[0] for one in weights)
        if choice not in tried:
            return choice
    # Nearly all was tried: walk from a random place to the next that was not.
    start = rng.randrange(total)
    for step in range(len(tried) + 1):
        choice = _numbered((start + step) % total, shape)
        if choice not in tried:
            return choice
    return None


def _weights(shape: Sequence[int], tried: Mapping[Choice, float | None]) -> list[list[float]]:
    known = [score for score in tried.values() if score is not None and math.isfinite(score)]
    low, high = min([0.0, *known]), max([0.0, *known])
    spread = (high - low) or 1.0
    weights = []
    for place, count in enumerate(shape):
        row = []
        for value in range(count):
            scores = [
                low if score is None or not math.isfinite(score) else score
                for choice, score in tried.items()
                if choice[place] == value
            ]
            # An untried value counts as a good one, so that each is soon tried.
            mean = (sum(scores) / len(scores) - low) / spread if scores else 1.0
            row.append(0.1 + mean**2)
        weights.append(row)
    return weights


def _numbered(number: int, shape: Sequence[int]) -> Choice:
    choice = []
    for count in reversed(shape):
        number, rest = divmod(number, count)
        choice.append(rest)
    return tuple(reversed(choice))
