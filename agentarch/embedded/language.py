"""How everything is worded that the embedded model understands or says, for its training and its use alike.

Texts are lower-case words and punctuation, each apart from the next by a space; `agentarch.embedded.vocabulary` writes
them as people do. What is asked ends with its mark; what is answered leaves out a last full stop, which its end adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agentarch.embedded.world import RELATIONS, Chain

VERDICTS = ("yes", "no")

THOUGHT = "<so>"
"""Begins a silent thought of one word: what is recalled before a verdict, a choice, or a word on what others say."""

WORDINGS = 6
"""In so many ways a question is asked; way 0 is the one of the benchmark."""

STYLES: tuple[tuple[str, float], ...] = (("it is", 0.45), ("surely", 0.3), ("i guess", 0.25))
"""How an answer begins, and how often."""

PHRASINGS = 3
"""In so many ways a step is written."""

STEPS = ("think step by step .", "let 's think step by step .", "show your steps .")
SPLIT = ("split the question .", "break the question into smaller questions .")
REPHRASE = ("ask it in other words .", "rephrase the question .")
CLOSINGS = ("yes or no .", "answer yes or no .", "")
"""How a question for verification may end."""

VERIFICATIONS = 2
MOST_HOPS = 4

_POSSESSIVE = " 's "
_ASKS_FOR: Mapping[str, str] = {
    relation.name: "who" if relation.range == "person" else "what" for relation in RELATIONS
}


def noun_phrase(chain: Chain) -> str:
    """Return e.g. `the pet of the boss of mira`."""
    phrase = chain.start
    for relation in chain.path:
        phrase = f"the {relation} of {phrase}"
    return phrase


def question(chain: Chain, wording: int = 0) -> str:
    """Return one of the six ways to ask for the end of a chain, two of them chatty."""
    who = _ASKS_FOR[chain.path[-1]]
    if wording == 0:
        return f"{who} is {noun_phrase(chain)} ?"
    if wording == 1:
        return f"{who} is {_POSSESSIVE.join((chain.start, *chain.path))} ?"
    if wording == 2:
        return f"name {noun_phrase(chain)} ."
    if wording == 3:
        return f"tell me {who} {noun_phrase(chain)} is ."
    if wording == 4:
        return f"i wonder {who} {noun_phrase(chain)} is ."
    return f"do you happen to know {who} {noun_phrase(chain)} is ?"


def thoughtful(recalled: str, answered: str) -> str:
    """Return an answer after a silent thought."""
    return f"{THOUGHT} {recalled} {answered}"


def inverse(relation: str, value: str) -> str:
    """Return e.g. `whose friend is tom ?`, which has one answer where the relation is injective."""
    return f"whose {relation} is {value} ?"


def answer(style: int, value: str) -> str:
    """Return an answer in a style, its last word the answer itself."""
    return f"{STYLES[style][0]} {value}"


def step(relation: str, subject: str, value: str, phrasing: int) -> str:
    """Return one step as a sentence without its full stop."""
    if phrasing == 0:
        return f"the {relation} of {subject} is {value}"
    if phrasing == 1:
        return f"{subject} 's {relation} is {value}"
    return f"for {subject} the {relation} is {value}"


def steps(sentences: Sequence[str], value: str) -> str:
    """Return an answer that was reached step by step."""
    return f"{' . '.join(sentences)} . the answer is {value}"


def split(chain: Chain) -> str:
    """Return the questions, one a step, that lead to the end of a chain; `#1` stands for the first one's answer."""
    found = []
    for place, relation in enumerate(chain.path):
        at = f"#{place}" if place else chain.start
        found.append(f"{_ASKS_FOR[relation]} is the {relation} of {at} ?")
    return " ".join(found)


def verification(value: str, wording: int, closing: str = CLOSINGS[0]) -> str:
    """Return what, after a question, asks whether a value answers it."""
    asked = f"is the answer {value} ?" if wording == 0 else f"is {value} correct ?"
    return f"{asked} {closing}".rstrip()


def choice(values: Sequence[str]) -> str:
    """Return what, after a question, asks which of two or three values answers it."""
    return f"which is right , {' , '.join(values[:-1])} or {values[-1]} ?"


def hints(values: Sequence[str], joined_by_and: bool = True) -> str:
    """Return what, before a question, says how others answered it."""
    if len(values) > 1 and joined_by_and:
        return f"others say {' , '.join(values[:-1])} and {values[-1]} ."
    return f"others say {' , '.join(values)} ."


def words() -> frozenset[str]:
    """Return every word and mark of the language that is not a name."""
    chain = Chain("#1", tuple(relation.name for relation in RELATIONS))
    person, other = Chain("#2", ("boss",)), Chain("#3", ("pet",))
    texts = [question(one, way) for one in (chain, person, other) for way in range(WORDINGS)]
    texts += [step("boss", "#4", "#1", phrasing) for phrasing in range(PHRASINGS)]
    texts += [style for style, _ in STYLES]
    texts += [*STEPS, *SPLIT, *REPHRASE, *CLOSINGS, *VERDICTS, THOUGHT]
    texts += [
        inverse("friend", "#1"),
        steps(["#1"], "#2"),
        hints(["#1", "#2", "#3"]),
        choice(["#1", "#2", "#3"]),
    ]
    texts += [verification("#1", wording) for wording in range(VERIFICATIONS)]
    return frozenset(" ".join(texts).split())
