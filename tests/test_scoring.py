import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentarch.evaluation import Score
from agentarch.scoring import classification_metrics, mean_score, score_items
from agentarch.task import IGNORED_LABEL


def test_chance_maps_to_zero_and_the_ceiling_to_one():
    assert score_items(np.full(50, 0.5), chance=0.5, ceiling=1.0).value == 0
    assert score_items(np.ones(50), chance=0.5, ceiling=1.0).value == 1


def test_a_metric_to_be_minimised_is_turned_round():
    scored = score_items(np.array([2.0, 4.0]), chance=5.0, ceiling=0.0)
    assert scored.value == pytest.approx(0.4)
    assert scored.low < 0.4 < scored.high


def test_items_that_all_agree_still_leave_doubt():
    scored = score_items(np.ones(100), chance=0.0, ceiling=1.0)
    assert 0.9 < scored.low < 1.0 == scored.value == scored.high


@pytest.mark.parametrize(("positions", "p"), [(1, 0.5), (1, 0.95), (8, 0.3), (24, 0.9)])
def test_the_interval_covers_the_truth_about_19_times_in_20(positions, p):
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(1000):
        scored = score_items(rng.binomial(positions, p, size=60) / positions, chance=0.0, ceiling=1.0)
        hits += scored.low <= p <= scored.high
    assert 920 <= hits <= 980


def test_the_interval_of_correlated_positions_counts_items_not_positions():
    rng = np.random.default_rng(1)
    all_or_nothing = rng.integers(0, 2, 200).astype(float)
    independent = rng.binomial(24, 0.5, 200) / 24
    wide, narrow = (score_items(v, 0.0, 1.0) for v in (all_or_nothing, independent))
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


@pytest.mark.parametrize("values", [[], [np.nan], [0.5, np.inf]])
def test_a_metric_that_is_undefined_gives_no_score(values):
    with pytest.raises(ValueError, match="finite metric"):
        score_items(np.array(values), 0.0, 1.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0, 0.9))
def test_an_interval_always_holds_its_own_value(values, chance):
    scored = score_items(np.array(values), chance, 1.0)
    assert scored.low <= scored.value + 1e-12
    assert scored.value <= scored.high + 1e-12


def test_the_mean_of_two_tasks_is_surer_than_either():
    one = Score(0.4, 0.3, 0.5, n=100)
    mean = mean_score([one, Score(0.8, 0.7, 0.9, n=50)])
    assert mean.value == pytest.approx(0.6)
    assert mean.high - mean.low == pytest.approx(0.2 / 2**0.5)
    assert mean.n == 50
    assert mean_score([one]) == one


def test_only_labelled_positions_count():
    logits = np.zeros((2, 3, 4), np.float32)
    logits[0, 0, 1] = logits[1, 2, 3] = 9
    labels = np.array([[1, IGNORED_LABEL, 2], [IGNORED_LABEL, IGNORED_LABEL, 3]])
    graded = classification_metrics(logits, labels)
    assert list(graded["accuracy"]) == [0.5, 1.0]
    assert graded["cross_entropy"][1] == pytest.approx(0, abs=1e-3)
    assert graded["cross_entropy"][0] == pytest.approx(np.log(4) / 2, abs=1e-3)


def test_an_item_without_any_label_is_an_error_not_a_number():
    with pytest.raises(ValueError, match="item 1 has no label"):
        classification_metrics(np.zeros((2, 2, 3), np.float32), np.array([[0, 1], [IGNORED_LABEL] * 2]))


def test_huge_logits_do_not_overflow():
    graded = classification_metrics(np.array([[3e38, -3e38]], np.float32), np.array([1]))
    assert np.isfinite(graded["cross_entropy"]).all()
