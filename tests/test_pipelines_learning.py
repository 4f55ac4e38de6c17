"""The proposers that learn find what was planted, sooner than chance does, and go on after a kill."""

import random

import pytest
from support.tricky_pipelines import behaviours, design, job
from test_pipelines_proposers import context, scored

from agentarch.evaluation import Evaluation, Outcome, Request, Score
from agentarch.proposers.contract import Context
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
        identity = design(proposal.source).id
        known.add(identity)
        values.append(worth(read(proposal.source), rng))
        if learns:
            proposer.learn(evaluation(identity, values[-1]))
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
        identity = design(one.propose(context(seeds=(), known=set())).source).id
    proposer.learn(Evaluation(Request(identity, "task", 0, 0), Outcome.INFRASTRUCTURE, "ours"))
    proposer.learn(evaluation("another", 0.9))
    proposer.learn(
        Evaluation(Request(identity, "task", 0, 0, "confirm"), Outcome.SCORED, score=Score(1, 1, 1, 9))
    )
    told = context(1, seeds=(), known=set())
    assert proposer.propose(told) == other.propose(context(1, seeds=(), known=set()))
    proposer.learn(evaluation(identity, None))


@pytest.mark.parametrize("make", [EdgeSwarm, LayerSearch])
def test_after_a_kill_designs_that_are_shown_again_are_learnt_from(make):
    before, found = make(), []
    for number in range(12):
        proposal = before.propose(context(number, seeds=(), known=set()))
        found.append(design(proposal.source))
    after, late = make(), found[0].id
    after.learn(evaluation(late, 0.7))  # proposed before the kill, scored after it
    for number, one in enumerate(found):
        told = context(number, seeds=(), known=set())
        shown = (scored(one, number / 12),)
        after.propose(Context(**vars(told) | {"parents": shown, "inspirations": shown}))
    if make is LayerSearch:
        assert len(after.best()) == len({constant("LAYERS")(one.source) for one in found})
        assert after.best()[0] == constant("LAYERS")(found[-1].source)
    else:
        assert any(logit for logit in after.probabilities.logits.values())


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
