import random
import statistics

import pytest
from scipy import stats

from agentarch.evaluation import Score
from agentarch.scoring import NoisePool, Variance, cells_score, difference
from agentarch.scoring.evidence import t_quantile
from agentarch.scoring.selection import judge


def cells(**tasks):
    """Make the scores of a design: by task, one for each training seed."""
    return {
        task: {seed: Score(value, value - 0.03, value + 0.03, 256) for seed, value in enumerate(values)}
        for task, values in tasks.items()
    }


def drawn(rng, mean, noise, tasks, seeds):
    return cells(**{task: [rng.gauss(mean, noise) for _ in range(seeds)] for task in tasks})


@pytest.mark.parametrize("freedom", [3, 4, 6, 10, 40, 1000])
@pytest.mark.parametrize("probability", [0.6, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999])
def test_quantiles_are_those_of_students_distribution(freedom, probability):
    assert t_quantile(probability, freedom) == pytest.approx(stats.t.ppf(probability, freedom), rel=0.03)


def test_a_difference_is_the_mean_over_tasks_of_the_mean_over_seeds_that_both_have_had():
    one, other = cells(a=[0.5, 0.7, 0.9], b=[0.4]), cells(a=[0.4, 0.4], b=[0.2])
    found = difference(one, other, {})
    assert found.value == pytest.approx(((0.1 + 0.3) / 2 + 0.2) / 2)
    assert found.n == 3
    assert found.low < found.value < found.high


@pytest.mark.parametrize(
    "other",
    [
        cells(a=[0.4]),
        cells(a=[0.4], b=[0.4], c=[0.4]),
        {"a": {0: Score(1, 1, 1, 1)}, "b": {7: Score(1, 1, 1, 1)}},
        {},
    ],
)
def test_designs_with_no_seed_in_common_on_some_task_are_not_compared(other):
    assert difference(cells(a=[0.5], b=[0.5]), other, {}) is None


def test_pairing_sees_through_what_a_seed_does_to_both():
    luck = [-0.3, 0.1, 0.25, -0.05]
    one, other = cells(a=[0.5 + x for x in luck]), cells(a=[0.45 + x for x in luck])
    assert difference(one, other, {"a": Variance(1e-6, 50)}).is_positive


def test_with_one_seed_the_noise_of_other_designs_decides():
    one, other = cells(a=[0.6]), cells(a=[0.5])
    assert difference(one, other, {"a": Variance(0.01**2, 20)}).is_positive
    assert not difference(one, other, {"a": Variance(0.2**2, 20)}).is_positive


def test_two_seeds_that_agree_by_luck_are_not_taken_for_certainty():
    one, other = cells(a=[0.52, 0.52]), cells(a=[0.5, 0.5])
    assert not difference(one, other, {"a": Variance(0.1**2, 40)}).is_positive


@pytest.mark.parametrize(("tasks", "seeds"), [("a", 3), ("ab", 3), ("abcdefgh", 1), ("abcdefgh", 5)])
def test_of_95_percent_intervals_19_in_20_hold_the_truth(tasks, seeds):
    rng = random.Random(0)
    held = 0
    for _ in range(800):
        pool = NoisePool()
        for number in range(4):
            pool.put(str(number), drawn(rng, 0.5, 0.1, tasks, 3))
        one, other = (drawn(rng, mean, 0.1, tasks, seeds) for mean in (0.6, 0.5))
        found = difference(one, other, pool.noise)
        held += found.low <= 0.1 <= found.high
    assert 0.93 <= held / 800 <= 0.985


def test_noise_is_pooled_over_designs_with_several_seeds_and_unknown_before_it_can_be():
    pool, values = NoisePool(), {"x": [0.1, 0.3], "y": [0.5, 0.9, 0.7], "z": [0.2]}
    pool.put("x", cells(a=values["x"]))
    pool.put("z", cells(a=values["z"]))
    assert pool.noise == {}
    pool.put("y", cells(a=[0.0, 1.0]))
    pool.put("y", cells(a=values["y"]))  # in place of what it had before
    expected = (statistics.variance(values["x"]) + 2 * statistics.variance(values["y"])) / 3
    assert pool.noise["a"].value == pytest.approx(expected)
    assert pool.noise["a"].freedom == 3
    pool.put("w", cells(a=[0.3, 0.4, 0.5, 0.6]))
    assert pool.without("w")["a"].value == pytest.approx(expected)
    assert pool.without("x", "y")["a"].value == pytest.approx(statistics.variance([0.3, 0.4, 0.5, 0.6]))
    assert pool.without("x", "w", "nobody") == {}  # two degrees of freedom are too few


def test_the_interval_of_a_score_widens_to_the_spread_of_seeds_once_that_is_known():
    found = cells(a=[0.5], b=[0.4])
    narrow = cells_score(found, {})
    wide = cells_score(found, {task: Variance(0.2**2, 10) for task in "ab"})
    assert narrow.value == wide.value == pytest.approx(0.45)
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)
    assert wide.high <= 1


def test_a_score_averages_tasks_whatever_the_number_of_their_seeds():
    assert cells_score(cells(a=[0.1, 0.1, 0.1], b=[0.7]), {}).value == pytest.approx(0.4)


def test_a_finalist_wins_only_if_it_beats_every_control():
    strong, middling, weak = (
        cells(a=[0.9] * 4, b=[0.9] * 4),
        cells(a=[0.6] * 4, b=[0.6] * 4),
        cells(a=[0.1] * 4, b=[0.1] * 4),
    )
    won = judge({"f": strong}, {"seed": weak, "random": middling})
    assert won.is_won
    assert (won.leader, won.control, won.difference.value) == ("f", "random", pytest.approx(0.3))
    lost = judge({"f": middling, "g": weak}, {"seed": weak, "random": strong})
    assert not lost.is_won
    assert (lost.leader, lost.control) == ("f", "random")
    assert {name: one.is_positive for name, one in lost.against.items()} == {"seed": True, "random": False}
    assert lost.against["random"] == lost.difference


@pytest.mark.parametrize(
    ("contenders", "tasks", "noise_of_controls"),
    [(1, "ab", 0.05), (3, "ab", 0.05), (1, "a", 0.05), (1, "a", 0.0001), (3, "a", 0.005)],
)
def test_equal_designs_win_one_time_in_40_also_where_they_are_not_equally_noisy(
    contenders, tasks, noise_of_controls
):
    rng, runs, won = random.Random(contenders), 1500, 0
    for _ in range(runs):
        finalists = {f"f{n}": drawn(rng, 0.5, 0.05, tasks, 3) for n in range(contenders)}
        controls = {
            f"c{n}": drawn(rng, 0.5 - 0.4 * (n > 0), noise_of_controls, tasks, 3) for n in range(contenders)
        }
        won += judge(finalists, controls).is_won
    assert won / runs <= 0.025 + 2.5 * (0.025 * 0.975 / runs) ** 0.5


def test_the_margin_widens_with_the_number_of_finalists_that_were_tried():
    rng = random.Random(3)
    control = {"seed": drawn(rng, 0.5, 0.05, "ab", 4)}
    best = drawn(rng, 0.7, 0.05, "ab", 4)
    others = {str(n): drawn(rng, 0.2, 0.05, "ab", 4) for n in range(9)}
    alone, among = judge({"best": best}, control), judge({"best": best, **others}, control)
    assert among.leader == "best"
    assert among.finalists == 10
    assert among.difference.low < alone.difference.low


def test_nothing_is_judged_without_a_control_to_compare_with():
    assert judge({"f": cells(a=[0.5])}, {}) is None
    assert judge({}, {"seed": cells(a=[0.5])}) is None
    assert judge({"f": cells(a=[0.5])}, {"seed": cells(b=[0.5])}) is None
