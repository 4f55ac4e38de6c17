"""What is chosen and told of a run: which elites and why, which effects, which failures."""

import json
import os
import random
from types import SimpleNamespace

import pytest
from support.tiny import Tiny

from agentarch.config import make_config
from agentarch.design import Design
from agentarch.evaluation import Evaluation, Outcome, Request, Score, ScoredDesign
from agentarch.meta.pack import load_pack
from agentarch.proposers import Context
from agentarch.qd import Axis
from agentarch.search.authoring import effects
from agentarch.search.authoring.briefs import Briefs
from agentarch.search.authoring.choosing import Chooser
from agentarch.search.authoring.effects import Effects, Knockouts
from agentarch.search.authoring.notebook import notebook_of
from agentarch.search.proposals import RECENT
from agentarch.search.state import RunState
from agentarch.store import Event

AXES = (Axis("reach", 0, 1, bins=10),)
PACK = load_pack(None, "network")
SCORES = {"p": 0.5, "next": 0.3, "far": 0.2, "best": 0.9, "dull": 0.1, "plain": 0.15, "farther": 0.1}
"""Designs, each in the niche after the one before."""


def scored(number, name, value):
    score = Score(value, value - 0.1, value + 0.1, 9)
    cells = {1: {"tiny": {0: score}}}
    return ScoredDesign(Design(name, "network", name, ""), {1: score}, {"reach": 0.05 + number / 10}, cells)


@pytest.fixture
def state():
    made = RunState.empty([Tiny()], AXES)
    for number, (name, value) in enumerate(SCORES.items()):
        one = scored(number, name, value)
        made.designs[name] = one.design
        made.arms["search"].add(one)
    return made


def context_of(state, *names, parents=2, seed=1):
    found = [state.arms["search"].scored[name] for name in names]
    return Context(
        random.Random(seed),
        1,
        (),
        tuple(found[:parents]),
        tuple(found[parents:]),
        (),
        {},
        evaluations_left=None,
    )


def briefs_made(state, placebo=None, rounds=40):
    config = make_config({"model": "openai/test-model", "placebo": placebo})
    for seed in range(rounds):
        context = context_of(state, "p", "dull", "best", "plain", "next", seed=seed)
        yield Chooser(config, PACK).brief(1, context, state)


def noted(state, *events):
    for kind, body in events:
        state.proposals.apply(Event(1, 0.0, kind, body))


def proposal(name, *, claim="", brief=None):
    draft = {
        "name": f"named {name}",
        "rationale": "why",
        "claim": claim,
        "predicted_change": 0.1,
        "builds_on": [],
    }
    begun = {
        "operator": "refine",
        "parents": ["p"],
        "elites": [],
        "target": None,
        "reflects": False,
        **(brief or {}),
    }
    return (
        ("begun", {"proposal": name, "brief": begun}),
        ("drafted", {"proposal": name, "draft": draft, "shown": []}),
    )


def briefing(state, folder, **brief):
    noted(state, *proposal("asked", brief=brief))
    context = context_of(state)
    return Briefs("network", [Tiny()], folder, Effects()).of(state.proposals["asked"], context, state)


# Which elites.


def test_the_best_the_nearest_to_the_target_and_the_farthest_from_the_parents_are_shown_before_others(state):
    for brief in briefs_made(state):
        count = PACK.operators[brief["operator"]].parents
        assert brief["parents"] == ["p", "dull"][:count]
        assert brief["chosen"] == [*brief["parents"], *brief["elites"]]
        assert len(set(brief["chosen"])) == 5
        assert list(brief["why"]) == brief["elites"]
        why = {reason: name for name, reason in brief["why"].items()}
        assert why["best"] == "best"
        assert why["near"] == ("p" if count == 0 else "next")
        assert why.get("novel") == (None if count == 0 else "farther" if count == 1 else "far")
        assert json.loads(json.dumps(brief)) == brief


def test_a_placebo_shows_as_many_others_and_tells_no_reason_of_the_archives(state):
    for number in range(9):
        state.arms["search"].add(scored(number, f"other {number}", 0.01))
    for brief in briefs_made(state, "shuffled"):
        shown = [*brief["parents"], *brief["elites"]]
        assert len(shown) == len(brief["chosen"]) == 5
        assert not set(shown) & set(brief["chosen"])
        assert brief["why"] == {}
    for brief in briefs_made(state, "none"):
        assert brief["parents"] == brief["elites"] == []
        assert len(brief["chosen"]) == 5


def test_before_anything_is_scored_a_seed_is_built_upon(state):
    empty = RunState.empty([Tiny()], AXES)
    seed = state.designs["p"]
    config = make_config({"model": "openai/test-model"})
    for number in range(20):
        context = Context(random.Random(number), 1, (seed,), (), (), (), {}, None)
        brief = Chooser(config, PACK).brief(1, context, empty)
        assert [*brief["parents"], *brief["elites"]] == ["p"]
        assert brief["why"] == {}


def test_a_prompt_says_why_an_elite_is_shown_and_older_briefs_are_read_as_well(state, tmp_path):
    told = briefing(state, tmp_path, elites=["next", "far"], why={"next": "near", "far": "drawn"})
    assert [one.why for one in told.elites] == ["near", "drawn"]
    told = briefing(state, tmp_path, elites=["best", "far"])
    assert [one.why for one in told.elites] == ["best", "novel"]


# What failed.


def test_failures_in_training_and_rejections_are_told_the_newest_first(state, tmp_path):
    review = {"decision": "reject", "reason": "too wide"}
    for name in ("old", "trained", "mine", "timeout", "smoked"):
        noted(state, *proposal(name))
    noted(state, ("faulted", {"proposal": "smoked", "fault": "smoke", "reason": "raised"}))
    noted(state, ("proposed", {"of": "trained", "design": {"id": "d1"}}))
    noted(state, ("reviewed", {"proposal": "mine", "by": "me", **review}))
    noted(state, ("reviewed", {"proposal": "timeout", "by": "timeout", **review}))
    request = Request("d1", "tiny", 1, 0)
    state._evaluations["d1"] = [
        Evaluation(request, Outcome.INVALID, "diverged"),
        Evaluation(request, Outcome.INFRASTRUCTURE, "no box"),
    ]
    told = briefing(state, tmp_path)
    assert [(one.name, one.kind, one.reason) for one in told.failures] == [
        ("named smoked", "smoke", "raised"),
        ("named trained", "training", "tiny, rung 1: invalid, diverged"),
    ]
    prompt = PACK.propose(told, "invent", nonce="n", max_tokens=20_000).user
    assert "ran, and failed when it was scored" in prompt


# Effects.


def knocked_out(folder, name, parts, written):
    contributions = [
        {"done": f"part {n} taken", "difference": 0.2, "low": 0.1, "high": 0.3, "n": 9} for n in range(parts)
    ]
    file = folder / "knockouts" / f"{name}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"name": name, "contributions": contributions}))
    os.utime(file, (written, written))


def test_a_design_that_was_taken_apart_does_not_hide_what_edits_did(state, tmp_path):
    knocked_out(tmp_path, "whole", 30, 1)
    noted(state, *proposal("edit"))
    noted(state, ("proposed", {"of": "edit", "design": {"id": "best"}}))
    told = briefing(state, tmp_path)
    assert len(told.effects) == 12
    assert told.effects[0].what.startswith("named edit")


def test_the_latest_knockouts_are_told_and_each_file_is_read_once(tmp_path, monkeypatch):
    monkeypatch.setattr(effects, "MOST_KNOCKOUT_FILES", 2)
    for name, written in (("a", 3), ("b", 2), ("z", 1)):
        knocked_out(tmp_path, name, 1, written)
    (tmp_path / "knockouts" / "broken.json").write_text("[1]")
    os.utime(tmp_path / "knockouts" / "broken.json", (0, 0))
    found = Knockouts(tmp_path)
    told = ["part 0 taken in a", "part 0 taken in b"]
    assert [one.what for one in found.found()] == told
    with monkeypatch.context() as without:
        without.setattr(effects, "json", SimpleNamespace())
        assert [one.what for one in found.found()] == told
    knocked_out(tmp_path, "z", 1, 4)
    assert [one.what for one in found.found()] == ["part 0 taken in z", "part 0 taken in a"]


# Claims.


def test_every_claim_of_a_long_run_is_in_its_notebook_and_the_recent_ones_in_a_prompt(state):
    for number in range(RECENT + 5):
        noted(state, *proposal(f"p{number}", claim=f"claim {number}"))
    assert len(notebook_of(state, Effects())) == RECENT + 5
    assert list(notebook_of(state, Effects(), 3)) == [f"p{RECENT + n}" for n in (2, 3, 4)]
