"""Proposals that are written while others are evaluated: the control keeps its equal share, the prompts their bound."""

from support import author
from support.model_server import ModelServer
from support.proposing import drive, make_run

from agentarch.search import session
from agentarch.search.arm import RANDOM, SEARCH
from agentarch.search.decision import Choice
from agentarch.search.proposals import Proposals, Stage
from agentarch.store import Event


def test_random_proposals_spend_as_much_as_a_search_whose_model_answers_at_once(tmp_path):
    with ModelServer(author.write) as server:
        make_run(
            tmp_path / "run",
            server.base_url,
            evaluations=130,
            controls=True,
            proposals_in_flight=16,
            workers=2,
        )
        drive(tmp_path / "run")
    with session.open_run(tmp_path / "run") as run:
        arms = run.state.arms
        assert len(run.state.proposals) > 8
        assert 0.75 < arms[RANDOM].steps / arms[SEARCH].steps < 1.25


def test_a_run_whose_time_runs_out_while_people_are_waited_for_still_confirms(tmp_path):
    with ModelServer(author.write) as server:
        make_run(
            tmp_path / "run",
            server.base_url,
            evaluations=None,
            time=20,
            review="sample:0.5",
            max_requests=16,
            confirm_seeds=3,
        )
        drive(tmp_path / "run")
    with session.open_run(tmp_path / "run") as run:
        waited = [one for one in run.state.proposals.values() if one.gated_at is not None]
        assert waited, "nothing waited for a person"
        assert run.state.proposals.counts[Stage.QUEUED] > 0
        assert run.state.decided(Choice.FINALISTS)
        assert all(one.stage is Stage.DROPPED for one in waited)


def test_a_ceiling_drops_only_the_proposal_that_met_it(tmp_path):
    with ModelServer(author.write) as server:
        make_run(tmp_path / "run", server.base_url, evaluations=400, max_requests=7, proposals_in_flight=4)
        assert drive(tmp_path / "run") == "requests"
    with session.open_run(tmp_path / "run") as run:
        counts = run.state.proposals.counts
        assert counts[Stage.DROPPED] <= 4  # each that was under way may have met it
        assert counts[Stage.QUEUED] >= 3, "a paid design was thrown away"
        scored = [one for one in run.state.proposals.values() if one.stage is Stage.QUEUED]
        assert all(run.state.scored(one.design_id) for one in scored)


def test_an_edit_of_a_template_is_not_undone_by_its_fillings():
    proposals = Proposals()
    draft = {
        "source": "x = 1",
        "name": "n",
        "rationale": "",
        "claim": "wider is better",
        "predicted_change": 0.1,
        "builds_on": [],
        "form": "template",
        "template": "x = ${a}",
        "holes": [{"name": "a", "values": ["1", "2"]}],
    }
    for number, (kind, body) in enumerate(
        [
            (
                "begun",
                {"proposal": "p1", "brief": {"operator": "parametrize", "reflects": False, "model": "m"}},
            ),
            ("drafted", {"proposal": "p1", "draft": draft, "shown": []}),
            ("gated", {"proposal": "p1"}),
            ("reviewed", {"proposal": "p1", "decision": "edit", "reason": "", "by": "me", "source": "x = 3"}),
        ]
    ):
        proposals.apply(Event(number, float(number), kind, body))
    edited = proposals["p1"].draft
    assert edited["source"] == "x = 3"
    assert not edited["template"]
    assert not edited["holes"]
    assert not edited["claim"]
