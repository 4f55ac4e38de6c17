"""Proposals that are written while others are evaluated: the control keeps its equal share, the prompts their bound."""

from support import author
from support.model_server import ModelServer
from support.proposing import drive, make_run

from agentarch.search import session
from agentarch.search.arm import RANDOM, SEARCH


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
