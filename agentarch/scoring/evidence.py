"""How sure one can be that one design is better than another, from the training seeds that both have had.

The unit of evidence is a training seed on a task: it draws the data, the initial weights and the order of items anew,
so that its spread holds everything that chance adds to a score. Knows no design, no run and no store.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

from agentarch.evaluation import Cells, Score
from agentarch.scoring.intervals import Z, mean_score

PRIOR_FREEDOM = 4.0
"""For how many degrees of freedom the noise of other designs counts at most, beside a design's own."""

FEWEST_FREEDOM = 3.0
"""Noise known less well than this is not used."""

LEVEL = 0.95
"""Of every interval, unless another is asked for."""


@dataclass(frozen=True)
class Variance:
    """An estimated variance.

    Attributes:
        value: of one training seed's score about the mean of its design on one task.
        freedom: degrees of freedom behind it.
    """

    value: float
    freedom: float


Noise = Mapping[str, Variance]
"""By task: how much scores of one design vary between training seeds, pooled over designs; a task may be missing."""


@dataclass(frozen=True)
class Difference:
    """How much better one design scored than another, paired over tasks and training seeds.

    Attributes:
        value: mean over tasks of the mean over seeds.
        low: lower end of the interval.
        high: upper end of the interval.
        n: pairs behind it, of items or of training seeds.
        standard_error: of `value`.
        freedom: degrees of freedom of the interval.
    """

    value: float
    low: float
    high: float
    n: int
    standard_error: float
    freedom: float

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"

    @property
    def is_positive(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.low > 0

    def at(self, level: float) -> Difference:
        """Return the same difference with an interval of another level."""
        half = t_quantile((1 + level) / 2, self.freedom) * self.standard_error
        return Difference(
            self.value, self.value - half, self.value + half, self.n, self.standard_error, self.freedom
        )


def difference(one: Cells, other: Cells, noise: Noise, level: float = LEVEL) -> Difference | None:
    """Compare two designs on the same tasks over the training seeds that both have had.

    Differences are averaged over seeds within a task and then over tasks, so that no task weighs more for having more
    seeds. Where scores come with their items, their variance within a task is that of the items. Elsewhere it is the
    pair's own, moderated by that of all designs (empirical Bayes: Smyth, "Linear models and empirical Bayes methods",
    2004), which stands in alone where the pair has one seed. Tasks are strata; their variances are combined by
    Satterthwaite's formula.

    Args:
        one: its scores, by task and seed.
        other: what it is compared with.
        noise: of single scores; where a task is missing, the intervals of the scores stand in; with no degree of
            freedom it says nothing, and the pair's own spread stands alone.
        level: of the interval.

    Returns:
        The difference, or None when a task has no seed in common, or one and nothing is known of noise.
    """
    values, shares, squares = [], [], 0.0
    n = 0
    for task in one.keys() & other.keys():
        seeds = one[task].keys() & other[task].keys()
        if not seeds:
            return None
        paired = _by_item([(one[task][seed], other[task][seed]) for seed in sorted(seeds)])
        if paired is not None:
            values.append(paired.value)
            shares.append(paired.share)
            squares += paired.share**2 / paired.freedom
            n += paired.items
            continue
        found = [one[task][seed].value - other[task][seed].value for seed in seeds]
        prior = noise.get(task) or _of_items([*one[task].values(), *other[task].values()])
        if len(found) < 2 and not prior.freedom:
            return None
        variance = _moderated(found, Variance(2 * prior.value, prior.freedom))
        share = variance.value / len(found)
        values.append(sum(found) / len(found))
        shares.append(share)
        squares += share**2 / variance.freedom
        n += len(found)
    if not values or one.keys() != other.keys():
        return None
    total = sum(shares)
    freedom = total**2 / squares if squares > 0 else math.inf
    error = math.sqrt(total) / len(values)
    value = sum(values) / len(values)
    half = t_quantile((1 + level) / 2, freedom) * error
    return Difference(value, value - half, value + half, n, error, freedom)


@dataclass(frozen=True)
class _Paired:
    """A difference on one task, from items that both have had."""

    value: float
    share: float
    freedom: float
    items: int


def _by_item(scores: Sequence[tuple[Score, Score]]) -> _Paired | None:
    """Compare two designs item by item, seed by seed; None where some score has no items, or not as many.

    Items are drawn independently, and chance in a design's own doing differs from one to the next, so their spread
    holds all there is. Seeds weigh alike. Where no item tells the two apart, one that did stands in for the spread.
    """
    value = share = 0.0
    freedom = items = 0
    for mine, others in scores:
        count = len(mine.items)
        if count < 2 or count != len(others.items):
            return None
        found = [a - b for a, b in zip(mine.items, others.items, strict=True)]
        mean = math.fsum(found) / count
        spread = max(math.fsum((one - mean) ** 2 for one in found), 1 - 1 / count)
        value += mean / len(scores)
        share += spread / (count - 1) / count / len(scores) ** 2
        freedom += count - 1
        items += count
    return _Paired(value, share, float(freedom), items)


def cells_score(cells: Cells, noise: Noise) -> Score:
    """Return a design's score over tasks: the mean over tasks of the mean over seeds, with its 95% interval.

    Its `n` counts training runs.

    Where it is known how much seeds add to the spread of items, the interval covers both; before that, items only.

    Raises:
        ValueError: there are no scores.
    """
    by_task = [mean_score(list(found.values())) for found in cells.values()]
    score = replace(mean_score(by_task), n=sum(len(found) for found in cells.values()))
    if not all(task in noise for task in cells):
        return score
    total = squares = 0.0
    for task, found in cells.items():
        scores = list(found.values())
        spread = _moderated([one.value for one in scores], noise[task])
        share = max(spread.value, _of_items(scores).value) / len(scores)
        total += share
        squares += share**2 / spread.freedom
    half = t_quantile((1 + LEVEL) / 2, total**2 / squares) * math.sqrt(total) / len(cells) if total else 0.0
    high = max(score.value, min(score.value + half, 1.0))
    return replace(score, low=score.value - half, high=high)


class NoisePool:
    """How much scores vary between seeds of one design, pooled over the designs that have had several."""

    def __init__(self) -> None:
        self._shares: dict[tuple[str, str], tuple[float, int]] = {}
        self._sums: dict[str, tuple[float, int]] = {}

    def put(self, design_id: str, cells: Cells) -> None:
        """Take in all scores of a design, in place of those it had before."""
        for task, found in cells.items():
            values = [score.value for score in found.values() if score.n]  # a failure says nothing of noise
            if len(values) < 2:
                continue
            squares, freedom = _squares(values), len(values) - 1
            old_squares, old_freedom = self._shares.get((design_id, task), (0.0, 0))
            total, free = self._sums.get(task, (0.0, 0))
            self._sums[task] = total + squares - old_squares, free + freedom - old_freedom
            self._shares[design_id, task] = squares, freedom

    @property
    def noise(self) -> dict[str, Variance]:
        """What is known, by task; tasks where that is too little are left out."""
        return self.without()

    def without(self, *design_ids: str) -> dict[str, Variance]:
        """Return what is known from other designs than these: a pair's own spread is not to vouch for itself twice."""
        found = {}
        for task, (squares, freedom) in self._sums.items():
            shares = [self._shares.get((name, task), (0.0, 0)) for name in design_ids]
            left = freedom - sum(free for _, free in shares)
            if left >= FEWEST_FREEDOM:
                found[task] = Variance(max(0.0, squares - sum(own for own, _ in shares)) / left, left)
        return found


def t_quantile(probability: float, freedom: float) -> float:
    """Return a quantile of Student's distribution, to 3% of itself from 3 degrees of freedom and up to 99.9%.

    By its expansion about the normal quantile (Abramowitz & Stegun 1964, 26.7.5), because a library for it takes half a
    second to import, and every command that reads a run would wait for it.
    """
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, start=1))


def _moderated(values: list[float], prior: Variance) -> Variance:
    """Return the variance of one value, weighing that of these values with that of others."""
    own, weight = len(values) - 1, min(prior.freedom, PRIOR_FREEDOM)
    squares = _squares(values)
    if not own or squares <= own * prior.value:
        return Variance((weight * prior.value + squares) / (weight + own), weight + own)
    # Designs differ in how noisy they are. A pair that is seen to vary more than others is taken at its word, and the
    # more it does the less the others say of it.
    return Variance(squares / own, own + weight * own * prior.value / squares)


def _squares(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values)


def _of_items(scores: list[Score]) -> Variance:
    """Return the variance that the choice of items alone gives a score, from the intervals of scores."""
    halves = [(score.high - score.low) / (2 * Z) for score in scores if score.n] or [0.0]
    return Variance(sum(half**2 for half in halves) / len(halves), PRIOR_FREEDOM)
