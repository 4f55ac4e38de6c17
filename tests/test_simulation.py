"""What a run declares when the truth is known: no winner where there is none, the better design where there is one."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial

import pytest
from support.tiny import Tiny

from agentarch.cli.simulating import Asked, setting_of
from agentarch.search.simulation import Setting, residuals_of, simulate

RUNS, FEWER_RUNS, DESIGNS, BETTER = 200, 60, 30, 0.05


@pytest.fixture(scope="module")
def simulated():
    """Simulate runs on several cores."""
    with ProcessPoolExecutor() as pool:
        yield lambda setting, runs: list(pool.map(partial(simulate, setting), range(runs), chunksize=10))


@pytest.mark.slow
def test_of_200_runs_of_equal_designs_at_most_one_in_twenty_declares_a_winner(simulated):
    found = simulated(setting_of(Asked("standard", RUNS, DESIGNS, BETTER, None, 0), better=0.0), RUNS)
    assert sum(one.is_won for one in found) <= RUNS / 20
    assert all(one.sentence.startswith("Nothing beat the control") for one in found if not one.is_won)


@pytest.mark.slow
def test_of_60_runs_with_a_design_that_is_a_twentieth_better_four_in_five_find_it(simulated):
    asked = Asked("standard", FEWER_RUNS, DESIGNS, BETTER, None, 0)
    found = simulated(setting_of(asked, better=BETTER), FEWER_RUNS)
    assert sum(one.is_right for one in found) >= 0.8 * FEWER_RUNS


def test_without_noise_the_better_design_is_always_found_and_nothing_else_is():
    quiet = {("tiny", rung): [[0.0]] for rung in (1, 2)}
    for seed in range(5):
        found = simulate(Setting([Tiny()], quiet, 9, 0.2, 200, 3), seed)
        assert (found.is_won, found.is_right) == (True, True)
        assert not simulate(Setting([Tiny()], quiet, 9, 0.0, 200, 3), seed).is_won


def test_noise_that_drowns_everything_gives_no_winner():
    rng_like = [[-0.9, 0.8, 0.1, -0.4, 0.4, 0.9, -0.7, -0.2]]
    loud = {("tiny", rung): rng_like for rung in (1, 2)}
    won = sum(simulate(Setting([Tiny()], loud, 9, 0.02, 200, 3), seed).is_won for seed in range(40))
    assert won <= 4


def test_residuals_have_the_spread_that_was_measured():
    (found,) = residuals_of([("a", 1, "x", 0.4), ("a", 1, "x", 0.6), ("a", 1, "y", 0.9)]).values()
    assert len(found) == 1  # a design with one seed says nothing of noise
    assert sum(value**2 for value in found[0]) / 2 == pytest.approx(0.02)


def test_a_simulation_is_repeatable_and_keeps_to_its_budget():
    noise = {("tiny", rung): [[-0.1, 0.0, 0.1]] for rung in (1, 2)}
    setting = Setting([Tiny()], noise, 12, 0.05, 100, 3)
    assert simulate(setting, 7) == simulate(setting, 7)
    assert simulate(setting, 7).evaluations <= 100
