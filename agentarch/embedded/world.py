"""A closed world of invented people, companies and towns, the same for ever from its seed.

Draws with `random.Random.random` alone, the one method whose sequence Python promises to keep, so that shipped weights
stay true to the world they were trained on. Knows no language, no text and no model.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar, get_args

Type = Literal["person", "company", "town", "instrument", "pet", "product", "river", "dish"]
Split = Literal["search", "confirm", "test"]
T = TypeVar("T")

SPLITS: tuple[Split, ...] = get_args(Split)

SIZES: Mapping[Type, int] = {
    "person": 80,
    "company": 16,
    "town": 16,
    "instrument": 15,
    "pet": 12,
    "product": 12,
    "river": 10,
    "dish": 10,
}
"""How many names there are of each type."""

CAPITALISED: frozenset[Type] = frozenset({"person", "company", "town", "river"})
"""Types whose names are written with a capital letter."""

HELD_OUT = 5
"""One chain in so many is never in a training text; benchmark questions come from those alone."""


@dataclass(frozen=True)
class Relation:
    """A function from the names of one type to those of another.

    Attributes:
        name: the noun that stands for it, one word.
        domain: type of its subjects; every one of them has a value.
        range: type of its values.
        injective: whether no two subjects share a value.
    """

    name: str
    domain: Type
    range: Type
    injective: bool = False


RELATIONS: tuple[Relation, ...] = (
    Relation("boss", "person", "person"),
    Relation("teacher", "person", "person"),
    Relation("friend", "person", "person", injective=True),
    Relation("rival", "person", "person", injective=True),
    Relation("employer", "person", "company"),
    Relation("home", "person", "town"),
    Relation("instrument", "person", "instrument"),
    Relation("pet", "person", "pet"),
    Relation("founder", "company", "person", injective=True),
    Relation("seat", "company", "town"),
    Relation("product", "company", "product"),
    Relation("mayor", "town", "person", injective=True),
    Relation("river", "town", "river"),
    Relation("dish", "town", "dish"),
)

_BEGINNINGS = (
    *("b", "br", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "kl", "l"),
    *("m", "n", "p", "pl", "r", "s", "st", "t", "tr", "v", "w", "z"),
)
_MIDDLES = ("a", "e", "i", "o", "u", "ai", "ea", "ou")
_ENDINGS: Mapping[Type, tuple[str, ...]] = {
    "person": ("ra", "no", "len", "mis", "dra", "vin", "lo", "ka", "ren", "shi"),
    "company": ("rex", "dyne", "tek", "nova", "corp", "lix"),
    "town": ("ton", "wick", "by", "ford", "stad", "burg"),
    "instrument": ("phon", "lute", "harp", "zine", "bell"),
    "pet": ("ling", "roo", "cat", "pup", "mole"),
    "product": ("ware", "lite", "gel", "foil", "wax"),
    "river": ("wen", "dell", "mere", "brook", "ash"),
    "dish": ("soup", "cake", "stew", "roll", "tart"),
}


@dataclass(frozen=True)
class Chain:
    """A question without words: a name, and relations to follow from it, the first first."""

    start: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """A closed world.

    Attributes:
        name: what it is called.
        seed: what it is made from.
        names: by type, in lower case; no name is of two types.
        facts: value by (relation, subject); every subject of a relation has one.
    """

    name: str
    seed: int
    names: Mapping[Type, tuple[str, ...]]
    facts: Mapping[tuple[str, str], str]

    @cached_property
    def type_of(self) -> Mapping[str, Type]:
        """The type of every name."""
        return {name: kind for kind, names in self.names.items() for name in names}

    @cached_property
    def starts(self) -> tuple[str, ...]:
        """The names that chains may start from."""
        return tuple(name for name, kind in self.type_of.items() if relations_from(kind))

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all facts, by which weights know the world they were trained on."""
        told = "\n".join(f"{relation} {subject} {value}" for (relation, subject), value in self.facts.items())
        return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()

    def values(self, chain: Chain) -> tuple[str, ...]:
        """Return where each step of a chain leads; the last is the answer.

        Raises:
            KeyError: a relation does not follow the type before it.
        """
        found, at = [], chain.start
        for relation in chain.path:
            at = self.facts[relation, at]
            found.append(at)
        return tuple(found)

    def written(self, name: str) -> str:
        """Return a name as people write it."""
        return name.capitalize() if self.type_of[name] in CAPITALISED else name

    def is_held_out(self, chain: Chain) -> bool:
        """Return whether a chain of two or more steps must not be in a training text."""
        return len(chain.path) > 1 and self._number(chain) % HELD_OUT == 0

    def split_of(self, chain: Chain) -> Split:
        """Return the one split in which a held-out chain may be asked."""
        return SPLITS[self._number(chain) // HELD_OUT % len(SPLITS)]

    def _number(self, chain: Chain) -> int:
        text = f"{self.seed} {chain.start} {' '.join(chain.path)}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def relations_from(kind: Type) -> tuple[Relation, ...]:
    """Return the relations that may follow a name of a type."""
    return _FROM[kind]


def draw_chain(world: World, hops: int, rng: random.Random) -> Chain:
    """Return a random chain of so many steps that never meets a name twice, so that no question holds its answer."""
    while True:
        start = at = pick(world.starts, rng)
        path: list[str] = []
        met: set[str] = set()
        while len(path) < hops and at not in met and (following := relations_from(world.type_of[at])):
            met.add(at)
            relation = pick(following, rng)
            path.append(relation.name)
            at = world.facts[relation.name, at]
        if len(path) == hops and at not in met:
            return Chain(start, tuple(path))


def pick(items: Sequence[T], rng: random.Random) -> T:
    """Return one of the items, each as likely, from one draw of `rng.random`."""
    return items[int(rng.random() * len(items))]


def make_world(name: str, seed: int) -> World:
    """Return the world of a seed."""
    rng = random.Random(seed)
    taken: set[str] = set()
    names = {kind: _names(kind, size, taken, rng) for kind, size in SIZES.items()}
    facts = {}
    for relation in RELATIONS:
        for subject, value in zip(names[relation.domain], _values(relation, names, rng), strict=True):
            facts[relation.name, subject] = value
    return World(name, seed, names, facts)


def _names(kind: Type, size: int, taken: set[str], rng: random.Random) -> tuple[str, ...]:
    found: list[str] = []
    while len(found) < size:
        name = pick(_BEGINNINGS, rng) + pick(_MIDDLES, rng) + pick(_ENDINGS[kind], rng)
        if name not in taken:
            taken.add(name)
            found.append(name)
    return tuple(found)


def _values(relation: Relation, names: Mapping[Type, tuple[str, ...]], rng: random.Random) -> list[str]:
    """Return a value for every subject, in order: all different, or some far more common than others."""
    subjects, values = names[relation.domain], names[relation.range]
    while True:
        shuffled = sorted(values, key=lambda _: rng.random())
        if relation.injective:
            found = shuffled[: len(subjects)]
        else:
            count = min(len(values), 40)  # of 80 people, 40 have somebody to lead or teach
            found = [shuffled[int(count * rng.random() ** 1.8)] for _ in subjects]
        if all(one != other for one, other in zip(subjects, found, strict=True)):
            return found
        if not relation.injective:
            return [
                other if one != other else next(value for value in shuffled if value != one)
                for one, other in zip(subjects, found, strict=True)
            ]


_FROM: Mapping[Type, tuple[Relation, ...]] = {
    kind: tuple(relation for relation in RELATIONS if relation.domain == kind) for kind in SIZES
}
