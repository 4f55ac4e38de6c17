"""Promises about designs and evolution that only real training can keep. Slow, and still run in CI."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from agentarch.catalogue import find_task, seed_designs
from agentarch.design import Proposal, read_design
from agentarch.evaluation import Evaluation, Outcome, Request, ScoredDesign
from agentarch.kinds.network import AXES, CONTRACT, NetworkKind
from agentarch.proposers import Context, make_proposer
from agentarch.qd import Archive, choose_inspirations, choose_parents

pytestmark = pytest.mark.slow

SEEDS = {design.name: design for design in seed_designs(CONTRACT)}
TOP = 3
CONSTANT = """
import torch
from torch import nn

class Constant(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(spec.n_outputs))
        self.one = spec.output == "one"

    def forward(self, x):
        return self.bias.expand(*x.shape[: 1 if self.one else 2], -1)

def build(spec):
    return Constant(spec)
"""


def evaluate(executor, design, task: str, rung: int, seed: int = 0) -> Evaluation:
    request = Request(design.id, task, rung, seed)
    evaluation = NetworkKind("a secret of this test").evaluate(
        design, find_task(task, "network"), request, executor
    )
    assert evaluation.outcome is not Outcome.INFRASTRUCTURE, evaluation.reason
    return evaluation


@pytest.mark.parametrize(
    ("name", "task", "least", "most"),
    [
        ("transformer", "recall", 0.9, 1.0),
        ("transformer", "parity", -0.1, 0.3),
        ("gru", "parity", 0.9, 1.0),
        ("gru", "recall", -0.1, 0.4),
    ],
)
def test_at_the_top_rung_the_tasks_tell_attention_from_recurrence(executor, name, task, least, most):
    evaluation = evaluate(executor, SEEDS[name], task, TOP)
    assert evaluation.score is not None, evaluation.reason
    assert least <= evaluation.score.value <= most


@pytest.mark.parametrize("task", ["copy", "parity", "recall", "series"])
def test_a_trained_constant_scores_zero(executor, task):
    design = read_design(Proposal(CONSTANT, "constant"), CONTRACT)
    for rung in (1, 2):
        evaluation = evaluate(executor, design, task, rung)
        assert evaluation.score is not None, evaluation.reason
        assert abs(evaluation.score.value) <= 0.05


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_every_seed_design_is_scored_on_every_task(executor, name):
    for task in ("copy", "parity", "recall", "series"):
        assert evaluate(executor, SEEDS[name], task, rung=0).outcome is Outcome.SCORED


def test_the_same_seed_gives_the_same_score_and_another_seed_another(executor):
    first, again, other = (
        evaluate(executor, SEEDS["gated_convolution"], "copy", 0, seed) for seed in (0, 0, 1)
    )
    assert (first.score, first.behaviour, first.metrics) == (again.score, again.behaviour, again.metrics)
    assert first.behaviour != other.behaviour


def test_of_200_proposals_of_evolution_nine_in_ten_are_valid_and_seven_in_ten_act_like_none_before(executor):
    proposer, archive, known, behaviours = make_proposer("evolve"), Archive(AXES), {}, {}
    valid = new = number = 0
    reasons = []
    with ThreadPoolExecutor(2) as pool:
        while number < 200 + len(SEEDS):
            batch = []
            for _ in range(10):
                rng = random.Random(number)
                parents = choose_parents(archive, rng, 2)
                proposal = proposer.propose(
                    Context(
                        rng=rng,
                        number=number,
                        seeds=tuple(SEEDS.values()),
                        parents=parents,
                        inspirations=choose_inspirations(archive, parents, rng, 3),
                        known=known.keys(),
                        limits={"parameters": 200_000},
                        evaluations_left=None,
                    )
                )
                assert proposal is not None
                design = read_design(proposal, CONTRACT)
                assert design.id not in known
                known[design.id] = design
                batch.append(design)
                number += 1
            for design, evaluation in zip(
                batch, pool.map(lambda one: evaluate(executor, one, "recall", rung=0), batch), strict=True
            ):
                if evaluation.score is not None:
                    archive.add(ScoredDesign(design, {0: evaluation.score}, evaluation.descriptors))
                is_new = evaluation.behaviour is not None and evaluation.behaviour not in behaviours
                behaviours.setdefault(evaluation.behaviour, design.id)
                if design.operator != "seed":
                    valid += evaluation.outcome is Outcome.SCORED
                    new += is_new
                    reasons += [evaluation.reason] if evaluation.reason else []
    print(f"{valid} of 200 valid, {new} act like none before; reasons: {reasons}")
    assert valid >= 180
    assert new >= 140
