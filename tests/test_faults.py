"""Faults that are no design's: what is broken is replaced, what cannot be is said, and no score suffers."""

import os
import resource
import signal
import subprocess
import sys

import pytest
from support.background import in_background
from support.designs import SOUND, network
from support.processes import (
    below,
    descendants,
    is_waiting_box,
    living,
    wait_until,
    waiting_boxes,
    warm_processes,
    zombies,
)
from support.scoring import came_of, evaluate

from agentarch.evaluation import Outcome
from agentarch.execution import ExecutionStopped, Limits, LocalExecutor, local
from agentarch.execution.conversation import RUNS_OF_A_KILLED_BOX
from agentarch.testing import small_job


def test_a_warm_process_that_is_killed_is_replaced_at_the_next_job(own_executor, own_warm):
    before = came_of(evaluate(SOUND, own_executor))
    for _ in range(2):
        warm = own_warm()
        os.kill(warm, signal.SIGKILL)
        wait_until(lambda gone=warm: gone not in living(), "the warm process is gone")
        assert came_of(evaluate(SOUND, own_executor)) == before
        assert own_warm() != warm


def test_a_box_goes_on_when_the_warm_process_is_killed_under_it(own_executor, own_warm):
    sleeper = network(build="import_('time').sleep(1)")
    calm = came_of(evaluate(sleeper, own_executor))
    warm = own_warm()
    thread, outcome = in_background(evaluate, sleeper, own_executor)
    wait_until(lambda: len(descendants(warm)) >= 2, "the design runs")
    os.kill(warm, signal.SIGKILL)
    thread.join(60)
    assert came_of(outcome[0]) == calm


def supervisors(warm: int) -> list[int]:
    """Return the supervisors of designs that run."""
    parents = living()
    return [
        pid
        for pid, parent in parents.items()
        if parent == warm and pid in parents.values() and not is_waiting_box(pid)
    ]


def test_a_design_whose_supervisor_is_killed_is_run_again_and_scores_as_ever(
    own_executor, own_warm, nothing_left
):
    sleeper = network(build="import_('time').sleep(2)")
    calm = came_of(evaluate(sleeper, own_executor))
    warm = own_warm()
    thread, outcome = in_background(evaluate, sleeper, own_executor)
    wait_until(lambda: supervisors(warm), "the design runs")
    (supervisor,) = supervisors(warm)
    os.kill(supervisor, signal.SIGKILL)
    thread.join(60)
    assert came_of(outcome[0]) == calm
    nothing_left()


def test_a_box_that_cannot_be_made_is_our_fault_and_not_the_designs(executor):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        result = executor.run(small_job(SOUND))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert result.outcome is Outcome.INFRASTRUCTURE
    assert "Too many open files" in result.reason
    assert executor.run(small_job(SOUND)).outcome is Outcome.SCORED


def test_a_warm_process_that_is_stopped_is_replaced_at_the_next_job(monkeypatch, other_warm_processes):
    monkeypatch.setattr(local, "GRACE_SECONDS", 1.0)
    monkeypatch.setattr(local, "CLOSE_SECONDS", 0.5)
    executor = LocalExecutor(ready_boxes=0)
    executor.start()
    try:
        (warm,) = warm_processes() - other_warm_processes
        os.kill(warm, signal.SIGSTOP)
        assert executor.run(small_job(SOUND)).outcome is Outcome.SCORED
        assert warm not in living()
    finally:
        executor.close()


def test_a_ready_box_that_is_killed_is_replaced(own_executor, own_warm):
    warm = own_warm()

    def ready() -> set[int]:
        return {pid for pid, parent in living().items() if parent == warm and is_waiting_box(pid)}

    wait_until(lambda: len(ready()) == 2, "two boxes are ready")
    before = ready()
    for supervisor in before:
        os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: len(ready() - before) == 2, "two others are ready")
    evaluation = evaluate(SOUND, own_executor)
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    assert own_warm() == warm


def test_supervisors_that_die_every_time_are_our_fault(own_executor, own_warm):
    sleeper = network(build="import_('time').sleep(1000)")
    warm = own_warm()
    thread, outcome = in_background(evaluate, sleeper, own_executor)
    for _ in range(RUNS_OF_A_KILLED_BOX):
        wait_until(lambda: supervisors(warm), "the design runs")
        (supervisor,) = supervisors(warm)
        os.kill(supervisor, signal.SIGKILL)
        wait_until(lambda gone=supervisor: gone not in living(), "the supervisor is gone")
    thread.join(60)
    assert outcome[0].outcome is Outcome.INFRASTRUCTURE
    assert "its box or its supervisor was killed, 3 times out of 3" in outcome[0].reason


@pytest.mark.parametrize("lifted", [(), ("syscalls.signals",)], ids=["refused", "without_the_wall"])
def test_a_design_that_kills_itself_gets_no_other_try_for_nothing(lifted):
    executor = LocalExecutor("landlock", lifted=lifted, ready_boxes=0)
    kills_itself = network(
        build="""
        os, time = import_("os"), import_("time")
        time.sleep(0.5)
        os.kill(os.getpid(), 9)
        """
    )
    try:
        evaluation = evaluate(kills_itself, executor)
    finally:
        executor.close()
    assert evaluation.outcome is Outcome.INVALID
    if lifted:
        assert evaluation.reason == "its box was killed, 3 times out of 3"
        assert evaluation.cost.wall_seconds >= 1.5
    else:
        assert "PermissionError" in evaluation.reason
        assert evaluation.cost.wall_seconds < 1.5


def test_a_job_without_time_is_timed_out_and_not_our_fault():
    executor = LocalExecutor(ready_boxes=0)
    try:
        results = [executor.run(small_job(SOUND, limits=Limits(0.0))) for _ in range(3)]
    finally:
        executor.close()
    assert [result.outcome for result in results] == [Outcome.TIMEOUT] * 3


def test_a_design_that_ends_while_it_predicts_is_told_how(executor):
    ends = network(forward="if not self.training: import_('os')._exit(7)")
    evaluation = evaluate(ends, executor)
    assert evaluation.outcome is Outcome.INVALID
    assert evaluation.reason == "the design's process ended with exit code 7 before it was done"


def test_an_executor_is_closed_at_once_while_another_thread_starts_it(nothing_left):
    executor = LocalExecutor()
    thread, outcome = in_background(executor.start)
    wait_until(lambda: warm_processes(), "the warm process starts")
    executor.close()
    thread.join(10)
    assert isinstance(outcome[0], ExecutionStopped)
    nothing_left()


def test_a_closed_executor_leaves_nobody_else_a_dead_process(other_warm_processes):
    executor = LocalExecutor()
    executor.start()
    (warm,) = warm_processes() - other_warm_processes
    wait_until(lambda: len(waiting_boxes() & set(below(warm))) == 4, "two boxes are ready")
    before = zombies()
    executor.close()
    assert zombies() <= before


WITHOUT_STREAMS = """
import os, sys
os.close(0)
os.close(1)
from agentarch.execution import LocalExecutor
from agentarch.testing import SOUND, small_job

executor = LocalExecutor()
result = executor.run(small_job(SOUND))
executor.close()
sys.exit(result.reason or 0)
"""


def test_an_engine_without_standard_streams_can_run_designs():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_STREAMS], stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


LOWER = {
    resource.RLIMIT_NOFILE: 60,
    resource.RLIMIT_STACK: 4 * 2**20,
    resource.RLIMIT_FSIZE: 2**20,
    resource.RLIMIT_SIGPENDING: 20,
    resource.RLIMIT_DATA: 2**32 - 2**20,
    resource.RLIMIT_AS: 2**36 - 2**20,
}


def test_lower_limits_of_the_host_are_kept():
    lines = "".join(f"resource.setrlimit({which}, ({value}, {value}))\n" for which, value in LOWER.items())
    program = "import resource\n" + lines + WITHOUT_STREAMS.replace("os.close(0)\nos.close(1)\n", "")
    done = subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stderr
