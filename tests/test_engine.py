import pytest
from support.tiny import Tiny

from agentarch.config import RunConfig
from agentarch.design import Proposal, read_design
from agentarch.evaluation import Outcome, Request
from agentarch.execution import ExecutionStopped, Result
from agentarch.kinds.network import AXES, CONTRACT, NetworkKind
from agentarch.search.decision import Choice
from agentarch.search.engine import ATTEMPTS, BoxesFail, Engine
from agentarch.search.log import Log
from agentarch.search.state import RunState
from agentarch.store import Store
from agentarch.task import TaskFailed

SOURCE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.embed = nn.Embedding(spec.vocab_size, {width})
        self.mix = nn.Conv1d({width}, {width}, {kernel})
        self.readout = nn.Linear({width}, spec.n_outputs)

    def forward(self, x):
        x = self.embed(x).transpose(1, 2)
        x = x + self.mix(nn.functional.pad(x, ({kernel} - 1, 0)))
        return self.readout(x.transpose(1, 2))

def build(spec):
    return Net(spec)
"""
RAISES = "def build(spec):\n    raise ValueError('no')\n"


def source(width: int = 8, kernel: int = 2) -> str:
    return SOURCE.format(width=width, kernel=kernel)


class Listed:
    """Proposes given sources, one after the other, wherever the run stands."""

    name = "listed"

    def __init__(self, *sources: str):
        self.sources, self.learnt = sources, []

    def propose(self, context):
        if context.number >= len(self.sources):
            return None
        return Proposal(self.sources[context.number], name=f"n{context.number}", proposer=self.name)

    def learn(self, evaluation, design):
        self.learnt.append(evaluation)


class Faulty:
    """An executor whose boxes fail through no fault of the design, so many times."""

    name = "faulty"

    def __init__(self, executor, faults: int):
        self.executor, self.faults = executor, faults

    def run(self, job):
        if self.faults > 0:
            self.faults -= 1
            return Result(Outcome.INFRASTRUCTURE, "the box fell over")
        return self.executor.run(job)

    def close(self):
        pass


class Stopping:
    """An executor that is closed after so many jobs."""

    name = "stopping"

    def __init__(self, executor, jobs: int):
        self.executor, self.jobs = executor, jobs

    def run(self, job):
        self.jobs -= 1
        if self.jobs < 0:
            raise ExecutionStopped("closed")
        return self.executor.run(job)

    def close(self):
        pass


def make_engine(store, executor, proposer, task=None, seeds=(), **settings) -> Engine:
    config = RunConfig(**{"workers": 2, "evaluations": 100, "tasks": ("tiny",), **settings})
    state = RunState.empty([Tiny()], AXES)
    for event in store.events():
        state.apply(event)
    return Engine(
        Log(store, state),
        config,
        "secret",
        NetworkKind("secret"),
        [task or Tiny()],
        proposer,
        seeds,
        executor,
    )


@pytest.fixture
def store(tmp_path):
    opened = Store.create(tmp_path / "run", {})
    yield opened
    opened.close()


def run(engine: Engine) -> str:
    return engine.run(lambda state: None, interval_seconds=0.02)


def done(engine: Engine) -> list[tuple[str, int, str]]:
    designs = engine.state.designs
    return sorted(
        (designs[e.request.design_id].name, e.request.rung, e.outcome.value)
        for e in engine.state.all_evaluations()
    )


def test_a_design_that_survives_the_smoke_run_is_scored_at_the_first_ranked_rung(store, executor):
    engine = make_engine(store, executor, Listed(source()))
    assert run(engine) == "exhausted"
    assert done(engine) == [("n0", 0, "scored"), ("n0", 1, "scored")]


def test_a_broken_design_costs_one_smoke_run_and_stops_nobody(store, executor):
    proposer = Listed(RAISES, source(), "import os\ndef build(spec): ...\n")
    engine = make_engine(store, executor, proposer)
    run(engine)
    assert done(engine) == [("n0", 0, "invalid"), ("n1", 0, "scored"), ("n1", 1, "scored")]
    assert engine.state.refused == 1
    assert len(proposer.learnt) == 3


def test_a_known_design_in_another_layout_is_refused_before_anything_is_spent(store, executor):
    engine = make_engine(store, executor, Listed(source(), "# again\n" + source()))
    run(engine)
    assert (engine.state.refused, engine.state.done) == (1, 2)
    (refused,) = [event for event in store.events() if event.kind == "refused"]
    assert refused.body["duplicate_of"] in engine.state.designs


def test_a_design_that_acts_like_an_earlier_one_climbs_no_further_than_the_smoke_run(store, executor):
    twin = source().replace("Net", "Twin")
    engine = make_engine(store, executor, Listed(source(), twin), workers=1)
    run(engine)
    assert done(engine) == [("n0", 0, "scored"), ("n0", 1, "scored"), ("n1", 0, "scored")]
    assert len(engine.state.same_as) == 1


def test_a_quarter_of_a_rung_climbs_to_the_next_and_each_step_says_why(store, executor):
    sources = [source(width) for width in (4, 8, 12, 16, 20, 24, 28, 32)]
    engine = make_engine(store, executor, Listed(*sources), workers=1)
    run(engine)
    climbers = {one.design.id for one in engine.state.all_scored() if one.rung == 2}
    climbs = engine.state.decided(Choice.CLIMB)
    assert 2 <= len(climbers) < 8 / 2  # who came early may have climbed by luck
    assert {decision.facts["design"] for decision in climbs} == climbers
    assert all("one in 4 of" in decision.reason for decision in climbs)


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_exactly_as_many_evaluations_are_done_as_were_asked_for(store, executor, limit):
    engine = make_engine(store, executor, Listed(*[source(w) for w in (4, 8, 12, 16, 20)]), evaluations=limit)
    assert run(engine) == "evaluations"
    assert engine.state.done == engine.state.created == limit


def test_a_fault_of_ours_is_retried_and_leaves_no_trace_in_the_score(store, executor):
    engine = make_engine(store, Faulty(executor, faults=2), Listed(source()), workers=1)
    run(engine)
    assert done(engine) == [("n0", 0, "scored"), ("n0", 1, "scored")]
    reasons = [event.body["reason"] for event in store.events() if event.kind == "released"]
    assert reasons == ["the box fell over"] * 2


def test_a_fault_of_ours_that_lasts_is_recorded_as_ours_and_never_scored(store, executor):
    engine = make_engine(store, Faulty(executor, faults=ATTEMPTS), Listed(source(), source(16)), workers=1)
    run(engine)
    assert done(engine) == [("n0", 0, "infrastructure"), ("n1", 0, "scored"), ("n1", 1, "scored")]


def test_boxes_that_fail_again_and_again_stop_the_run_and_keep_its_budget(store, executor):
    engine = make_engine(store, Faulty(executor, faults=10**6), Listed(*[source(w) for w in range(4, 40, 4)]))
    with pytest.raises(BoxesFail, match="agentarch doctor"):
        run(engine)
    left = engine.state.done
    again = make_engine(store, executor, Listed(*[source(w) for w in range(4, 40, 4)]))
    run(again)
    assert again.state.outcomes[Outcome.INFRASTRUCTURE] == left
    assert again.state.outcomes[Outcome.SCORED] > 0


@pytest.mark.parametrize("jobs", range(6))
def test_a_run_that_is_stopped_anywhere_and_resumed_does_what_it_would_have_done(tmp_path, executor, jobs):
    sources = [source(width) for width in (4, 8, 12)]
    calm_store, store = Store.create(tmp_path / "calm", {}), Store.create(tmp_path / "stopped", {})
    before, after = Listed(*sources), Listed(*sources)
    calm = make_engine(calm_store, executor, before, workers=1, evaluations=5)
    run(calm)
    run(make_engine(store, Stopping(executor, jobs), Listed(*sources), workers=1, evaluations=5))
    resumed = make_engine(store, executor, after, workers=1, evaluations=5)
    run(resumed)
    assert [one.request for one in after.learnt] == [one.request for one in before.learnt]
    for state in (calm.state, resumed.state):
        assert [e.kind for e in (calm_store if state is calm.state else store).events()].count(
            "evaluated"
        ) == 5
    assert {(e.request, e.score) for e in resumed.state.all_evaluations()} == {
        (e.request, e.score) for e in calm.state.all_evaluations()
    }
    calm_store.close()
    store.close()


def test_what_a_kill_kept_from_being_queued_is_queued_on_resume(store, executor):
    design = read_design(Proposal(source(), "n0"), CONTRACT)
    store.add_design(design, [Request(design.id, "tiny", 0, 0)])
    lease = store.lease(100)
    assert lease is not None
    store.settle(lease, NetworkKind("secret").evaluate(design, Tiny(), lease.request, executor))
    engine = make_engine(store, executor, Listed("never asked for"))  # killed before rung 1 was queued
    run(engine)
    assert done(engine) == [("n0", 0, "scored"), ("n0", 1, "scored")]


def test_replaying_the_log_gives_the_state_that_lived_through_it(store, executor):
    engine = make_engine(store, executor, Listed(*[source(w) for w in (4, 8, 12, 16)], RAISES))
    run(engine)
    replayed = RunState.empty([Tiny()], AXES)
    for event in store.events():
        replayed.apply(event)
    lived = engine.state
    assert [replayed.noise(rung) for rung in range(3)] == [lived.noise(rung) for rung in range(3)]
    replayed._pools = lived._pools
    for name, arm in lived.arms.items():
        assert replayed.arms[name].archive.elites == arm.archive.elites
        replayed.arms[name].archive = arm.archive  # compared by its elites, for it has no equality of its own
    assert replayed == lived


def test_time_between_sessions_is_not_counted(store, executor, monkeypatch):
    run(make_engine(store, executor, Listed(source()), evaluations=1))
    import time

    real = time.time
    monkeypatch.setattr("agentarch.store.store.time.time", lambda: real() + 10_000)
    engine = make_engine(store, executor, Listed(source()), evaluations=2)
    run(engine)
    assert engine.state.done == 2
    assert engine.state.engine_seconds < 5_000


def test_a_time_limit_ends_the_run_after_what_is_running(store, executor):
    engine = make_engine(
        store, executor, Listed(*[source(w) for w in range(4, 200)]), evaluations=None, time=0.5
    )
    assert run(engine) == "time"
    assert engine.state.done == engine.state.created - len(engine.state.queued)
    assert not engine.state.running


def test_a_task_that_raises_stops_the_run_and_is_named(store, executor):
    class Broken(Tiny):
        def grade(self, predictions, labels):
            raise KeyError("oops")

    engine = make_engine(store, executor, Listed(source()), task=Broken())
    with pytest.raises(TaskFailed, match="'tiny' raised KeyError"):
        run(engine)
    assert engine.state.outcomes == {}


def test_a_small_budget_finishes_the_design_it_has_begun(store, executor):
    engine = make_engine(store, executor, Listed(source(), source(12)), evaluations=2, workers=2)
    run(engine)
    assert done(engine) == [("n0", 0, "scored"), ("n0", 1, "scored")]
