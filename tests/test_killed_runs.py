"""A run that is killed, at any moment and more than once, ends with the evaluations it would have had."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import TINY_FILE, finish, run, search, start
from support.logs import check_consistent, evaluated, evaluated_in_a_copy, requests, rows
from support.processes import wait_until

EVALUATIONS = 5
KILLED_AT_COMMITS = Path(__file__).parent / "support" / "killed_at_commits.py"


@pytest.mark.slow
def test_a_search_killed_three_times_ends_with_the_same_number_of_evaluations(tmp_path, nothing_left):
    evaluations, folder = 24, tmp_path / "run"
    kept: list = []
    for kill, earliest in enumerate((1, 8, 15)):
        moment = earliest + random.randrange(4)
        arguments = search(folder, evaluations) if kill == 0 else ["resume", folder, "--json"]
        process = start(*arguments, folder=tmp_path)
        wait_until(lambda wanted=moment: len(evaluated(folder)) >= wanted, "evaluations are recorded", 120)
        process.kill()
        finish(process)
        nothing_left()
        found = evaluated_in_a_copy(folder, tmp_path / f"copy-{kill}")
        assert found[: len(kept)] == kept
        kept = found
        assert len(kept) < evaluations
    said = run("resume", folder, "--json", folder=tmp_path)
    assert said.exit_code == 0, said.err
    assert said.json["evaluations"] == evaluations
    check_consistent(folder, evaluations)
    assert evaluated(folder)[: len(kept)] == kept
    nothing_left()


@pytest.mark.slow
def test_a_search_killed_at_any_commit_ends_with_the_same_evaluations(tmp_path):
    done = subprocess.run(
        [sys.executable, str(KILLED_AT_COMMITS), str(tmp_path), str(TINY_FILE), str(EVALUATIONS)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    names = json.loads(done.stdout)
    assert len(names) > 30
    check_consistent(tmp_path / "undisturbed", EVALUATIONS)
    expected = requests(tmp_path / "undisturbed")
    for name in names:
        check_consistent(tmp_path / name, EVALUATIONS)
        assert requests(tmp_path / name) == expected, name


def test_a_run_that_was_killed_says_so_and_how_to_go_on(tmp_path, nothing_left):
    process = start(*search(tmp_path / "run", 30), folder=tmp_path)
    wait_until(lambda: evaluated(tmp_path / "run"), "an evaluation is recorded")
    process.kill()
    finish(process)
    nothing_left()
    assert "killed; go on with `agentarch resume`" in run("status", "run", folder=tmp_path).out
    status = run("status", "run", "--json", folder=tmp_path).json
    assert status["is_running"] is False
    assert status["stopped"] is None
    assert status["evaluations"] == len(evaluated(tmp_path / "run"))
    assert (
        rows(tmp_path / "run", "SELECT count(*) FROM evaluations WHERE state = 'leased'")[0][0]
        == status["running"]
    )


def test_a_run_that_was_killed_while_it_was_made_can_be_made_again(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / ".run.sqlite.new").write_bytes(b"half of a store")
    (folder / ".run.sqlite.new-wal").write_bytes(b"half of a log")
    said = run(*search(folder, 1), folder=tmp_path)
    assert said.exit_code == 0, said.err
    check_consistent(folder, 1)
