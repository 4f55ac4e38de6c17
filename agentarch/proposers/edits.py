"""What an edit works on and what it returns: the words that all operators share."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agentarch.proposers.anatomy import Anatomy


@dataclass(frozen=True)
class Material:
    """A design to build upon or to borrow from.

    Attributes:
        id: the design's id.
        name: the design's name, in letters, digits and hyphens only.
        anatomy: the design taken apart.
    """

    id: str
    name: str
    anatomy: Anatomy


@dataclass(frozen=True)
class Edit:
    """What an operator did.

    Attributes:
        anatomy: the changed design.
        account: what was changed, to follow "made from … by": `removing layer 3, feed forward`.
        borrowed: the designs that gave parts.
    """

    anatomy: Anatomy
    account: str
    borrowed: tuple[Material, ...] = ()


Library = Sequence[Material]
Operator = Callable[[Anatomy, Library, random.Random], Edit | None]
"""An edit of a design, with a library to borrow from and the source of chance; None where it does not apply."""


def in_words(places: Sequence[int]) -> str:
    """Return places in words, counted from one: `layer 3`, `layers 1 and 2`."""
    numbers = [str(place + 1) for place in places]
    if len(numbers) < 2:
        return f"layer {''.join(numbers)}"
    return f"layers {', '.join(numbers[:-1])} and {numbers[-1]}"
