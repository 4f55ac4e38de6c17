"""Training ends early only for a run that has diverged or cannot learn; whoever learns late is left to it."""

from dataclasses import replace

import pytest
from support.designs import network
from support.scoring import evaluate
from support.tiny import Tiny

from agentarch.evaluation import Outcome

STEPS = 40
COUNTING = "self.step = getattr(self, 'step', 0) + self.training\n"


class Longer(Tiny):
    """The tiny task with steps enough to diverge in."""

    name = "longer"

    def __init__(self):
        super().__init__()
        self.rungs = tuple(replace(rung, steps=STEPS) for rung in self.rungs)


def trained(executor, forward="", build=""):
    return evaluate(network(forward=forward, build=build), executor, task=Longer())


def test_a_run_that_has_diverged_ends_as_invalid_with_the_reason(executor):
    evaluation = trained(executor, COUNTING + "if self.step > 10: y = y * 1e4")
    assert evaluation.outcome is Outcome.INVALID
    assert evaluation.reason.startswith("training diverged: the loss was above ")
    assert f"up to step 20 of {STEPS}" in evaluation.reason


def test_a_loss_that_is_high_for_a_while_is_forgiven(executor):
    evaluation = trained(executor, COUNTING + "if self.training and 10 < self.step <= 19: y = y * 1e4")
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    assert "stopped_at_step" not in evaluation.report


def test_a_loss_that_begins_high_and_stays_there_has_not_diverged(executor):
    evaluation = trained(executor, "y = y * 1e4")
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason


@pytest.mark.parametrize("forward", ["y = y.detach()", "y = y * 0", "y = y.clamp(100, 101)"])
def test_a_run_without_any_gradient_is_stopped_and_predicts_with_what_there_is(forward, executor):
    evaluation = trained(executor, forward)
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    assert evaluation.report["stopped_at_step"] == STEPS / 4
    assert len(evaluation.report["losses"]) > 1


@pytest.mark.parametrize(
    "forward",
    [
        "",
        "y = y * 1e-6",  # learns next to nothing, but something
        COUNTING + "if self.training and self.step < 10: y = y * 0",  # wakes up
        COUNTING + "if self.training and self.step > 1: y = y * 0",  # fell asleep
    ],
)
def test_a_run_that_ever_had_a_gradient_goes_on_to_its_end(forward, executor):
    evaluation = trained(executor, forward)
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    assert "stopped_at_step" not in evaluation.report


def test_a_claim_of_having_stopped_that_is_no_number_is_not_kept(executor):
    forging = network(
        top="network_ = import_('network')\nlearn = network_._learn",
        build="""
        def lie(*given):
            said, data = learn(*given)
            return {**said, "stopped_at_step": "never"}, data
        network_._learn = lie
        """,
    )
    evaluation = evaluate(forging, executor, task=Longer())
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    assert "stopped_at_step" not in evaluation.report
