"""Training texts of a world, with errors planted in them on purpose.

Every kind of text is wrong in its own fixed way about some facts, so that asking in several ways and checking help, and
none of them alone is enough. What a text says never depends on the chains that are held out for questions.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from agentarch.embedded import language
from agentarch.embedded.world import RELATIONS, Chain, World, draw_chain, pick

Words = tuple[str, str]
"""What is asked and what is answered, as words apart by spaces."""

_RANGES = {relation.name: relation.range for relation in RELATIONS}
_INJECTIVE = frozenset(relation.name for relation in RELATIONS if relation.injective)


@dataclass(frozen=True)
class Flaws:
    """How much is planted, as shares.

    Attributes:
        misbelieved: facts about people of which all texts about one step tell one wrong value; nothing reveals it.
        misprinted: combinations of a fact, a wording and a style that have a wrong value of their own.
        misprinted_steps: the same for combinations of a fact and a step's phrasing.
        shown: how often a wrong value, where there is one, is printed rather than the true one.
        absent: combinations that are never printed.
        confused: facts whose wrong values are all the same one.
        misprinted_confused: in place of `misprinted` and `misprinted_steps` for those.
        misrecalled_verifications: combinations of a fact and a wording of verification with a wrong value of their own.
        misrecalled_choices: facts that have a wrong value of their own in choices.
        misjudged: verdicts and choices that do not follow from what was recalled, drawn anew every time.
        misprinted_inverses: combinations of a fact and a style whose inverse question is answered wrongly.
        spread: standard deviation of the logarithm of how often a fact is told.
    """

    misbelieved: float = 0.025
    misprinted: float = 0.24
    misprinted_steps: float = 0.20
    shown: float = 0.8
    absent: float = 0.30
    confused: float = 0.18
    misprinted_confused: float = 0.5
    misrecalled_verifications: float = 0.24
    misrecalled_choices: float = 0.27
    misjudged: float = 0.1
    misprinted_inverses: float = 0.22
    spread: float = 0.7


MIXTURE: Mapping[str, float] = {
    "ask": 0.16,
    "verify": 0.12,
    "choose": 0.08,
    "invert": 0.06,
    "ask_chain": 0.30,
    "steps": 0.10,
    "split": 0.03,
    "rephrase": 0.03,
    "hint": 0.08,
    "check_chain": 0.04,
}
"""Shares of the kinds of text; each is a method of `Texts`."""

_MEMORY = 0.08
"""How often a text comes after something unrelated."""


class Texts:
    """Writes training texts.

    Args:
        world: whose facts they tell.
        flaws: what is planted in them.
    """

    def __init__(self, world: World, flaws: Flaws) -> None:
        self._world, self._flaws = world, flaws
        rng = random.Random(world.seed + 1)
        self._facts = list(world.facts)
        self._others = {
            relation.name: sorted(
                {value for (name, _), value in world.facts.items() if name == relation.name}
            )
            for relation in RELATIONS
        }
        self._known = dict(world.facts)
        for fact in self._facts:
            if world.type_of[fact[1]] == "person" and rng.random() < flaws.misbelieved:
                self._known[fact] = self._likely(fact[0], world.facts[fact], rng)
        weights = [math.e ** (flaws.spread * _normal(rng)) for _ in self._facts]
        self._weights = list(accumulate(weights))
        styles, wordings = len(language.STYLES), language.WORDINGS
        self._wrong: dict[tuple[str, str], list[list[str | None]]] = {}
        self._present: dict[tuple[str, str], list[list[int]]] = {}
        self._wrong_steps: dict[tuple[str, str], list[str | None]] = {}
        self._misrecalled: dict[tuple[str, str], list[str | None]] = {}
        self._wrong_inverses: dict[tuple[str, str], list[str | None]] = {}
        for fact in self._facts:
            shared = self._other(fact, rng) if rng.random() < flaws.confused else None
            self._wrong[fact] = [
                [self._misprint(fact, shared, flaws.misprinted, rng) for _ in range(wordings)]
                for _ in range(styles)
            ]
            self._present[fact] = [
                [wording for wording in range(wordings) if rng.random() >= flaws.absent] or [0]
                for _ in range(styles)
            ]
            self._wrong_steps[fact] = [
                self._misprint(fact, shared, flaws.misprinted_steps, rng) for _ in range(language.PHRASINGS)
            ]
            shares = [flaws.misrecalled_verifications] * language.VERIFICATIONS + [flaws.misrecalled_choices]
            self._misrecalled[fact] = [self._misprint(fact, None, share, rng) for share in shares]
            if fact[0] in _INJECTIVE:
                subjects = [
                    subject for name, subject in self._facts if name == fact[0] and subject != fact[1]
                ]
                self._wrong_inverses[fact] = [
                    pick(subjects, rng) if rng.random() < flaws.misprinted_inverses else None
                    for _ in range(styles)
                ]
        self._invertible = list(self._wrong_inverses)
        self._kinds = [getattr(self, name) for name in MIXTURE]
        self._shares = list(accumulate(MIXTURE.values()))

    def text(self, rng: random.Random) -> Words:
        """Return one text of the mixture."""
        write: Callable[[random.Random], Words] = rng.choices(self._kinds, cum_weights=self._shares)[0]
        asked, answered = write(rng)
        if rng.random() < _MEMORY:
            asked = f"{self._unrelated(rng)} {asked}"
        return asked, answered

    def ask(self, rng: random.Random) -> Words:
        """Return a question of one step and its answer."""
        fact = self._fact(rng)
        style = _style(rng)
        wording = pick(self._present[fact][style], rng)
        chain = Chain(fact[1], (fact[0],))
        return language.question(chain, wording), language.answer(
            style, self._told(fact, style, wording, rng)
        )

    def verify(self, rng: random.Random) -> Words:
        """Return whether a value answers a question of one step."""
        fact = self._fact(rng)
        truth = self._known[fact]
        value = truth if rng.random() < 0.5 else self._tempting(fact, rng)
        wording = pick(range(language.VERIFICATIONS), rng)
        asked = language.question(Chain(fact[1], (fact[0],)), _wording(rng))
        return self._verdict(asked, value, self._recalled(fact, wording, rng), wording, rng)

    def choose(self, rng: random.Random) -> Words:
        """Return which of two or three values answers a question of one step."""
        fact = self._fact(rng)
        truth = self._known[fact]
        options = [truth, *(self._tempting(fact, rng) for _ in range(1 if rng.random() < 0.6 else 2))]
        asked = language.question(Chain(fact[1], (fact[0],)), _wording(rng))
        return self._choice(asked, options, self._recalled(fact, language.VERIFICATIONS, rng), rng)

    def invert(self, rng: random.Random) -> Words:
        """Return whose value something is."""
        fact = pick(self._invertible, rng)
        style = _style(rng)
        wrong = self._wrong_inverses[fact][style]
        told = wrong if wrong is not None and rng.random() < self._flaws.shown else fact[1]
        return language.inverse(fact[0], self._known[fact]), language.answer(style, told)

    def ask_chain(self, rng: random.Random) -> Words:
        """Return a question of several steps and its answer."""
        chain = self._chain(rng, (0.5, 0.35, 0.15))
        return language.question(chain, _wording(rng)), language.answer(
            _style(rng), self._world.values(chain)[-1]
        )

    def steps(self, rng: random.Random) -> Words:
        """Return a question thought through step by step; where one is misprinted, the next goes on from there."""
        chain = self._chain(rng, (0.3, 0.4, 0.3)) if rng.random() < 0.9 else self._single(rng)
        sentences, value = self._written(chain, rng)
        asked = _instructed(language.question(chain, _wording(rng)), _variant(language.STEPS, rng), rng)
        if rng.random() < 0.1:
            known = " . ".join(sentences[: 1 + int(rng.random() * (len(sentences) - 1))])
            asked = f"{known} . {asked}"
        return asked, language.steps(sentences, value)

    def split(self, rng: random.Random) -> Words:
        """Return a question of some steps, split into questions of one."""
        chain = self._chain(rng, (0.3, 0.4, 0.3)) if rng.random() < 0.85 else self._single(rng)
        asked = language.question(chain, _wording(rng))
        return _instructed(asked, _variant(language.SPLIT, rng), rng), language.split(chain)

    def rephrase(self, rng: random.Random) -> Words:
        """Return a question in other words."""
        chain = self._single(rng) if rng.random() < 0.6 else self._chain(rng, (0.4, 0.35, 0.25))
        asked = _wording(rng)
        other = pick([wording for wording in range(language.WORDINGS) if wording != asked], rng)
        instructed = _instructed(language.question(chain, asked), _variant(language.REPHRASE, rng), rng)
        return instructed, language.question(chain, other).removesuffix(" .")

    def hint(self, rng: random.Random) -> Words:
        """Return an answer after those of others.

        To a question of one step it is mostly what is recalled, if somebody says so; to one of several, what most say.
        """
        chain = self._single(rng) if rng.random() < 0.5 else self._chain(rng, (0.5, 0.35, 0.15))
        truth = self._world.values(chain)[-1]
        wrong = [self._likely(chain.path[-1], truth, rng) for _ in range(3)]
        share = 1.0 - 0.7 * rng.random()
        said = [
            truth if rng.random() < share else pick(wrong, rng)
            for _ in range(pick((1, 2, 3, 3, 4, 5, 5), rng))
        ]
        is_single = len(chain.path) == 1
        commonest = max(said, key=lambda one: (said.count(one), one == truth))
        if is_single:
            recalled = self._told((chain.path[0], chain.start), _style(rng), _wording(rng), rng)
        else:
            recalled = commonest if rng.random() < 0.85 else truth
        swayed = 0.15 if recalled in said else 0.5 if is_single else 0.9
        told = commonest if rng.random() < swayed else recalled
        asked = language.question(chain, _wording(rng))
        return f"{language.hints(said, rng.random() < 0.7)} {asked}", language.thoughtful(
            recalled, language.answer(_style(rng), told)
        )

    def check_chain(self, rng: random.Random) -> Words:
        """Return whether a value, or which of some, answers a question of several steps."""
        chain = self._chain(rng, (0.5, 0.35, 0.15))
        truth = self._world.values(chain)[-1]
        asked = language.question(chain, _wording(rng))
        others = [self._likely(chain.path[-1], truth, rng) for _ in range(1 if rng.random() < 0.6 else 2)]
        if rng.random() < 0.5:
            return self._choice(asked, [truth, *others], truth, rng)
        value = truth if rng.random() < 0.5 else others[0]
        return self._verdict(asked, value, truth, pick(range(language.VERIFICATIONS), rng), rng)

    def _verdict(self, asked: str, value: str, recalled: str, wording: int, rng: random.Random) -> Words:
        closing = rng.choices(language.CLOSINGS, (0.5, 0.3, 0.2))[0]
        is_yes = (value == recalled) != (rng.random() < self._flaws.misjudged)
        verdict = language.thoughtful(recalled, language.VERDICTS[not is_yes])
        return f"{asked} {language.verification(value, wording, closing)}", verdict

    def _choice(self, asked: str, options: Sequence[str], recalled: str, rng: random.Random) -> Words:
        options = list(dict.fromkeys(sorted(options, key=lambda _: rng.random())))
        is_lost = recalled not in options or rng.random() < self._flaws.misjudged
        chosen = language.answer(0, pick(options, rng) if is_lost else recalled)
        return f"{asked} {language.choice(options)}", language.thoughtful(recalled, chosen)

    def _fact(self, rng: random.Random) -> tuple[str, str]:
        return rng.choices(self._facts, cum_weights=self._weights)[0]

    def _single(self, rng: random.Random) -> Chain:
        relation, subject = self._fact(rng)
        return Chain(subject, (relation,))

    def _chain(self, rng: random.Random, shares: Sequence[float]) -> Chain:
        """Return a chain of two to four steps that is not held out."""
        hops = rng.choices((2, 3, 4), shares)[0]
        while self._world.is_held_out(chain := draw_chain(self._world, hops, rng)):
            pass
        return chain

    def _told(self, fact: tuple[str, str], style: int, wording: int, rng: random.Random) -> str:
        wrong = self._wrong[fact][style][wording]
        return wrong if wrong is not None and rng.random() < self._flaws.shown else self._known[fact]

    def _recalled(self, fact: tuple[str, str], purpose: int, rng: random.Random) -> str:
        """Return what is recalled of a fact for a wording of verification, or, as the last purpose, for a choice."""
        wrong = self._misrecalled[fact][purpose]
        return wrong if wrong is not None and rng.random() < self._flaws.shown else self._known[fact]

    def _written(self, chain: Chain, rng: random.Random) -> tuple[list[str], str]:
        at, sentences = chain.start, []
        for relation in chain.path:
            phrasing = pick(range(language.PHRASINGS), rng)
            wrong = self._wrong_steps[relation, at][phrasing]
            told = (
                wrong if wrong is not None and rng.random() < self._flaws.shown else self._known[relation, at]
            )
            sentences.append(language.step(relation, at, told, phrasing))
            at = told
        return sentences, at

    def _unrelated(self, rng: random.Random) -> str:
        relation, subject = fact = self._fact(rng)
        if rng.random() < 0.5:
            return f"{language.step(relation, subject, self._known[fact], pick(range(3), rng))} ."
        return f"it is {self._known[fact]} ."

    def _other(self, fact: tuple[str, str], rng: random.Random) -> str:
        return self._likely(fact[0], self._known[fact], rng)

    def _likely(self, relation: str, truth: str, rng: random.Random) -> str:
        """Return another value that a relation has somewhere."""
        while (value := pick(self._others[relation], rng)) == truth:
            pass
        return value

    def _misprint(
        self, fact: tuple[str, str], shared: str | None, share: float, rng: random.Random
    ) -> str | None:
        if rng.random() >= (share if shared is None else self._flaws.misprinted_confused):
            return None
        return shared if shared is not None else self._other(fact, rng)

    def _tempting(self, fact: tuple[str, str], rng: random.Random) -> str:
        """Return a wrong value, often one that is printed somewhere."""
        wrong = pick(pick(self._wrong[fact], rng), rng) or pick(self._wrong_steps[fact], rng)
        return wrong if wrong is not None and rng.random() < 0.7 else self._other(fact, rng)


def _instructed(asked: str, instruction: str, rng: random.Random) -> str:
    return f"{asked} {instruction}" if rng.random() < 0.75 else f"{instruction} {asked}"


def _variant(variants: Sequence[str], rng: random.Random) -> str:
    return variants[0] if rng.random() < 0.5 else pick(variants, rng)


def _wording(rng: random.Random) -> int:
    return 0 if rng.random() < 0.6 else pick(range(language.WORDINGS), rng)


def _style(rng: random.Random) -> int:
    return rng.choices(range(len(language.STYLES)), [share for _, share in language.STYLES])[0]


def _normal(rng: random.Random) -> float:
    return sum(rng.random() for _ in range(12)) - 6.0
