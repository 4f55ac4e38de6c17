"""How well one list ranks as another."""

import math

import numpy as np
import pytest
from scipy.stats import rankdata

from agentarch.scoring.correlation import kendall, spearman

BOTH = pytest.mark.parametrize("correlation", [spearman, kendall])


@BOTH
def test_the_same_order_is_1_and_the_other_way_round_minus_1(correlation):
    xs = [3.0, 1.0, 2.0, 10.0]
    assert correlation(xs, [math.exp(x) for x in xs]) == pytest.approx(1)
    assert correlation(xs, [-x for x in xs]) == pytest.approx(-1)


def test_with_ties_they_are_what_their_definitions_say():
    rng = np.random.default_rng(0)
    xs, ys = (rng.integers(0, 6, 40).astype(float) for _ in range(2))
    assert spearman(xs.tolist(), ys.tolist()) == pytest.approx(np.corrcoef(rankdata(xs), rankdata(ys))[0, 1])
    signs = np.sign(xs[:, None] - xs) * np.sign(ys[:, None] - ys)
    untied = [np.count_nonzero(one[:, None] != one) for one in (xs, ys)]
    assert kendall(xs.tolist(), ys.tolist()) == pytest.approx(signs.sum() / math.sqrt(math.prod(untied)))


@BOTH
@pytest.mark.parametrize(
    ("xs", "ys"),
    [
        ([], []),
        ([1.0, 2.0], [1.0, 2.0]),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]),
        ([1.0, 2.0, 3.0], [5.0, 5.0, 5.0]),
        ([1.0, 2.0, math.nan, None], [1.0, 2.0, 3.0, 4.0]),
        ([1.0, 2.0, math.inf], [1.0, 2.0, 3.0]),
        ([1.0, math.nan, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0]),
    ],
)
def test_what_is_not_defined_is_none(xs, ys, correlation):
    assert correlation(xs, ys) is None


@BOTH
def test_pairs_that_lack_a_number_are_left_out(correlation):
    xs, ys = [1.0, math.nan, 2.0, 3.0, 9.0], [1.0, 7.0, 2.0, 3.0, None]
    assert correlation(xs, ys) == pytest.approx(1)


@BOTH
def test_lists_that_cannot_be_paired_are_an_error(correlation):
    with pytest.raises(ValueError, match="paired"):
        correlation([1.0, 2.0, 3.0], [1.0])
