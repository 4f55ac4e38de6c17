"""A run goes on with the tasks it began with, or not at all."""

from __future__ import annotations

import pytest
from support.tiny import Tiny

from agentarch.config import make_config
from agentarch.errors import UsageError
from agentarch.kinds.network import AXES
from agentarch.search.session import check_tasks, create_run, open_run
from agentarch.search.state import RunState
from agentarch.store import Event

READS_A_FILE = """
from pathlib import Path

from support.tiny import Tiny


class Mine(Tiny):
    name = "mine"

    def data(self, split, rung, seed):
        return super().data(split, rung, seed + int(Path(__file__).with_name("offset.txt").read_text()))
"""


def test_what_happens_between_sessions_costs_no_time():
    state = RunState.empty([Tiny()], AXES)
    decided = {"kind": "test", "reason": "asked for", "facts": {}}
    for number, (at, kind, body) in enumerate(
        [
            (0.0, "started", {}),
            (10.0, "stopped", {"why": "evaluations"}),
            (5000.0, "decided", decided),
            (5001.0, "started", {}),
            (5004.0, "stopped", {"why": "evaluations"}),
        ],
        start=1,
    ):
        state.apply(Event(number, at, kind, body))
    assert state.engine_seconds == pytest.approx(13.0)


@pytest.fixture
def begun(tmp_path):
    """A run on a task whose file reads another: the run's folder, the task's file, and the other."""
    task, other = tmp_path / "mine.py", tmp_path / "offset.txt"
    task.write_text(READS_A_FILE)
    other.write_text("0")
    create_run(make_config({"tasks": str(task), "seed": 1, "evaluations": 1}, None), tmp_path / "run")
    return tmp_path / "run", task, other


def test_a_run_goes_on_with_the_tasks_it_began_with(begun):
    folder, _, _ = begun
    with open_run(folder) as run:
        check_tasks(run)


@pytest.mark.parametrize(
    ("which", "text"), [(1, READS_A_FILE + "# more\n"), (2, "7")], ids=["its_file", "what_it_reads"]
)
def test_a_run_does_not_go_on_with_a_task_that_has_changed(begun, which, text):
    begun[which].write_text(text)
    with open_run(begun[0]) as run, pytest.raises(UsageError, match="'mine' has changed since the run"):
        check_tasks(run)
