"""Fits a router: every pipeline's chance of being right and its tokens, from what is cheap to know of a question.

Small data, so every model is drawn towards the pipeline's mean, as far as cross-validation says; choices are judged by
models that have not seen the question.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agentarch.errors import AgentarchError
from agentarch.search.routing.choosing import choose, features

Array = NDArray[np.float64]

FOLDS = 5
PENALTIES = (1e6, 1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0)
"""Of a squared weight, for features with variance 1; the first leaves nothing but the mean."""

STEPS = 25
MOST_WORDS, FEWEST_SHARE = 24, 0.05
"""So many words count, and each stands in this share of the questions at least: those that do not are names."""

PRICES = 40
LEAST_USED = 0.02
"""A pipeline that fewer questions go to is not worth its place in the file."""

MARGIN, SURE = 0.4, 1.645
"""In fitting, this share of what may be lost is held back, and no more is lost by so many standard errors (95% of one
side): so what is kept holds on other questions."""


class NothingToRoute(AgentarchError):
    """There are not enough pipelines, or questions, to choose between."""


@dataclass(frozen=True)
class Answers:
    """What several pipelines answered to the same questions.

    Attributes:
        designs: ids of the pipelines.
        questions: their texts.
        tasks: the task of each question.
        scores: `(pipelines, questions)`, mapped as a score is.
        tokens: `(pipelines, questions)`, prompts and answers together.
        said: the answers of each pipeline; empty where nobody asks for them.
        alone: so many of the pipelines, the first, stand by themselves; those after are cascades of them. None for all.
    """

    designs: tuple[str, ...]
    questions: tuple[str, ...]
    tasks: tuple[str, ...]
    scores: Array
    tokens: Array
    said: tuple[tuple[str, ...], ...] = ()
    alone: int | None = None

    @property
    def singles(self) -> Answers:
        """What the pipelines that stand by themselves answered."""
        return replace(
            self,
            designs=self.designs[: self.alone],
            scores=self.scores[: self.alone],
            tokens=self.tokens[: self.alone],
            alone=None,
        )


@dataclass(frozen=True)
class Policy:
    """Which pipeline a question goes to; see `agentarch.search.routing.choosing.choose`.

    Attributes:
        designs: ids of the pipelines that are chosen among.
        words: that are counted in a question.
        right: a row for each pipeline: a constant and a weight for each feature, of the logit of being right.
        tokens: likewise, of the logarithm of the tokens.
        price: of a token, as a share of a right answer.
    """

    designs: tuple[str, ...]
    words: tuple[str, ...]
    right: tuple[tuple[float, ...], ...]
    tokens: tuple[tuple[float, ...], ...]
    price: float

    def choices(self, questions: Sequence[str]) -> NDArray[np.intp]:
        """Return, for each question, the number in `designs` of the pipeline that it goes to."""
        chosen = [choose(one, self.words, self.right, self.tokens, self.price) for one in questions]
        return np.array(chosen, dtype=np.intp)

    def among(self, designs: Sequence[str]) -> Policy:
        """Return the policy that chooses among some of the pipelines only."""
        at = [self.designs.index(one) for one in designs]
        right, tokens = tuple(self.right[one] for one in at), tuple(self.tokens[one] for one in at)
        return replace(self, designs=tuple(designs), right=right, tokens=tokens)


@dataclass(frozen=True)
class Fitted:
    """A router before it is known what a token is worth.

    Attributes:
        whole: the policy over all pipelines, at no price.
        best: id of the single pipeline with the highest score; of two, the cheaper.
        prices: that are tried, from none to the highest that makes a difference.
        answers: it was fitted on.
        chances: of being right, `(pipelines, questions)`, by models that have not seen the question.
        sizes: tokens, likewise.
    """

    whole: Policy
    best: str
    prices: tuple[float, ...]
    answers: Answers
    chances: Array
    sizes: Array

    def at(self, price: float) -> Policy:
        """Return the policy at a price, over the pipelines that are worth their place then."""
        chosen = (self.chances - price * self.sizes).argmax(0)
        shares = np.bincount(chosen, minlength=len(self.answers.designs)) / len(chosen)
        used = [one for one, share in zip(self.answers.designs, shares, strict=True) if share >= LEAST_USED]
        return replace(self.whole.among(used), price=price)

    def expected(self, price: float) -> tuple[Array, Array]:
        """Return score and tokens of each question at a price, `(questions,)` each, by models that have not seen it."""
        at = [self.answers.designs.index(one) for one in self.at(price).designs]
        chosen = np.array(at)[(self.chances[at] - price * self.sizes[at]).argmax(0)]
        columns = np.arange(len(chosen))
        return self.answers.scores[chosen, columns], self.answers.tokens[chosen, columns]

    def policy_that_keeps(self, share: float) -> Policy:
        """Return the policy that keeps a share of the best pipeline's score for the fewest tokens.

        It may ask one pipeline always: a cheaper one that keeps as much, or, where nothing does, the best. See `MARGIN`
        and `SURE` for what is held back.
        """
        singles = zip(self.answers.designs, self.answers.scores, self.answers.tokens, strict=True)
        ways = [(scores, tokens, self.whole.among([one])) for one, scores, tokens in singles]
        ways += [(*self.expected(price), self.at(price)) for price in self.prices]
        best = self.answers.scores[self.answers.designs.index(self.best)]
        aim = share + MARGIN * (1 - share)
        keeping = {self.whole.among([self.best]): self.tokens_of(self.best)}
        for scores, tokens, policy in ways:
            left = scores - share * best
            error = float(left.std(ddof=1)) / np.sqrt(len(left))
            if scores.mean() >= aim * best.mean() and left.mean() >= SURE * error:
                keeping.setdefault(policy, float(tokens.mean()))
        return min(keeping, key=lambda one: keeping[one])

    def tokens_of(self, design: str) -> float:
        """Return the tokens of a pipeline, a question."""
        return float(self.answers.tokens[self.answers.designs.index(design)].mean())


def fit(answers: Answers) -> Fitted:
    """Fit a router.

    Raises:
        NothingToRoute: there are fewer than two pipelines, or too few questions.
    """
    count = len(answers.questions)
    if len(answers.singles.designs) < 2:
        raise NothingToRoute("there is one pipeline only, so there is nothing to choose between")
    if count < 10 * FOLDS:
        raise NothingToRoute(
            f"a router needs {10 * FOLDS} questions at least to be fitted on, and has {count}"
        )
    words = telling_words(answers.questions)
    known = np.array([features(one, words) for one in answers.questions])
    centre, spread = known.mean(0), known.std(0)
    spread[spread < 1e-9] = np.inf  # a feature that never varies says nothing
    known = (known - centre) / spread
    low, high = answers.scores.min(), answers.scores.max()
    right = (answers.scores - low) / max(high - low, 1e-9)
    sizes = np.log(np.maximum(answers.tokens, 1.0))
    fold = np.random.default_rng(0).permutation(count) % FOLDS
    of_right, of_sizes, chances, tokens = [], [], [], []
    for one in range(len(answers.designs)):
        weights, logits = _fitted(known, right[one], fold, is_logistic=True)
        of_right.append(_plain(weights, centre, spread))
        chances.append(_logistic(logits))
        weights, logs = _fitted(known, sizes[one], fold, is_logistic=False)
        # The mean of what is exponentiated is not the exponent of the mean (Duan, "Smearing estimate", 1983).
        smear = np.log(answers.tokens[one].sum() / np.exp(logs).sum()) if answers.tokens[one].sum() else 0.0
        weights[0] += smear
        of_sizes.append(_plain(weights, centre, spread))
        tokens.append(np.exp(logs + smear))
    whole = Policy(answers.designs, words, tuple(of_right), tuple(of_sizes), 0.0)
    means, costs = answers.scores.mean(1), answers.tokens.mean(1)
    best = min(range(len(answers.singles.designs)), key=lambda one: (-means[one], costs[one]))
    highest = 10.0 / max(float(costs[costs > 0].min(initial=np.inf)), 1e-9)
    prices = (0.0, *np.geomspace(0.01 / max(costs.max(), 1.0), highest, PRICES - 1).tolist())
    return Fitted(
        whole, answers.designs[best], tuple(map(_short, prices)), answers, np.array(chances), np.array(tokens)
    )


def telling_words(questions: Sequence[str]) -> tuple[str, ...]:
    """Return the words that tell questions apart: in many of them, and not alike in all; names are in few."""
    counts = [Counter(one.lower() for one in re.findall(r"[^\W\d_]+", text)) for text in questions]
    standing = Counter(word for one in counts for word in one)
    spread = {
        word: float(np.std([min(one[word], 4) for one in counts]))
        for word, number in standing.items()
        if number >= FEWEST_SHARE * len(questions)
    }
    telling = sorted((word for word in spread if spread[word] > 0), key=lambda word: (-spread[word], word))
    return tuple(telling[:MOST_WORDS])


def _fitted(known: Array, target: Array, fold: NDArray[np.intp], is_logistic: bool) -> tuple[Array, Array]:
    """Return weights, the constant first, at the penalty that cross-validation finds best, and what that predicted.

    Args:
        known: features, `(questions, features)`, with mean 0 and variance 1.
        target: `(questions,)`; from 0 to 1 where the model is logistic.
        fold: of each question.
        is_logistic: whether the logit of the target is modelled, and not the target itself.
    """
    solve = _logistic_weights if is_logistic else _linear_weights
    tried = []
    for penalty in PENALTIES:
        predicted = np.empty(len(target))
        for one in range(FOLDS):
            held = fold == one
            predicted[held] = _predicted(known[held], solve(known[~held], target[~held], penalty))
        tried.append((_loss(predicted, target, is_logistic), penalty, predicted))
    _, penalty, predicted = min(tried, key=lambda one: one[0])
    return solve(known, target, penalty), predicted


def _logistic_weights(known: Array, target: Array, penalty: float) -> Array:
    """Return ridge-logistic weights by Newton's method (le Cessie & van Houwelingen 1992); the constant is free."""
    design = np.column_stack([np.ones(len(known)), known])
    ridge = np.diag(
        [1e-3, *[penalty] * known.shape[1]]
    )  # a trace on the constant, for targets that are all alike
    weights = np.zeros(design.shape[1])
    for _ in range(STEPS):
        chance = _logistic(design @ weights)
        slope = design.T @ (chance - target) + ridge @ weights
        curve = design.T @ (design * (chance * (1 - chance))[:, None]) + ridge
        step = np.linalg.solve(curve, slope)
        weights -= np.clip(step, -4.0, 4.0)
        if np.abs(step).max() < 1e-6:
            break
    return weights


def _linear_weights(known: Array, target: Array, penalty: float) -> Array:
    """Return ridge weights (Hoerl & Kennard 1970); the constant is free."""
    mean = target.mean()
    curve = known.T @ known + penalty * np.eye(known.shape[1])
    slopes = np.linalg.solve(curve, known.T @ (target - mean))
    return np.array([mean - known.mean(0) @ slopes, *slopes])


def _predicted(known: Array, weights: Array) -> Array:
    return np.asarray(weights[0] + known @ weights[1:])


def _logistic(logits: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0))))


def _loss(predicted: Array, target: Array, is_logistic: bool) -> float:
    """Return the mean cross-entropy of logits, or the mean squared error."""
    if not is_logistic:
        return float(((predicted - target) ** 2).mean())
    return float((np.logaddexp(0.0, predicted) - target * predicted).mean())


def _plain(weights: Array, centre: Array, spread: Array) -> tuple[float, ...]:
    """Return weights of features as they are, in few digits; the constant first."""
    slopes = weights[1:] / spread
    return tuple(map(_short, [weights[0] - slopes @ centre, *slopes]))


def _short(number: float) -> float:
    """Return a number as it is written out: six digits of it."""
    return float(f"{number:.6g}")
