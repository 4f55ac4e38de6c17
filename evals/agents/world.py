"""Multi-hop questions about a closed world that only the embedded model knows, and about which it errs.

"What is the pet of the boss of the mother of Mira?": two to four steps, from chains that the model never saw whole. No
design's own code can compute an answer, for the world never enters a box, and the names in each question are drawn
anew, so what is learnt of one question means nothing in the next. What helps is what helps with real models: asking for
steps, splitting, voting, verifying. `docs/embedded-model.md` tells how the model was made, and that its errors are
planted.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agentarch.answers import exact
from agentarch.embedded import EmbeddedModel, questions, worlds
from agentarch.errors import unknown_name
from agentarch.task import QuestionRung, Questions

TYPE_PRIOR = 0.12
"""What an answer of the right type, drawn at random by how common each is, gets right."""


_model = cache(EmbeddedModel.load)


class World:
    """Multi-hop questions; `world` asks about the first of the shipped worlds, `world:NAME` about another.

    Telling designs apart: those that take a question apart, ask each part in several wordings and count, against those
    that ask once, or ask the whole often.
    """

    name = "world"
    kind = "agent"
    description = (
        "two to four steps through a closed world that only the embedded model knows, and errs about"
    )
    answer_form = "One word, a name of the world."
    metric = "accuracy"
    chance = TYPE_PRIOR
    ceiling = 1.0
    rungs = (
        QuestionRung(questions=8),
        QuestionRung(questions=60),
        QuestionRung(questions=200),
        QuestionRung(questions=600),
    )

    def __init__(self, world: str = "") -> None:
        self.world = world or worlds()[0]
        if world:
            self.name = f"world:{world}"

    @classmethod
    def made_from(cls, world: str) -> "World":
        """Return the task about a named world; about the first it is `world` itself, and called so.

        Raises:
            agentarch.errors.UsageError: there is none of that name.
        """
        if world not in worlds():
            raise unknown_name("world", world, worlds())
        return cls("" if world == worlds()[0] else world)

    def data(self, split: str, rung: int, seed: int) -> Questions:
        """Draw questions from the chains of a split, with names of their own each."""
        found = questions(_model(self.world).world, split, self.rungs[rung].questions, seed)
        return Questions(
            tuple(item.question for item in found),
            tuple(item.answer for item in found),
            tuple(item.salt for item in found),
        )

    def grade(self, predictions: Sequence[str], labels: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        """Return whether each answer is the name that was asked for."""
        return {"accuracy": exact(predictions, labels)}
