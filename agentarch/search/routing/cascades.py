"""Cascades: two pipelines are asked, and a third one where their answers differ.

Whether two cheap pipelines agree is the best that is cheap to know of a question: after FrugalGPT (Chen, Zaharia & Zou,
"FrugalGPT: How to Use Large Language Models While Reducing Cost and Improving Performance", 2023), with agreement in
place of a scorer that would have to be trained. To a router a cascade is one more pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from agentarch.search.routing.choosing import agree
from agentarch.search.routing.fitting import Answers, Array
from agentarch.search.routing.judging import front_of

MOST_CASCADES = 6
"""So many are offered to a router, at most: the more are tried, the more of what the best of them scores is luck."""


@dataclass(frozen=True)
class Cascade:
    """Two pipelines and what is asked where their answers differ, by id.

    Attributes:
        first: always asked; its answer is given where both agree.
        second: always asked.
        last: asked where they differ.
    """

    first: str
    second: str
    last: str

    @property
    def id(self) -> str:
        """What it is called among the ids of designs."""
        return f"{self.first}+{self.second}/{self.last}"

    @property
    def members(self) -> tuple[str, str, str]:
        """Ids of its three pipelines."""
        return self.first, self.second, self.last

    def told(self, names: Mapping[str, str]) -> str:
        """Return it in words, its members by their names."""
        first, second, last = (names[one] for one in self.members)
        return f"{first} and {second}, and {last} where they differ"


def best_cascades(answers: Answers) -> tuple[Cascade, ...]:
    """Return the cascades on the front of score and tokens, pipelines by themselves beside them, cheapest first."""
    count = len(answers.designs)
    agreeing = {pair: _agreeing(answers, *pair) for pair in combinations(range(count), 2)}
    tried, scores, tokens = [], [*answers.scores], [*answers.tokens]
    for (first, second), same in agreeing.items():
        for last in range(count):
            if last not in (first, second):
                tried.append(Cascade(*(answers.designs[one] for one in (first, second, last))))
                score, taken = _cascaded(answers, first, second, last, same)
                scores.append(score)
                tokens.append(taken)
    everything = Answers(
        designs=(*answers.designs, *(one.id for one in tried)),
        questions=answers.questions,
        tasks=answers.tasks,
        scores=np.array(scores),
        tokens=np.array(tokens),
    )
    front = [tried[at - count] for at in front_of(everything) if at >= count]
    return tuple(front[-MOST_CASCADES:])


def with_cascades(answers: Answers, cascades: tuple[Cascade, ...]) -> Answers:
    """Return answers with those of cascades after them, worked out from what their members answered."""
    if not cascades:
        return answers
    added = []
    for one in cascades:
        first, second, last = (answers.designs.index(member) for member in one.members)
        added.append(_cascaded(answers, first, second, last, _agreeing(answers, first, second)))
    return Answers(
        designs=(*answers.designs, *(one.id for one in cascades)),
        questions=answers.questions,
        tasks=answers.tasks,
        scores=np.vstack([answers.scores, *(score for score, _ in added)]),
        tokens=np.vstack([answers.tokens, *(taken for _, taken in added)]),
        alone=len(answers.designs),
    )


def _agreeing(answers: Answers, first: int, second: int) -> NDArray[np.bool_]:
    pairs = zip(answers.said[first], answers.said[second], strict=True)
    return np.array([agree(*pair) for pair in pairs])


def _cascaded(
    answers: Answers, first: int, second: int, last: int, same: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Return the scores and tokens of a cascade, `(questions,)` each."""
    scores = np.where(same, answers.scores[first], answers.scores[last])
    taken = answers.tokens[first] + answers.tokens[second] + np.where(same, 0.0, answers.tokens[last])
    return scores, taken
