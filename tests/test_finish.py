import itertools

import pytest
from support.tiny import Tiny
from test_engine import Listed, done, make_engine, run, source

from agentarch.design import Proposal, read_design
from agentarch.kinds.controls import network_controls
from agentarch.kinds.network import AXES, CONTRACT
from agentarch.proposers.seeds import next_seed
from agentarch.search.decision import Choice
from agentarch.search.finish import (
    BASELINE,
    BEST_RANDOM,
    BEST_SEED,
    FINALIST,
    LEARNING_RATES,
    contenders_of,
    fixed_and_tuned,
    judged,
    largest_extent,
)
from agentarch.search.state import RunState
from agentarch.search.summary import decisions_summary, run_summary
from agentarch.store import Store

CONTROLS = network_controls(CONTRACT, 100_000)

LEARNS_NOTHING = """
import torch
from torch import nn

class Constant(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(spec.n_outputs))

    def forward(self, x):
        return self.bias.expand(*x.shape, -1)

def build(spec):
    return Constant(spec)
"""


class SeedsThenListed(Listed):
    """Proposes the seeds of the run, then given sources."""

    def propose(self, context):
        if seed := next_seed(context, self.name):
            return seed
        number = context.number - len(context.seeds)
        return (
            Proposal(self.sources[number], f"n{number}", proposer=self.name)
            if number < len(self.sources)
            else None
        )


@pytest.fixture
def store(tmp_path):
    opened = Store.create(tmp_path / "run", {})
    yield opened
    opened.close()


def seed_of(text, name="seed"):
    return read_design(Proposal(text, name, operator="seed"), CONTRACT)


def finished(store, executor, seeds, *sources, **settings):
    engine = make_engine(
        store, executor, SeedsThenListed(*sources), seeds=tuple(seeds), **{"evaluations": 60, **settings}
    )
    run(engine)
    return engine


def verdict(engine):
    return engine.state.decided(Choice.VERDICT)[0]


def test_a_design_that_is_truly_better_is_declared_the_winner_with_its_margin(store, executor):
    engine = finished(store, executor, [seed_of(LEARNS_NOTHING)], source(32, 2), task=Tiny(steps=(2, 40, 80)))
    assert verdict(engine).facts["won"] is True
    assert "n0" in verdict(engine).reason
    assert "beat every control" in verdict(engine).reason
    assert "95% interval corrected for 1 finalist of 1 candidate" in verdict(engine).reason
    assert verdict(engine).facts["difference"]["low"] > 0


def test_where_nothing_is_better_the_verdict_says_that_nothing_beat_the_control(store, executor):
    engine = finished(store, executor, [seed_of(source(32, 2))], LEARNS_NOTHING, task=Tiny(steps=(2, 40, 80)))
    assert verdict(engine).facts["won"] is False
    assert verdict(engine).reason.startswith("Nothing beat the control")


def test_finalists_and_controls_are_confirmed_on_the_same_seeds_of_another_split(store, executor):
    engine = finished(store, executor, [seed_of(source(8))], source(16), source(24))
    confirmed = {
        one.design_id: {
            e.request.seed for e in engine.state.evaluations(one.design_id) if e.request.split == "confirm"
        }
        for one in contenders_of(engine.state)
    }
    assert {one.role for one in contenders_of(engine.state)} >= {FINALIST, BEST_SEED}
    assert set(map(frozenset, confirmed.values())) == {frozenset({0, 1, 2})}
    searched = {e.score for e in engine.state.all_evaluations() if e.request.split == "search"}
    assert not searched & {e.score for e in engine.state.all_evaluations() if e.request.split == "confirm"}


def test_the_test_split_is_opened_once_after_the_confirmation_and_decides_nothing(store, executor):
    engine = finished(store, executor, [seed_of(source(8))], source(16), source(24))
    kinds = [decision.kind for decision in engine.state.decisions]
    assert kinds.count(Choice.TEST) == 1
    assert kinds.index(Choice.CONFIRM) < kinds.index(Choice.TEST) < kinds.index(Choice.VERDICT)
    summary = run_summary(engine.state, store.file.parent)["verdict"]
    assert summary["test"]["looks"] == 1
    assert summary["test"]["note"] == ""


def test_every_decision_is_in_the_log_before_the_evaluations_it_asks_for(store, executor):
    finished(store, executor, [seed_of(source(8))], source(16), source(24))
    events = [event for event in store.events() if event.kind in ("decided", "queued", "proposed")]
    began = {event.body["design"]["id"] for event in events if event.kind == "proposed"}
    for before, event in itertools.pairwise(events):
        if event.kind == "queued":
            assert before.kind in ("decided", "queued", "proposed")
    assert began
    state = RunState.empty([Tiny()], AXES)
    for event in store.events():
        state.apply(event)
    told = decisions_summary(state)
    assert all(one["reason"] for one in told)


@pytest.mark.parametrize("limit", [20, 33, 60])
def test_a_run_never_takes_more_than_its_budget_with_its_finish(store, executor, limit):
    engine = finished(
        store, executor, [seed_of(source(8))], *[source(w) for w in range(12, 60, 4)], evaluations=limit
    )
    assert engine.state.created <= limit
    assert verdict(engine)


def test_a_budget_without_room_for_a_finish_claims_nothing_and_says_what_it_takes(store, executor):
    engine = finished(store, executor, [seed_of(source(8))], source(16), evaluations=6)
    assert verdict(engine).facts["won"] is None
    assert "no room to confirm anything, which takes 6 evaluations" in verdict(engine).reason


def test_a_run_stopped_in_its_finish_and_resumed_comes_to_the_same_verdict(tmp_path, executor):
    from test_engine import Stopping

    calm_store, store = Store.create(tmp_path / "calm", {}), Store.create(tmp_path / "stopped", {})
    calm = finished(calm_store, executor, [seed_of(source(8))], source(16), source(24), workers=1)
    finish = next(
        n for n, e in enumerate(calm.state.all_evaluations(), start=1) if e.request.split == "confirm"
    )
    finished(store, Stopping(executor, finish + 3), [seed_of(source(8))], source(16), source(24), workers=1)
    resumed = finished(store, executor, [seed_of(source(8))], source(16), source(24), workers=1)
    assert verdict(resumed) == verdict(calm)
    assert done(resumed) == done(calm)
    calm_store.close()
    store.close()


def test_random_proposals_get_as_many_steps_as_the_search_and_keep_to_themselves(store, executor):
    from agentarch.catalogue import seed_designs

    seeds = seed_designs(CONTRACT)[:2]
    engine = finished(store, executor, seeds, *[source(w) for w in range(8, 128, 8)], evaluations=90)
    search, random = engine.state.arms["search"], engine.state.arms["random"]
    largest = 3 * max(rung.steps for rung in Tiny().rungs)
    assert abs(search.steps - random.steps) <= largest
    own = {name for name in random.scored if engine.state.arm_of[name] == "random"}
    assert own
    assert not own & search.scored.keys()
    assert {one.design.id for one in search.archive.elites.values()} <= search.scored.keys()
    assert BEST_RANDOM in {one.role for one in contenders_of(engine.state)}


def test_a_finish_grows_with_the_budget_and_fits_it():
    extents = [largest_extent(budget, 2, 3, True, False, CONTROLS) for budget in range(200)]
    sizes = [extent.evaluations(2, 3) if extent else 0 for extent in extents]
    assert all(size <= budget for budget, size in enumerate(sizes))
    assert sizes == sorted(sizes)
    assert extents[11] is None
    assert extents[-1].made
    assert extents[-1].has_test


def test_a_run_whose_time_is_up_concludes_from_what_it_has(store, executor):
    seeds = [seed_of(source(8))]
    engine = finished(
        store, executor, seeds, *[source(w) for w in range(12, 128, 4)], time=8.0, evaluations=None
    )
    assert engine.state.stopped in ("time", "exhausted")
    assert len(engine.state.decided(Choice.VERDICT)) == 1
    assert engine.state.engine_seconds < 20


def test_a_sweep_of_learning_rates_is_reported_beside_the_frozen_recipe_and_decides_nothing(store, executor):
    seeds = [seed_of(source(8))]
    engine = finished(store, executor, seeds, source(16), source(24), sweep=True, evaluations=180)
    state = engine.state
    (tune,) = state.decided(Choice.TUNE)
    assert "finalist" in tune.reason
    rates = {e.request.learning_rate for e in state.all_evaluations() if e.request.split == "search"}
    assert rates == set(LEARNING_RATES)
    fixed = {
        one.design_id for one in contenders_of(state) if one.role == FINALIST and one.learning_rate == 1.0
    }
    assert fixed == {one["design"] for one in verdict_line_up(state) if one["role"] == FINALIST}
    assert judged(state).leader.endswith("@1")
    pairs = fixed_and_tuned(state)
    assert len(pairs) == len({*fixed} | {c.design_id for c in contenders_of(state) if c.role == BASELINE})
    assert all(tuned >= recipe for recipe, tuned in pairs)
    for scored in state.all_scored():  # what other rates scored is no part of what the search ranks by
        evaluations = state.evaluations(scored.design.id)
        plain = [e for e in evaluations if e.request.learning_rate == 1.0 and e.request.split == "search"]
        assert set(scored.cells) == {e.request.rung for e in plain if e.request.rung > 0}


def verdict_line_up(state):
    return state.decided(Choice.FINALISTS)[0].facts["contenders"]
