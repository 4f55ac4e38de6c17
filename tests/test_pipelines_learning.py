"""The proposers that learn find what was planted, sooner than chance does, and go on after a kill."""

import random
from dataclasses import replace

import pytest
from support.tricky_pipelines import behaviours, design, job
from test_pipelines_proposers import context

from agentarch.evaluation import Evaluation, Outcome, Request, Score
from agentarch.proposers.pipelines import edges, layers
from agentarch.proposers.pipelines.edges import POSSIBLE, EdgeSwarm, alive
from agentarch.proposers.pipelines.layers import LayerSearch, calls_of, drawn, neighbour, settled
from agentarch.proposers.pipelines.reading import read_pipeline

WANTED = {
    ("steps", "revise"),
    ("another", "revise"),
    ("revise", "vote"),
    ("steps", "check"),
    ("check", "vote"),
}
HARMFUL = {("direct", "vote"), ("direct", "revise"), ("direct", "compare"), ("divide", "vote")}
PLANTED = (("generate", 5), ("verify", 3), ("fuse", 2), ("vote", 1))


def evaluation(identity: str, value: float | None, rung: int = 0) -> Evaluation:
    request = Request(identity, "task", rung, 0)
    if value is None:
        return Evaluation(request, Outcome.INVALID, "failed")
    return Evaluation(request, Outcome.SCORED, score=Score(value, value, value, 50))


def worth_of_a_graph(graph: edges.Graph, rng: random.Random) -> float:
    good, bad = len(WANTED & {*graph}) / len(WANTED), len(HARMFUL & {*graph}) / len(HARMFUL)
    return 0.5 + 0.3 * good - 0.2 * bad + rng.gauss(0, 0.03)


def worth_of_a_stack(stack: layers.Stack, rng: random.Random) -> float:
    near = sum(one in stack for one in PLANTED) + 0.5 * sum(name in dict(PLANTED) for name, _ in stack)
    right = sum(a == b for a, b in zip(stack, PLANTED, strict=False))
    return 0.2 + 0.06 * near + 0.12 * right - 0.02 * len(stack) + rng.gauss(0, 0.01)


def search(proposer, read, worth, count: int, *, learns: bool = True) -> list[float]:
    """Return what the proposals are worth, one after the other."""
    known, values, rng = set(), [], random.Random(1)
    for number in range(count):
        proposal = proposer.propose(context(number, seeds=(), known=known))
        one = design(proposal.source)
        known.add(one.id)
        values.append(worth(read(proposal.source), rng))
        if learns:
            proposer.learn(evaluation(one.id, values[-1]), one)
    return values


def constant(name: str):
    def read(source: str):
        value = read_pipeline(source).by_name[name].value
        return tuple(tuple(part.value for part in one.elts) for one in value.elts)

    return read


def test_edges_that_help_become_likely_and_those_that_harm_unlikely():
    proposer = EdgeSwarm()
    values = search(proposer, constant("EDGES"), worth_of_a_graph, 250)
    likely = proposer.probabilities
    assert sum(likely[edge] for edge in WANTED) / len(WANTED) > 0.75
    assert sum(likely[edge] for edge in HARMFUL) / len(HARMFUL) < 0.3
    by_chance = search(EdgeSwarm(), constant("EDGES"), worth_of_a_graph, 250, learns=False)
    assert sum(values[-50:]) / 50 > sum(by_chance[-50:]) / 50 + 0.15


def test_stacks_come_near_the_planted_one_and_nearer_than_chance():
    values = search(LayerSearch(), constant("LAYERS"), worth_of_a_stack, 120)
    by_chance = search(LayerSearch(), constant("LAYERS"), worth_of_a_stack, 120, learns=False)
    assert max(values) > max(by_chance) + 0.1
    assert sum(values[-30:]) / 30 > sum(by_chance[-30:]) / 30 + 0.15


@pytest.mark.parametrize("make", [EdgeSwarm, LayerSearch])
def test_what_failed_counts_as_zero_and_our_own_faults_not_at_all(make):
    proposer, other = make(), make()
    for one in (proposer, other):
        proposed = design(one.propose(context(seeds=(), known=set())).source)
    request = Request(proposed.id, "task", 0, 0)
    proposer.learn(Evaluation(request, Outcome.INFRASTRUCTURE, "ours"), proposed)
    proposer.learn(
        Evaluation(replace(request, split="confirm"), Outcome.SCORED, score=Score(1, 1, 1, 9)), proposed
    )
    stranger = design("async def solve(question, model):\n    return await model.ask(question)\n")
    proposer.learn(evaluation(stranger.id, 0.9), stranger)
    assert knowledge(proposer) == knowledge(other)
    proposer.learn(evaluation(proposed.id, 0.5), proposed)
    proposer.learn(evaluation(proposed.id, None), proposed)
    other.learn(evaluation(proposed.id, 0.5), proposed)
    other.learn(evaluation(proposed.id, 0.0), proposed)
    assert knowledge(proposer) == knowledge(other) != knowledge(make())


@pytest.mark.parametrize("make", [EdgeSwarm, LayerSearch])
def test_told_again_what_came_before_a_proposer_knows_what_it_knew(make):
    before, after, told = make(), make(), []
    for number in range(12):
        one = design(before.propose(context(number, seeds=(), known=set())).source)
        told.append((evaluation(one.id, number / 12), one))
        before.learn(*told[-1])
    for evaluated, one in told:
        after.learn(evaluated, one)
    assert knowledge(after) == knowledge(before) != knowledge(make())
    asked = context(12, seeds=(), known=set()), context(12, seeds=(), known=set())
    assert after.propose(asked[0]) == before.propose(asked[1])


def knowledge(proposer):
    return proposer.best() if isinstance(proposer, LayerSearch) else proposer.probabilities.logits


def test_only_edges_that_matter_are_kept():
    assert alive([]) == (("direct", "vote"),)
    assert alive([("steps", "revise")]) == (("direct", "vote"),), "nobody hears `revise`"
    assert alive([("revise", "vote"), ("direct", "vote")]) == (("direct", "vote"),), "`revise` hears nobody"
    graph = alive([("steps", "revise"), ("revise", "check"), ("check", "vote")])
    assert graph == (("steps", "revise"), ("revise", "check"), ("check", "vote"))


def test_every_graph_and_stack_runs():
    rng = random.Random(0)
    graphs = [
        alive(POSSIBLE),
        *([edge] for edge in POSSIBLE if edge[1] == "vote" and edge[0] in edges.ANSWERING),
    ]
    stacks = [drawn(rng) for _ in range(60)]
    pipelines = [edges.rendered(tuple(one)) for one in graphs] + [layers.rendered(one) for one in stacks]
    from agentarch.proposers.pipelines.writing import write

    done = behaviours([job(write(one, "It.")) for one in pipelines])
    for answers in done:
        for said, calls, _ in answers:
            assert "Error" not in said
            assert calls
    for stack, answers in zip(stacks, done[len(graphs) :], strict=True):
        assert all(calls <= calls_of(stack) for _, calls, _ in answers)


def test_neighbours_of_a_stack_are_stacks():
    rng, stack = random.Random(0), settled([])
    assert stack == (("generate", 1),)
    for _ in range(500):
        stack = neighbour(stack, rng)
        assert stack == settled(stack)
        assert stack[0][0] == "generate"
        assert len(stack) <= layers.MOST_LAYERS
        assert layers.understood(stack) == stack
