"""Measures what an embedded model can do, one skill at a time, against the world it was trained on.

Chains are the held-out ones; facts of one step are those of the training texts, for a world has no others.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agentarch.embedded import language
from agentarch.embedded.model import EmbeddedModel, Request
from agentarch.embedded.world import RELATIONS, Chain, World, draw_chain, pick

_ITEMS = 300
_RELATIONS = {relation.name: relation for relation in RELATIONS}


@dataclass(frozen=True)
class Skill:
    """How well one kind of prompt is answered.

    Attributes:
        name: what is asked for.
        prompt: one that was asked.
        reply: what was answered to it.
        right: share of right answers.
    """

    name: str
    prompt: str
    reply: str
    right: float


Asked = tuple[str, Callable[[str], bool]]
"""A prompt, and whether a reply to it is right."""


def measure_skills(model: EmbeddedModel, seed: int = 0) -> list[Skill]:
    """Ask for every skill some hundreds of times, at temperature 1, and return what came."""
    rng = random.Random(seed)
    found = []
    for name, make in _SKILLS.items():
        asked = [make(model.world, rng) for _ in range(_ITEMS)]
        replies = model.answer([Request(prompt, key=b"skills") for prompt, _ in asked])
        texts = [reply.texts[0] for reply in replies]
        right = [is_right(text) for (_, is_right), text in zip(asked, texts, strict=True)]
        found.append(Skill(name, asked[0][0], texts[0], sum(right) / len(right)))
    return found


def _ends_in(value: str) -> Callable[[str], bool]:
    return lambda reply: re.findall(r"\w+", reply.lower())[-1:] == [value]


def _shown(world: World, text: str) -> str:
    """Write words that are apart as a person would."""
    written = " ".join(world.written(word) if word in world.type_of else word for word in text.split())
    joined = re.sub(r" (?=[.,?]|'s)", "", written)
    return re.sub(r"(?:^|[.?] )[a-z]", lambda found: found.group().upper(), joined)


def _single(world: World, rng: random.Random) -> tuple[Chain, str]:
    relation, subject = fact = pick(list(world.facts), rng)
    return Chain(subject, (relation,)), world.facts[fact]


def _chain(world: World, rng: random.Random, hops: Sequence[int] = (2, 3, 4)) -> tuple[Chain, str]:
    while not world.is_held_out(chain := draw_chain(world, pick(hops, rng), rng)):
        pass
    return chain, world.values(chain)[-1]


def _other(world: World, chain: Chain, truth: str, rng: random.Random) -> str:
    names = world.names[_RELATIONS[chain.path[-1]].range]
    return pick([name for name in names if name != truth], rng)


def _ask(wording: int) -> Callable[[World, random.Random], Asked]:
    def make(world: World, rng: random.Random) -> Asked:
        chain, truth = _single(world, rng)
        return _shown(world, language.question(chain, wording)), _ends_in(truth)

    return make


def _direct(hops: int) -> Callable[[World, random.Random], Asked]:
    def make(world: World, rng: random.Random) -> Asked:
        chain, truth = _chain(world, rng, (hops,))
        return _shown(world, language.question(chain)), _ends_in(truth)

    return make


def _steps(hops: int) -> Callable[[World, random.Random], Asked]:
    def make(world: World, rng: random.Random) -> Asked:
        chain, truth = _chain(world, rng, (hops,))
        return _shown(world, f"{language.question(chain)} {language.STEPS[0]}"), _ends_in(truth)

    return make


def _verify(is_single: bool, is_true: bool, wording: int = 0) -> Callable[[World, random.Random], Asked]:
    def make(world: World, rng: random.Random) -> Asked:
        chain, truth = _single(world, rng) if is_single else _chain(world, rng, (2, 3))
        value = truth if is_true else _other(world, chain, truth, rng)
        asked = f"{language.question(chain)} {language.verification(value, wording)}"
        return _shown(world, asked), _ends_in("yes" if is_true else "no")

    return make


def _choose(is_single: bool) -> Callable[[World, random.Random], Asked]:
    def make(world: World, rng: random.Random) -> Asked:
        chain, truth = _single(world, rng) if is_single else _chain(world, rng, (2, 3))
        options = [truth, _other(world, chain, truth, rng)]
        asked = f"{language.question(chain)} {language.choice(options[:: pick((1, -1), rng)])}"
        return _shown(world, asked), _ends_in(truth)

    return make


def _invert(world: World, rng: random.Random) -> Asked:
    while not _RELATIONS[(chain := _single(world, rng))[0].path[0]].injective:
        pass
    return _shown(world, language.inverse(chain[0].path[0], chain[1])), _ends_in(chain[0].start)


def _split(world: World, rng: random.Random) -> Asked:
    chain, _ = _chain(world, rng)
    parts = _shown(world, language.split(chain))
    return _shown(world, f"{language.question(chain)} {language.SPLIT[0]}"), lambda reply: reply == parts


def _rephrase(world: World, rng: random.Random) -> Asked:
    chain, _ = pick((_single, _chain), rng)(world, rng)
    ways = {_shown(world, language.question(chain, wording)) for wording in range(language.WORDINGS)}
    return _shown(world, f"{language.question(chain)} {language.REPHRASE[0]}"), ways.__contains__


def _hint(has_truth: bool, count: int) -> Callable[[World, random.Random], Asked]:
    def make(world: World, rng: random.Random) -> Asked:
        chain, truth = _chain(world, rng, (2, 3))
        other = _other(world, chain, truth, rng)
        said = ([truth] if has_truth else []) + [other] * count
        said = sorted(said[:count], key=lambda _: rng.random())
        return _shown(world, f"{language.hints(said)} {language.question(chain)}"), _ends_in(truth)

    return make


_SKILLS: dict[str, Callable[[World, random.Random], Asked]] = {
    **{f"one step, wording {wording + 1}": _ask(wording) for wording in range(language.WORDINGS)},
    **{f"{hops} steps, asked directly": _direct(hops) for hops in (2, 3, 4)},
    **{f"{hops} steps, step by step": _steps(hops) for hops in (2, 3, 4)},
    "verification, one step, truth": _verify(True, True),
    "verification, one step, falsehood": _verify(True, False),
    "verification in other words, one step, truth": _verify(True, True, 1),
    "verification in other words, one step, falsehood": _verify(True, False, 1),
    "verification, 2 or 3 steps, truth": _verify(False, True),
    "verification, 2 or 3 steps, falsehood": _verify(False, False),
    "choice of two, one step": _choose(True),
    "choice of two, 2 or 3 steps": _choose(False),
    "inverse question": _invert,
    "splitting": _split,
    "rephrasing": _rephrase,
    "one right hint, 2 or 3 steps": _hint(True, 1),
    "one right hint of three, 2 or 3 steps": _hint(True, 3),
    "three wrong hints, 2 or 3 steps": _hint(False, 3),
}
