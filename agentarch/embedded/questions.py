"""Benchmark questions: chains that no training text has, in a wording that every language model understands."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

from agentarch.embedded.language import MOST_HOPS, question
from agentarch.embedded.names import Salt
from agentarch.embedded.vocabulary import Vocabulary
from agentarch.embedded.world import SPLITS, Chain, Split, World, draw_chain, pick
from agentarch.errors import UsageError, unknown_name

_PATIENCE = 400
"""How many chains in a row may be known, held back or of another split before there are no more."""


@dataclass(frozen=True)
class Item:
    """A question and its answer, in shown names.

    Attributes:
        question: ready to be asked.
        answer: one word.
        hops: steps from the question to the answer.
        salt: key of the names, for whoever asks the model.
    """

    question: str
    answer: str
    hops: int
    salt: bytes


def questions(world: World, split: Split, count: int, seed: int) -> list[Item]:
    """Return different questions of two to four steps, in equal shares as long as there are enough of each.

    Args:
        world: what they ask about.
        split: a chain is in one split alone.
        count: how many.
        seed: of their choice and of their names.

    Raises:
        UsageError: there is no such split, or there are not so many questions.
    """
    if split not in SPLITS:
        raise unknown_name("split", split, SPLITS)
    rng = random.Random(f"{world.fingerprint} {split} {seed}")
    vocabulary = Vocabulary(world)
    met: set[Chain] = set()
    items: list[Item] = []
    hops = list(range(2, MOST_HOPS + 1))
    while len(items) < count:
        if not hops:
            raise UsageError(
                f"world {world.name!r} has {len(items)} questions in split {split!r}, not {count}"
            )
        wanted = pick(hops, rng)
        chain = _fresh(world, split, wanted, met, rng)
        if chain is None:
            hops.remove(wanted)
            continue
        met.add(chain)
        key = f"{world.fingerprint} {split} {seed} {len(items)}".encode()
        salt = hashlib.blake2b(key, digest_size=16).digest()
        names = Salt(world, salt)
        asked = vocabulary.text(vocabulary.numbers(question(chain).split()))
        answer = world.written(world.values(chain)[-1])
        items.append(Item(names.shown(asked), names.shown(answer), wanted, salt))
    return items


def _fresh(world: World, split: Split, hops: int, met: set[Chain], rng: random.Random) -> Chain | None:
    for _ in range(_PATIENCE):
        chain = draw_chain(world, hops, rng)
        if chain not in met and world.is_held_out(chain) and world.split_of(chain) == split:
            return chain
    return None
