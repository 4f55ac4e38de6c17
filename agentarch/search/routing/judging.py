"""What a router is worth on questions that it was not fitted on: beside every single pipeline, and beside chance.

Mixing two pipelines by a coin buys every score between theirs at the tokens between theirs, with no policy at all. A
router that does no better than the best such mixture has learnt nothing, whatever it saves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agentarch.evaluation import Cells
from agentarch.scoring import Difference, difference, mean_score
from agentarch.scoring.intervals import Z
from agentarch.search.answered import score_of
from agentarch.search.routing.fitting import Answers, Array, Fitted, NothingToRoute, Policy

FEWEST_HELD_OUT = 20


@dataclass(frozen=True)
class Point:
    """A way to answer, and what it scored and took on the held-out questions.

    Attributes:
        name: of the way; for a single pipeline its id.
        score: mean over questions.
        low: lower end of its 95% interval.
        high: upper end.
        tokens: a question.
    """

    name: str
    score: float
    low: float
    high: float
    tokens: float


@dataclass(frozen=True)
class Judged:
    """What a router is worth.

    Attributes:
        price: of a token, at which it was judged.
        asked_to_keep: share of the best pipeline's score that it was to keep; None where a price was given.
        questions: held out, behind every number here.
        fitted_on: questions.
        router: what it scored and took.
        shares: of the questions that go to each pipeline or cascade, by id.
        singles: every pipeline by itself, cheapest first.
        best: id of the pipeline that was best in fitting; what `always best` asks.
        kept: share of the best one's score that is kept, with its 95% interval.
        token_share: of the best one's tokens.
        against_best: score less the best pipeline's, paired by question.
        mixture: ids of the two pipelines, chosen in fitting, that a coin mixes to the router's tokens, and the share
            of the first.
        against_mixture: score less the mixture's, paired by question.
        affordable: id of the single pipeline, best in fitting, that takes no more tokens than the router.
        against_affordable: score less that one's; None where none is as cheap.
        oracle: the cheapest right pipeline for every question; nobody can know it beforehand.
        curve: the router at every price, cheapest price last.
    """

    price: float
    asked_to_keep: float | None
    questions: int
    fitted_on: int
    router: Point
    shares: Mapping[str, float]
    singles: tuple[Point, ...]
    best: str
    kept: tuple[float, float, float]
    token_share: float
    against_best: Difference
    mixture: tuple[str, str, float]
    against_mixture: Difference
    affordable: str | None
    against_affordable: Difference | None
    oracle: Point
    curve: tuple[tuple[float, Point], ...]

    @property
    def helps(self) -> bool:
        """Whether it is surely better than the best mixture of two single pipelines that takes as many tokens."""
        return self.against_mixture.is_positive


def judge_router(fitted: Fitted, policy: Policy, keep: float | None, held_out: Answers) -> Judged:
    """Judge a router on held-out questions.

    Args:
        fitted: the router at every price.
        policy: the one to be judged.
        keep: share of the best pipeline's score that it was to keep; None where a price was given.
        held_out: the same pipelines on other questions.

    Raises:
        NothingToRoute: questions are missing, or were fitted on.
    """
    if shared := set(held_out.questions) & set(fitted.answers.questions):
        raise NothingToRoute(f"{len(shared)} of the held-out questions were fitted on")
    if len(held_out.questions) < FEWEST_HELD_OUT:
        raise NothingToRoute(
            f"{len(held_out.questions)} questions are held out; {FEWEST_HELD_OUT} are needed to say anything"
        )
    singles = {one: _single(held_out, one) for one in held_out.singles.designs}
    scores, tokens = routed(policy, held_out)
    best_scores, best_tokens = singles[fitted.best]
    mixture = _mixture(fitted, singles, float(tokens.mean()))
    affordable = _affordable(fitted, singles, float(tokens.mean()))
    chosen = policy.choices(held_out.questions)
    return Judged(
        price=policy.price,
        asked_to_keep=keep,
        questions=len(held_out.questions),
        fitted_on=len(fitted.answers.questions),
        router=_point("router", held_out, scores, tokens),
        shares={one: float((chosen == at).mean()) for at, one in enumerate(policy.designs)},
        singles=tuple(
            sorted(
                (_point(one, held_out, *found) for one, found in singles.items()), key=lambda one: one.tokens
            )
        ),
        best=fitted.best,
        kept=_ratio(scores, best_scores),
        token_share=float(tokens.sum() / max(best_tokens.sum(), 1.0)),
        against_best=_difference(held_out, scores, best_scores),
        mixture=mixture,
        against_mixture=_against_mixture(held_out, scores, tokens, mixture, singles),
        affordable=affordable,
        against_affordable=(
            None if affordable is None else _difference(held_out, scores, singles[affordable][0])
        ),
        oracle=_oracle(held_out.singles),
        curve=tuple(
            (price, _point("router", held_out, *routed(fitted.at(price), held_out)))
            for price in fitted.prices
        ),
    )


def routed(policy: Policy, answers: Answers) -> tuple[Array, Array]:
    """Return what a policy scores on each question, and the tokens that it takes: `(questions,)` each."""
    rows = np.array([answers.designs.index(one) for one in policy.designs])
    chosen, columns = rows[policy.choices(answers.questions)], np.arange(len(answers.questions))
    return answers.scores[chosen, columns], answers.tokens[chosen, columns]


def front_of(answers: Answers) -> list[int]:
    """Return the pipelines that no mixture of two others beats on score and tokens, cheapest first.

    That is the upper hull of their points from the cheapest to the best (Andrew's monotone chain, 1979).
    """
    scores, tokens = answers.scores.mean(1), answers.tokens.mean(1)
    hull: list[int] = []
    for one in sorted(range(len(scores)), key=lambda at: (tokens[at], -scores[at])):
        if hull and scores[one] <= scores[hull[-1]]:
            continue
        while len(hull) > 1 and _is_under(hull[-2], hull[-1], one, scores, tokens):
            hull.pop()
        hull.append(one)
    return hull


def _is_under(left: int, middle: int, right: int, scores: Array, tokens: Array) -> bool:
    rise = (scores[right] - scores[left]) * (tokens[middle] - tokens[left])
    return bool((scores[middle] - scores[left]) * (tokens[right] - tokens[left]) <= rise)


def _mixture(
    fitted: Fitted, singles: Mapping[str, tuple[Array, Array]], tokens: float
) -> tuple[str, str, float]:
    """Return the two pipelines of the fitted front between whose tokens the router's lie, and the share of the first.

    Which pipelines are on the front is settled in fitting, as for the router; the coin is the one that takes as many
    tokens on the held-out questions as the router does.
    """
    alone = fitted.answers.singles
    names = [alone.designs[one] for one in front_of(alone)]
    names.sort(key=lambda one: singles[one][1].mean())
    costs = [float(singles[one][1].mean()) for one in names]
    if tokens <= costs[0] or len(names) == 1:
        return names[0], names[0], 1.0
    if tokens >= costs[-1]:
        best = max(names, key=lambda one: alone.scores[alone.designs.index(one)].mean())
        return best, best, 1.0
    upper = next(at for at, cost in enumerate(costs) if cost >= tokens)
    share = (costs[upper] - tokens) / max(costs[upper] - costs[upper - 1], 1e-9)
    return names[upper - 1], names[upper], share


def _against_mixture(
    answers: Answers,
    scores: Array,
    tokens: Array,
    mixture: tuple[str, str, float],
    singles: Mapping[str, tuple[Array, Array]],
) -> Difference:
    """Compare with a mixture of as many tokens; that the router's tokens vary with the questions counts, too."""
    first, second, share = mixture
    (low, low_tokens), (high, high_tokens) = singles[first], singles[second]
    mixed = share * low + (1 - share) * high
    taken = share * low_tokens + (1 - share) * high_tokens
    gap = float(high_tokens.mean() - low_tokens.mean())
    slope = float(high.mean() - low.mean()) / gap if first != second and gap > 0 else 0.0
    return _difference(answers, scores - slope * (tokens - taken), mixed)


def _affordable(fitted: Fitted, singles: Mapping[str, tuple[Array, Array]], tokens: float) -> str | None:
    means = dict(zip(fitted.answers.designs, fitted.answers.scores.mean(1), strict=True))
    cheap = [one for one, (_, taken) in singles.items() if taken.mean() <= tokens]
    return max(cheap, key=lambda one: means[one], default=None)


def _oracle(answers: Answers) -> Point:
    """Return the best answer to every question; of several, the one that took the fewest tokens."""
    columns = range(len(answers.questions))
    order = [int(np.lexsort((answers.tokens[:, at], -answers.scores[:, at].round(9)))[0]) for at in columns]
    picked = np.array(order), np.array(columns)
    return _point("oracle", answers, answers.scores[picked], answers.tokens[picked])


def _ratio(scores: Array, best: Array) -> tuple[float, float, float]:
    """Return the ratio of two paired means with its 95% interval, by the delta method."""
    whole = float(best.mean())
    if whole <= 0:
        return math.nan, math.nan, math.nan
    ratio = float(scores.mean()) / whole
    half = Z * float((scores - ratio * best).std(ddof=1)) / math.sqrt(len(best)) / whole
    return ratio, ratio - half, ratio + half


def _difference(answers: Answers, scores: Array, others: Array) -> Difference:
    found = difference(_cells(answers, scores), _cells(answers, others), {})
    assert found is not None
    return found


def _point(name: str, answers: Answers, scores: Array, tokens: Array) -> Point:
    score = mean_score([found[0] for found in _cells(answers, scores).values()])
    return Point(name, score.value, score.low, score.high, float(tokens.mean()))


def _cells(answers: Answers, scores: Array) -> Cells:
    """Return scores by task, with their items."""
    return {
        task: {0: score_of(scores[_of_task(answers.tasks, task)])} for task in dict.fromkeys(answers.tasks)
    }


def _of_task(tasks: Sequence[str], task: str) -> NDArray[np.bool_]:
    return np.array([one == task for one in tasks])


def _single(answers: Answers, design: str) -> tuple[Array, Array]:
    at = answers.designs.index(design)
    return answers.scores[at], answers.tokens[at]
