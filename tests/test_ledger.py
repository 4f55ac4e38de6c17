"""The ledger says what the provider counted, and no ceiling is passed, whatever goes wrong on the way."""

import pytest
from support import author
from support.model_server import FAULTS, ModelServer
from support.proposing import drive, make_run

from agentarch.search import session
from agentarch.search.ledger import Ledger
from agentarch.search.summary import run_summary

COUNTED = ("requests", "input_tokens", "output_tokens")


def state_of(folder):
    with session.open_run(folder) as run:
        return run.state


def counted(server: ModelServer) -> dict[str, int]:
    return {name: getattr(server.count, name) for name in COUNTED}


def told(ledger: Ledger) -> dict[str, int]:
    return {name: getattr(ledger.total, name) for name in COUNTED}


@pytest.mark.slow
def test_the_ledger_equals_the_servers_count_over_a_thousand_requests_a_tenth_of_them_faulty(tmp_path):
    with ModelServer(author.write, fault_rate=0.1, retry_after="0") as server:
        make_run(
            tmp_path / "run",
            server.base_url,
            evaluations=100_000,
            proposals_in_flight=16,
            model_stall=1.0,
        )
        drive(tmp_path / "run", lambda state: state.ledger.total.requests > 600)
        # The second session goes on where the first was stopped.
        why = drive(tmp_path / "run", lambda state: state.ledger.total.requests > 1000)
        assert why == "enough"
        state = state_of(tmp_path / "run")
        assert told(state.ledger) == counted(server)
        assert set(server.count.faults) == set(FAULTS)
    assert not state.ledger.open
    assert state.ledger.total.failed > 50
    assert state.ledger.untold_requests > 0
    summary = run_summary(state, tmp_path / "run")
    assert summary["ledger"]["requests"] == sum(
        one["requests"] for one in summary["ledger"]["by_role"].values()
    )
    assert summary["ledger"]["dollars"] == pytest.approx(
        (server.count.input_tokens + 5 * server.count.output_tokens) / 1e6
    )


@pytest.mark.parametrize(
    ("ceiling", "why"),
    [({"max_usd": 0.2}, "dollars"), ({"max_tokens": 250_000}, "tokens"), ({"max_requests": 7}, "requests")],
)
def test_no_ceiling_is_passed_and_the_run_goes_on_with_what_it_has(tmp_path, ceiling, why):
    with ModelServer(author.write) as server:
        make_run(tmp_path / "run", server.base_url, evaluations=400, proposals_in_flight=4, **ceiling)
        assert drive(tmp_path / "run") == why
    state = state_of(tmp_path / "run")
    spent = (server.count.input_tokens + 5 * server.count.output_tokens) / 1e6
    assert spent <= ceiling.get("max_usd", 1e9)
    assert server.count.input_tokens + server.count.output_tokens <= ceiling.get("max_tokens", 1e9)
    assert server.count.requests <= ceiling.get("max_requests", 1e9)
    assert server.count.requests >= 4  # the ceiling left room for something
    assert not state.proposals.live
    before = server.count.requests
    with ModelServer(author.write, port=int(server.base_url.rsplit(":", 1)[1].split("/")[0])) as again:
        drive(tmp_path / "run")
        assert again.count.requests == 0, "a ceiling holds over sessions"
    assert state_of(tmp_path / "run").ledger.total.requests == before


def test_what_an_unknown_price_costs_is_not_said_to_be_nothing(tmp_path):
    with ModelServer(author.write) as server:
        make_run(tmp_path / "run", server.base_url, price=(), evaluations=45)
        drive(tmp_path / "run")
    summary = run_summary(state_of(tmp_path / "run"), tmp_path / "run")
    assert summary["ledger"]["requests"] > 0
    assert summary["ledger"]["dollars"] is None
