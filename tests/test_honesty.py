"""A network that looks ahead, or at its neighbours, is caught by its predictions alone; an honest one never is."""

import numpy as np
import pytest
from support.designs import SOUND, network
from support.scoring import evaluate
from support.tiny import Tiny

from agentarch.design import Design
from agentarch.evaluation import Outcome
from agentarch.kinds.honesty import leaks, peeks
from agentarch.kinds.network import AXES
from agentarch.kinds.probes import make_probes
from agentarch.search.state import RunState
from agentarch.store import Store

PEEKING = {
    "by_one_position": "y = y + torch.nn.functional.one_hot(torch.roll(x, -1, 1), y.shape[-1])",
    "at_the_last_position": "y = y + torch.nn.functional.one_hot(x[:, -1:], y.shape[-1])",
    "when_a_token_is_3": """
        ahead = torch.roll(x, -1, 1)
        y = y + (x == 3)[..., None] * torch.nn.functional.one_hot(ahead, y.shape[-1])
    """,
    "only_when_predicting": """
        if not self.training: y = y + torch.nn.functional.one_hot(torch.roll(x, -1, 1), y.shape[-1])
    """,
    "under_a_logit_that_never_wins": """
        y = y * 0 + 1e-4 * torch.nn.functional.one_hot(torch.roll(x, -1, 1), y.shape[-1])
        y = y - 1e6 * (torch.arange(y.shape[-1]) == 0)
    """,
    "by_breaking_ties": "y = y * 0 + 1 + 1e-6 * torch.nn.functional.one_hot(torch.roll(x, -1, 1), y.shape[-1])",
}

LEAKING = {
    "the_mean_of_the_batch": "y = y + y.mean(0, keepdim=True)",
    "the_neighbour_above": "y = y + torch.roll(y, 1, 0)",
    "the_size_of_the_batch": "y = y + 0.1 * len(x) * torch.arange(y.shape[-1])",
    "the_order_in_the_batch": "y = y * (1 + torch.arange(len(x)))[:, None, None]",
    "batches_counted": """
        self.count = getattr(self, "count", 0) + 1
        y = y * 0 + self.count * torch.arange(y.shape[-1]) % 7
    """,
    "the_batch_before": """
        before = getattr(self, "before", 0 * y)
        self.before = y.detach()
        y = y + before[:1]
    """,
    "its_first_batch_for_ever": """
        if not self.training:
            self.first = getattr(self, "first", y.mean(0, keepdim=True))
            y = y + self.first
    """,
    "chance": "y = torch.nn.functional.dropout(y, 0.5, True)",
    "statistics_at_evaluation": "y = torch.nn.functional.batch_norm(y.mT, None, None, training=True).mT",
}

HONEST = {
    "sound": SOUND,
    "batch_norm": network(
        build="network.norm = nn.BatchNorm1d(spec.n_outputs)", forward="y = self.norm(y.mT).mT"
    ),
    "constant": network(forward="y = y * 0"),
    "dropout_in_training": network(forward="y = torch.nn.functional.dropout(y, 0.5, self.training)"),
    "hard_thresholds": network(forward="y = y + (y > y.mean(-1, keepdim=True))"),
    "huge_logits": network(forward="y = 1e30 * y"),
    "tiny_logits": network(forward="y = 1e-30 * y"),
}


class NotCausal(Tiny):
    """The tiny task where looking ahead is allowed."""

    name = "not_causal"

    def spec(self, rung):
        from dataclasses import replace

        return replace(super().spec(rung), causal=False)


class TooLowACeiling(Tiny):
    """The tiny task with a ceiling that anybody passes."""

    name = "too_low_a_ceiling"
    chance, ceiling = 0.0, 0.01


@pytest.mark.parametrize("how", PEEKING)
def test_a_design_that_peeks_at_the_future_is_invalid_where_the_task_is_causal(how, executor):
    evaluation = evaluate(network(forward=PEEKING[how]), executor, rung=1)
    assert evaluation.outcome is Outcome.INVALID
    assert "later input" in evaluation.reason
    assert evaluation.score is None


def test_looking_ahead_is_no_fault_where_the_task_allows_it(executor):
    evaluation = evaluate(network(forward=PEEKING["by_one_position"]), executor, task=NotCausal())
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason


@pytest.mark.parametrize("how", LEAKING)
def test_a_design_that_looks_at_the_rest_of_its_batch_is_invalid(how, executor):
    evaluation = evaluate(network(forward=LEAKING[how]), executor, rung=1)
    assert evaluation.outcome is Outcome.INVALID
    assert "in another batch" in evaluation.reason


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_design_is_never_accused(name, executor):
    for seed in range(3):
        evaluation = evaluate(HONEST[name], executor, rung=1, seed=seed)
        assert evaluation.outcome is Outcome.SCORED, evaluation.reason


def test_rounding_is_neither_a_leak_nor_a_look_ahead():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(64, 12, 8)).astype(np.float32)
    assert leaks(logits, logits * (1 + 1e-6 * rng.normal(size=logits.shape)).astype(np.float32)) == ""
    probes = make_probes(rng.integers(0, 6, (40, 12)), True, rng)
    first = rng.normal(size=(len(probes.inputs), 12, 6)).astype(np.float32)
    again = first * (1 + 1e-6 * rng.normal(size=first.shape)).astype(np.float32)
    assert peeks(first, again, probes) == ""


def test_looking_ahead_in_one_kind_of_copy_is_not_excused_by_many_of_another():
    rng = np.random.default_rng(0)
    probes = make_probes(rng.integers(0, 6, (600, 12)), True, rng)
    first = rng.normal(size=(len(probes.inputs), 12, 6)).astype(np.float32)
    again = first.copy()
    again[np.flatnonzero(probes.cut)[:2], 0] += 1
    assert "output at position 0 moved when the later input at position" in peeks(first, again, probes)


def test_one_tipped_decision_among_many_accuses_nobody():
    logits = np.random.default_rng(0).normal(size=(200, 4, 8)).astype(np.float32)
    tipped = logits.copy()
    tipped[0, 0] = -tipped[0, 0]
    assert leaks(logits, tipped) == ""
    tipped[:4, 0] = -logits[:4, 0]
    assert "4 of 200" in leaks(logits, tipped)


def test_a_score_above_the_ceiling_is_quarantined_and_its_metric_kept(executor):
    evaluation = evaluate(SOUND, executor, task=TooLowACeiling())
    assert evaluation.outcome is Outcome.INVALID
    assert evaluation.is_quarantined
    assert "better than the task's ceiling of 0.01" in evaluation.reason
    assert evaluation.score is None
    assert evaluation.metrics["accuracy"] > 0.01


@pytest.mark.parametrize(
    ("sandbox", "reason", "elites", "quarantined"),
    [
        ("jail", "", 1, 0),
        ("unsafe", "", 0, 0),
        ("jail without pid", "", 0, 0),
        ("jail", "quarantined: x", 0, 1),
    ],
)
def test_only_contained_and_unquarantined_designs_become_elites(
    sandbox, reason, elites, quarantined, executor, tmp_path
):
    from dataclasses import replace

    scored = replace(evaluate(SOUND, executor, rung=1), sandbox=sandbox)
    if reason:
        scored = replace(scored, outcome=Outcome.INVALID, reason=reason, score=None)
    store, state = Store.create(tmp_path / "run", {}), RunState.empty([Tiny()], AXES)
    design = Design(scored.request.design_id, "network", SOUND, "sound", "", "seeds")
    store.add_design(design, [scored.request])
    store.settle(store.lease(100), scored)
    for event in store.events():
        state.apply(event)
    store.close()
    assert (len(state.archive.elites), state.quarantined) == (elites, quarantined)
    assert state.sandboxes == {sandbox: 1}
