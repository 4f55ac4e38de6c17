"""A run whose models are asked, killed in any step of a proposal: nothing is lost, and nothing is paid in secret."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLED_WHILE_PROPOSING = Path(__file__).parent / "support" / "killed_while_proposing.py"
EVALUATIONS, IN_FLIGHT = 66, 2
ENDED = {"queued", "failed", "rejected", "dropped"}


@pytest.fixture(scope="module")
def killed_runs(tmp_path_factory):
    done = subprocess.run(
        [
            sys.executable,
            str(KILLED_WHILE_PROPOSING),
            str(tmp_path_factory.mktemp("runs")),
            str(EVALUATIONS),
        ],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)},
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) > 10
    return found


@pytest.mark.slow
def test_a_run_killed_in_any_step_of_a_proposal_ends_with_every_evaluation_and_no_proposal_lost(killed_runs):
    for name, run in killed_runs.items():
        assert run["was_killed"], name
        assert run["evaluated"] == EVALUATIONS, name
        assert set(run["stages"].values()) <= ENDED, (name, run["stages"])
        assert "queued" in run["stages"].values(), name


@pytest.mark.slow
def test_after_a_kill_the_ledger_counts_at_most_the_requests_under_way_twice(killed_runs):
    for name, run in killed_runs.items():
        assert run["open"] == 0, name
        assert 0 <= run["requests"] - run["server"]["requests"] <= IN_FLIGHT, name
        for tokens in ("input_tokens", "output_tokens"):
            assert run[tokens] >= run["server"][tokens], name
        if run["killed_requests"] == 0:
            assert {key: run[key] for key in run["server"]} == run["server"], name
        assert run["killed_requests"] <= IN_FLIGHT, name


@pytest.mark.slow
def test_a_step_that_was_done_is_not_paid_again(killed_runs):
    # A proposal takes an answer, perhaps a repair of it, and a reflection; a kill may repeat the one under way.
    for name, run in killed_runs.items():
        for proposal, requests in run["asked"]:
            assert requests <= 3 + (run["killed_requests"] > 0), (name, proposal)
