"""Zero-cost scores are what their papers say, are absent where they are not defined, and break nothing."""

import json
import math
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from support.designs import SOUND, network
from support.scoring import evaluate
from support.tiny import Tiny

from agentarch.evaluation import Outcome

SANDBOX = Path(__file__).parent.parent / "sandbox"
GRADIENT, JACOBIAN, SYNFLOW = (
    "zero_cost_gradient_norm",
    "zero_cost_jacobian_covariance",
    "zero_cost_synflow",
)
ALL = {GRADIENT, JACOBIAN, SYNFLOW}


BESIDE_A_DESIGN = """
import json, math, os, sys, types
sys.path.insert(0, sys.argv[1])
import torch, torch._dynamo, zero_cost
from torch import nn
spec = types.SimpleNamespace(kind="series", input_shape=(5, 3), vocab_size=None, n_outputs=4, output="per_position")
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        torch.manual_seed(0)
        exec(json.loads(line), globals())
        print(json.dumps(found), flush=True)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:  # it said why on the standard error stream
        print("null", flush=True)
"""
"""Runs lines with the sandbox's modules, each in a process of its own; torch is loaded once for all."""


@pytest.fixture(scope="module")
def beside_a_design():
    """Return a function that runs lines beside the sandbox's modules and returns what they set `found` to."""
    with subprocess.Popen(
        [sys.executable, "-c", BESIDE_A_DESIGN, str(SANDBOX)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:

        def run(lines):
            print(json.dumps(dedent(lines)), file=server.stdin, flush=True)
            return json.loads(server.stdout.readline())

        yield run
        server.stdin.close()


# What they are.


def test_synaptic_flow_of_a_stack_of_matrices_is_their_product_in_absolute_values(beside_a_design):
    flow, expected = beside_a_design("""
    first, second = nn.Linear(3, 8, bias=False), nn.Linear(8, 4, bias=False)
    through = second.weight.abs() @ first.weight.abs() @ torch.ones(3)
    expected = math.log(2 * 5 * through.sum().item())  # two layers, five positions
    found = zero_cost.synaptic_flow(nn.Sequential(first, nn.LayerNorm(8), second), spec), expected
    """)
    assert flow == pytest.approx(expected, rel=1e-5)


def test_inputs_that_all_look_alike_to_a_network_have_the_least_jacobian_covariance(beside_a_design):
    linear, curved = beside_a_design("""
    inputs = torch.randn(16, 5, 3)
    linear, curved = nn.Linear(3, 4), nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 4))
    found = [zero_cost.jacobian_covariance(one, inputs) for one in (linear, curved)]
    """)
    k = 1e-5
    alike = -(math.log(16 + k) + 1 / (16 + k) + 15 * (math.log(k) + 1 / k))
    assert linear == pytest.approx(alike, rel=1e-3)
    assert linear < curved < 0


def test_gradient_norm_is_the_sum_of_the_norms_of_each_parameter(beside_a_design):
    found, expected = beside_a_design("""
    inputs, labels = torch.randn(16, 5, 3), torch.randint(0, 4, (16, 5))
    network = nn.Linear(3, 4)
    value = zero_cost.gradient_norm(network, inputs, labels, spec)
    shares = network(inputs).softmax(-1) - nn.functional.one_hot(labels, 4)
    expected = torch.einsum("blc,bli->ci", shares, inputs).norm() / 80 + shares.sum((0, 1)).norm() / 80
    found = value, expected.item()
    """)
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("made", "flops"),
    [
        ("nn.Linear(8, 8)", 2 * 10 * 8 * 8),
        ("nn.Conv1d(10, 10, 3, padding=1)", 2 * 8 * 10 * 10 * 3),
        ("nn.GRU(8, 8, batch_first=True)", 2 * 10 * (8 * 24 * 2)),
        ("nn.LSTM(8, 8, batch_first=True)", 2 * 10 * (8 * 32 * 2)),
        (
            "nn.MultiheadAttention(8, 2, batch_first=True)",
            2 * 10 * 8 * 8 * 4 + 2 * 2 * 10 * 10 * 8,
        ),
        (
            "nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)",
            2 * 10 * 8 * (8 * 4 + 32) + 4 * 10 * 10 * 8,
        ),
        ("Dot()", 2 * 2 * 10 * 10 * 8),
    ],
)
def test_every_product_of_a_forward_pass_is_counted_whatever_kernel_does_it(made, flops, beside_a_design):
    assert (
        beside_a_design(f"""
    class Dot(nn.Module):
        def forward(self, x):
            return nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True)

    made = {made}
    inputs = 3 if isinstance(made, nn.MultiheadAttention) else 1
    network = nn.Module()
    network.forward = lambda x: made(*[x] * inputs)
    found = zero_cost.flops_per_item(network, torch.randn(6, 10, 8))
    """)
        == flops
    )


# Where they are absent.

NO_EMBEDDING = """
import torch
from torch import nn
from torch.nn.functional import one_hot

class Network(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.vocab = spec.vocab_size
        self.readout = nn.Linear(spec.vocab_size, spec.n_outputs)

    def forward(self, x):
        return self.readout(one_hot(x, self.vocab).float())

def build(spec):
    return Network(spec)
"""
NO_PARAMETERS = """
import torch
from torch import nn

class Network(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.register_buffer("table", torch.randn(spec.vocab_size, spec.n_outputs))

    def forward(self, x):
        return self.table[x]

def build(spec):
    return Network(spec)
"""
NORMALISED = network(
    build="network.norm = nn.BatchNorm1d(8)",
    forward="y = self.norm(y)",
)
COUNTING = network(
    build="network.register_buffer('seen', torch.zeros(3, dtype=torch.int64))",
    forward="self.seen += 1",
)
NO_COPY = network(
    top="""
    class Alone(nn.Linear):
        def __deepcopy__(self, memo):
            raise TypeError('there is only one of me')
    """,
    build="network.readout = Alone(12, spec.n_outputs)",
)
FROZEN = network(build="network.embed.weight.requires_grad_(False)")


@pytest.mark.parametrize(
    ("source", "present"),
    [
        (SOUND, ALL),
        (NORMALISED, ALL),
        (COUNTING, ALL),
        (NO_COPY, ALL),
        (FROZEN, ALL),
        (NO_EMBEDDING, {GRADIENT, SYNFLOW}),
        (NO_PARAMETERS, set()),
    ],
    ids=["sound", "normalised", "integer buffer", "no copy", "frozen", "no embedding", "no parameters"],
)
def test_a_design_has_the_scores_that_are_defined_for_it_and_trains_as_ever(source, present, executor):
    evaluation = evaluate(source, executor, rung=1)
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    assert evaluation.measures.keys() & ALL == present
    assert "flops_per_item" in evaluation.measures


def test_a_design_that_fails_on_another_batch_than_those_of_training_is_scored_without(executor):
    size = Tiny().rungs[1].batch_size
    evaluation = evaluate(network(forward=f"assert not self.training or len(x) == {size}"), executor, rung=1)
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    assert evaluation.measures.keys() & ALL == {SYNFLOW}


def test_a_score_that_is_not_finite_is_none(executor):
    evaluation = evaluate(network(forward="y = y * 1e38 if len(x) == 1 else y"), executor, rung=1)
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    assert evaluation.measures.keys() & ALL == ALL - {SYNFLOW}


def test_a_design_that_hangs_when_it_is_examined_is_scored_without(executor):
    hangs = network(forward="while len(x) == 1: pass")
    evaluation = evaluate(hangs, executor, rung=1)
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    assert "latency_seconds" in evaluation.measures
    assert not evaluation.measures.keys() & ALL
