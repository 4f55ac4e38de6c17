"""The edits that evolution makes: one pure function each, from a design to a changed one.

Every operator takes the design, a library of designs to borrow from, and the source of chance. It returns
None where it does not apply, and raises NotRecombinableError where pieces do not go together. Ideas: mutation
in regularised evolution, Real et al., 2019; motifs of motifs, Liu et al., "Hierarchical Representations",
2018; crossing whole programs, Chen et al., "EvoPrompting", 2023.
"""

from __future__ import annotations

import random
from dataclasses import replace

from agentarch.proposers.anatomy import Anatomy, arrange, define
from agentarch.proposers.combinations import gate, parallel, series, simplify
from agentarch.proposers.edits import Edit, Library, Material, Operator, in_words
from agentarch.proposers.grafting import graft
from agentarch.proposers.parts import classes, describe, mixes, sizes, splice
from agentarch.proposers.sizes import near_values, near_widths

MAX_LAYERS = 8
"""No operator makes a network deeper than this, so that training one stays quick."""


def resize(design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Change `WIDTH` by a step or two."""
    width = rng.choice(near_widths(design.width))
    return Edit(with_width(design, width), f"changing the width from {design.width} to {width}")


def tune(design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Change one number that a part is given, in that part or wherever the same part stands."""
    choices = [
        (part, size, value)
        for part in dict.fromkeys(design.parts)
        for size in sizes(part)
        for value in near_values(size.name, size.value)
    ]
    if not choices:
        return None
    part, size, value = rng.choice(choices)
    same = [index for index, one in enumerate(design.parts) if one == part]
    chosen = same if len(same) > 1 and rng.random() < 0.5 else [rng.choice(same)]
    changed = splice(part, [(size.place, repr(value))])
    parts = [changed if index in chosen else one for index, one in enumerate(design.parts)]
    places = in_words([at for at, index in enumerate(design.order) if index in chosen])
    account = f"changing {size.name[:30]} from {size.value} to {value} in {places}, {describe(part)}"
    return Edit(arrange(design, parts, design.order), account)


def insert(design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Put a part of another design between two layers."""
    if len(design.order) >= MAX_LAYERS or not library:
        return None
    donor, part = _part_of_any(library, rng)
    at = rng.randint(0, len(design.order))
    grown, (new,) = graft(design, donor.anatomy, [part])
    order = (*design.order[:at], len(design.parts), *design.order[at:])
    account = f"inserting {describe(part)} of {donor.name} as layer {at + 1}"
    return Edit(arrange(grown, [*design.parts, new], order), account, (donor,))


def remove(design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Take out one layer."""
    if len(design.order) < 2:
        return None
    at = rng.randrange(len(design.order))
    order = (*design.order[:at], *design.order[at + 1 :])
    account = f"removing layer {at + 1}, {describe(design.layers[at])}"
    return Edit(arrange(design, design.parts, order), account)


def swap(design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Put a part of another design in the place of one of this."""
    if not library:
        return None
    index = rng.randrange(len(design.parts))
    donor, part = _part_of_any(library, rng)
    kept = [one for one in design.order if one != index]
    grown, (new,) = graft(arrange(design, design.parts, kept), donor.anatomy, [part])
    parts = [*design.parts[:index], new, *design.parts[index + 1 :]]
    places = in_words([at for at, one in enumerate(design.order) if one == index])
    account = f"swapping {places}, {describe(design.parts[index])}, for {describe(part)} of {donor.name}"
    return Edit(arrange(grown, parts, design.order), account, (donor,))


def repeat(design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Write one or two neighbouring layers a second time, with weights of their own."""
    length = min(rng.choice((1, 2)), len(design.order))
    if len(design.order) + length > MAX_LAYERS:
        return None
    at = rng.randint(0, len(design.order) - length)
    block = design.order[at : at + length]
    parts = [*design.parts, *(design.parts[index] for index in block)]
    copies = range(len(design.parts), len(parts))
    order = (*design.order[: at + length], *copies, *design.order[at + length :])
    account = f"repeating {in_words(range(at, at + length))} with new weights"
    return Edit(arrange(design, parts, order), account)


def move(design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Exchange the places of two layers."""
    pairs = [
        (first, second)
        for second in range(len(design.order))
        for first in range(second)
        if design.layers[first] != design.layers[second]
    ]
    if not pairs:
        return None
    first, second = rng.choice(pairs)
    order = list(design.order)
    order[first], order[second] = order[second], order[first]
    return Edit(arrange(design, design.parts, order), f"exchanging layers {first + 1} and {second + 1}")


def cross(design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Join the first layers of this design to the last layers of another."""
    if not library:
        return None
    donor = rng.choice(library)
    other = donor.anatomy
    own = rng.randint(1, min(len(design.order), MAX_LAYERS - 1))
    theirs = rng.randint(1, min(len(other.order), MAX_LAYERS - own))
    start = len(other.order) - theirs
    kept = arrange(design, design.parts, design.order[:own])
    added = arrange(other, other.parts, other.order[start:])
    grown, new = graft(kept, added, added.parts)
    order = (*kept.order, *(index + len(kept.parts) for index in added.order))
    account = (
        f"joining its {in_words(range(own))} to {in_words(range(start, len(other.order)))} of {donor.name}"
    )
    return Edit(arrange(grown, [*kept.parts, *new], order), account, (donor,))


def alternate(design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Replace every second mixer by those of another design, so that the two kinds take turns."""
    donors = [one for one in library if any(map(mixes, one.anatomy.parts))]
    replaced = [index for index, part in enumerate(design.parts) if mixes(part)][1::2]
    if not donors or not replaced:
        return None
    donor = rng.choice(donors)
    mixers = [part for part in donor.anatomy.parts if mixes(part)]
    given = [mixers[number % len(mixers)] for number in range(len(replaced))]
    kept = [one for one in design.order if one not in replaced]
    grown, new = graft(arrange(design, design.parts, kept), donor.anatomy, given)
    parts = list(design.parts)
    for index, part in zip(replaced, new, strict=True):
        parts[index] = part
    places = in_words([at for at, one in enumerate(design.order) if one in replaced])
    kinds = " and ".join(dict.fromkeys(map(describe, given)))
    account = f"replacing every second mixer, {places}, by {kinds} of {donor.name}"
    return Edit(arrange(grown, parts, design.order), account, (donor,))


def tie(design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Let two layers of the same class share their weights."""
    pairs = [
        (first, second)
        for second in range(len(design.parts))
        for first in range(second)
        if classes(design.parts[first]) == classes(design.parts[second])
    ]
    if not pairs:
        return None
    first, second = rng.choice(pairs)
    order = tuple(first if index == second else index for index in design.order)
    places = in_words([at for at, index in enumerate(order) if index == first])
    account = f"sharing the weights of {places}, {describe(design.parts[first])}"
    return Edit(arrange(design, design.parts, order), account)


def untie(design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Give every layer that shares its weights weights of its own."""
    if not design.shared:
        return None
    index = rng.choice(sorted(design.shared))
    parts, order = list(design.parts), list(design.order)
    places = [at for at, one in enumerate(order) if one == index]
    for at in places[1:]:
        order[at] = len(parts)
        parts.append(design.parts[index])
    account = f"giving {in_words(places)}, {describe(design.parts[index])}, weights of their own"
    return Edit(arrange(design, parts, order), account)


def loop(design: Anatomy, library: Library, rng: random.Random) -> Edit | None:
    """Run a stretch of layers a second time with the same weights."""
    longest = min(len(design.order), MAX_LAYERS - len(design.order))
    if longest < 1:
        return None
    length = longest if rng.random() < 0.5 else rng.randint(1, longest)
    at = rng.randint(0, len(design.order) - length)
    block = design.order[at : at + length]
    order = (*design.order[: at + length], *block, *design.order[at + length :])
    account = f"running {in_words(range(at, at + length))} a second time with the same weights"
    return Edit(arrange(design, design.parts, order), account)


def with_width(design: Anatomy, width: int) -> Anatomy:
    """Return the design with another `WIDTH`."""
    return replace(design, definitions={**design.definitions, "WIDTH": define(f"WIDTH = {width}")})


def _part_of_any(library: Library, rng: random.Random) -> tuple[Material, str]:
    """Choose a design and one of its different parts: a network's many equal parts count as one."""
    donor = rng.choice(library)
    return donor, rng.choice(tuple(dict.fromkeys(donor.anatomy.parts)))


OPERATORS: dict[str, Operator] = {
    one.__name__: one
    for one in (
        resize, tune, insert, remove, swap, repeat, move, cross, alternate,
        series, parallel, gate, simplify, tie, untie, loop,
    )
}  # fmt: skip
"""Every operator by its name."""
