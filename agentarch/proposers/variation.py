"""From designs and operators to a proposal: what `evolve` and `random` have in common.

Guarantees that a proposal reads back, stays under the cap on parameters as far as reading can tell, and is
not known to the run.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from agentarch.design import MAX_SOURCE_BYTES, Design, design_id
from agentarch.proposers.anatomy import Anatomy, NotRecombinableError
from agentarch.proposers.edits import Library, Material
from agentarch.proposers.operators import OPERATORS
from agentarch.proposers.parts import words
from agentarch.proposers.reading import read_anatomy
from agentarch.syntax import parse

KIND = "network"
"""The kind of design that these proposers write."""


@dataclass(frozen=True)
class Variation:
    """A design after some edits.

    Attributes:
        anatomy: the changed design.
        operators: the names of the operators applied, in order.
        accounts: what each did, in words.
        borrowed: the designs that gave parts to what is left, each once.
    """

    anatomy: Anatomy
    operators: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    borrowed: tuple[Material, ...] = ()


def library_of(designs: Iterable[Design], without: str = "") -> Library:
    """Return those designs that can be taken apart, each once, in order.

    Args:
        designs: any designs.
        without: the id of one that is left out.
    """
    materials: dict[str, Material] = {}
    for design in designs:
        if design.id == without or design.id in materials:
            continue
        try:
            anatomy = read_anatomy(design.source)
        except NotRecombinableError:
            continue
        materials[design.id] = Material(design.id, plain_name(design), anatomy)
    return tuple(materials.values())


def plain_name(design: Design) -> str:
    """Return a design's name in letters, digits and hyphens."""
    return words(design.name).replace(" ", "-") or design.id


def vary(anatomy: Anatomy, library: Library, rng: random.Random, edits: int) -> Variation | None:
    """Apply some different operators, one after the other.

    Returns:
        The changed design; None where an operator that was drawn does not apply or changes nothing.

    Raises:
        NotRecombinableError: pieces of two designs do not go together.
    """
    variation = Variation(anatomy)
    for name in rng.sample(tuple(OPERATORS), edits):
        edit = OPERATORS[name](variation.anatomy, library, rng)
        if edit is None or edit.anatomy.gist == variation.anatomy.gist:
            return None
        variation = Variation(
            edit.anatomy,
            (*variation.operators, name),
            (*variation.accounts, edit.account),
            (*variation.borrowed, *(one for one in edit.borrowed if one not in variation.borrowed)),
        )
    return variation


def is_new(source: str, known: Collection[str]) -> bool:
    """Return whether a source is a design that the run has not seen; False for what cannot be read."""
    try:
        return len(source.encode()) <= MAX_SOURCE_BYTES and design_id(parse(source), KIND) not in known
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
