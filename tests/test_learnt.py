"""What training changed goes to the box that predicts as bytes that are counted, and nothing else of training does."""

import pytest
from support.designs import SOUND, network
from support.scoring import evaluate
from support.tiny import LENGTH, Tiny

from agentarch.evaluation import Outcome


class Capped(Tiny):
    """The tiny task with a cap of one's own."""

    def __init__(self, max_parameters):
        super().__init__()
        self._max_parameters = max_parameters

    def spec(self, rung):
        made = super().spec(rung)
        return type(made)(**vars(made) | {"max_parameters": self._max_parameters})


PARAMETERS = 72 + 936 + 78
"""Of the sound design: embedding, GRU, readout."""

WITH_NORM = network(
    build="network.norm = nn.BatchNorm1d(6)",
    forward="y = self.norm(y.transpose(1, 2)).transpose(1, 2)",
)
NORM_PARAMETERS, NORM_VALUES = 12, 2 * (6 + 1) + 2 + 1
"""Of the norm: what is trained; and mean, variance and count (8 bytes), each with its number."""


def test_what_is_counted_is_what_is_trained(executor):
    assert evaluate(SOUND, executor).parameters == PARAMETERS


def test_running_statistics_are_carried_and_counted(executor):
    asks = "if not self.training: assert self.norm.num_batches_tracked.item() == 6"
    source = WITH_NORM.replace("        return y", f"        {asks}\n        return y")
    evaluation = evaluate(source, executor, rung=1)
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    assert evaluation.parameters == PARAMETERS + NORM_PARAMETERS + NORM_VALUES


@pytest.mark.parametrize("is_persistent", [True, False])
def test_tables_that_training_leaves_alone_cost_nothing(is_persistent, executor):
    source = network(
        build=f"network.register_buffer('table', torch.randn(1000, 1000), persistent={is_persistent})",
        forward=f"y = y + self.table[:{LENGTH}, :1]",
    )
    evaluation = evaluate(source, executor)
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    assert evaluation.parameters == PARAMETERS


@pytest.mark.parametrize(
    ("build", "more"),
    [
        ("network.narrow = nn.Parameter(torch.randn(10, dtype=torch.bfloat16))", 10),
        ("network.wide = nn.Parameter(torch.randn(10, dtype=torch.float64))", 20),
        ("network.none = nn.Parameter(torch.randn(0))", 0),
        ("network.one = nn.Parameter(torch.randn(()))", 1),
        ("network.across = nn.Parameter(torch.randn(3, 2).t())", 6),
        ("network.same = network.readout", 0),
        ("network.frozen = nn.Parameter(torch.randn(1000), requires_grad=False)", 0),
    ],
    ids=["half", "double", "empty", "scalar", "transposed", "tied", "frozen"],
)
def test_parameters_of_every_make_are_carried(build, more, executor):
    evaluation = evaluate(network(build=build), executor)
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    assert evaluation.parameters == PARAMETERS + more


def test_the_cap_is_for_what_training_changed_too(executor):
    exactly = PARAMETERS + NORM_PARAMETERS + NORM_VALUES
    assert evaluate(WITH_NORM, executor, task=Capped(exactly)).outcome is Outcome.SCORED
    evaluation = evaluate(WITH_NORM, executor, task=Capped(exactly - 1))
    assert evaluation.outcome is Outcome.INVALID
    assert "learnt 1,115 values of 4 bytes" in evaluation.reason


def test_a_buffer_that_grows_in_training_is_refused_in_plain_words(executor):
    source = network(
        build="network.register_buffer('seen', torch.zeros(0))",
        forward="self.seen = torch.cat([self.seen, y.detach().flatten()[:1]])",
    )
    evaluation = evaluate(source, executor)
    assert evaluation.outcome is Outcome.INVALID
    assert "the size of `seen` changed in training" in evaluation.reason


def test_a_build_that_differs_from_one_time_to_the_next_is_told_so(executor):
    wide = "torch.zeros(int(import_('time').monotonic_ns() // 1000 % 1000) + 1)"
    evaluation = evaluate(network(build=f"network.odd = nn.Parameter({wide})"), executor)
    assert evaluation.outcome is Outcome.INVALID
    assert "`build` made another network" in evaluation.reason


def test_the_wall_time_is_that_of_both_boxes_together(executor):
    waits = "import_('time').sleep(1.2)"
    evaluation = evaluate(network(build=waits), executor, wall_seconds=2)
    assert evaluation.outcome is Outcome.TIMEOUT
    assert "still predicting after 2 s" in evaluation.reason
    assert 2 <= evaluation.cost.wall_seconds < 3


def test_the_cost_is_that_of_both_boxes_together(executor):
    lines = (
        "time = import_('time')\nstart = time.process_time()\nwhile time.process_time() < start + 0.4: pass"
    )
    assert evaluate(network(build=lines), executor).cost.cpu_seconds > 0.8
