"""The executor: what a box is given, what it costs, and that none outlives the engine or a fault of ours."""

import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.background import in_background
from support.designs import SOUND, network
from support.processes import descendants, wait_until
from support.scoring import came_of, evaluate
from support.tiny import LENGTH, SYMBOLS, Tiny

from agentarch.evaluation import Outcome
from agentarch.execution import ExecutionStopped, Job, Limits, LocalExecutor, Question
from agentarch.execution.contract import MIB
from agentarch.kinds.audits import BIAS
from agentarch.task import Data
from agentarch.testing import small_job

WITH_CHILDREN = network(
    top="os, time = import_('os'), import_('time')",
    build="""
    for _ in range(2):
        if os.fork() == 0:
            os.setsid()
            time.sleep(1000)
    time.sleep(1000)
    """,
)


def job(source: str = SOUND, limits: Limits | None = None, seed: int = 0) -> Job:
    """Return a job of a few training steps on tokens, asking for predictions on two batches."""
    return small_job(source, seed, limits)


# What comes out.


def test_each_question_is_answered_in_the_shape_that_was_dictated(executor):
    result = executor.run(job())
    assert result.outcome is Outcome.SCORED, result.reason
    assert [reply.shape for reply in result.replies] == [(5, LENGTH, SYMBOLS), (2, LENGTH, SYMBOLS)]
    assert all(reply.dtype == np.float32 for reply in result.replies)


def test_a_prediction_may_be_a_parameter_itself_also_when_one_item_is_asked_about(executor):
    base = job(BIAS)
    wanted = replace(
        base,
        settings=base.settings | {"spec": base.settings["spec"] | {"output": "one"}},
        arrays=base.arrays | {"train_labels": base.arrays["train_labels"][:, 0]},
        sittings=((Question(base.questions[0].inputs[:1], (1, SYMBOLS)),),),
    )
    result = executor.run(wanted)
    assert result.outcome is Outcome.SCORED, result.reason
    assert result.replies[0].shape == (1, SYMBOLS)


def test_the_same_job_gives_the_same_bits_and_another_seed_gives_others(executor):
    first, again, other = (executor.run(job(seed=seed)).replies for seed in (3, 3, 4))
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_the_same_design_gives_the_same_bits_in_another_warm_process(executor, own_executor):
    for source in (
        SOUND,
        network(build="with torch.no_grad(): network.readout.bias[0] += hash('text') % 1000 / 1000"),
    ):
        assert came_of(evaluate(source, executor)) == came_of(evaluate(source, own_executor))


def test_a_kind_that_the_box_does_not_know_is_told_so(executor):
    result = executor.run(replace(job(), kind="sculpture"))
    assert result.outcome is Outcome.INVALID
    assert "cannot run designs of kind 'sculpture'" in result.reason


def test_a_question_answered_in_another_shape_is_not_taken(executor):
    wanted = replace(job(), sittings=((Question(job().questions[0].inputs, (5, LENGTH, SYMBOLS + 1)),),))
    result = executor.run(replace(wanted, limits=Limits(3.0)))
    assert result.outcome is not Outcome.SCORED
    assert result.replies == ()


def test_many_jobs_at_once_do_not_mix(executor):
    alone = [executor.run(job(seed=seed)).replies[0] for seed in range(6)]
    found: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda s=seed: found.update({s: executor.run(job(seed=s)).replies[0]}))
        for seed in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[seed], alone[seed]) for seed in range(6))


# What goes in.


class Marked(Tiny):
    """The tiny task with one scored item whose inputs, and whose labels, are found nowhere else."""

    name = "marked"
    inputs = np.array([1, 2, 3, 4, 5, 5, 4, 0], np.int64)
    labels = np.array([5, 1, 0, 2, 2, 0, 1, 5], np.int64)

    def data(self, split, rung, seed):
        made = super().data(split, rung, seed)
        made.inputs[0], made.labels[0] = self.inputs, self.labels
        return Data(
            *(
                array.astype(np.int64)
                for array in (made.train_inputs, made.train_labels, made.inputs, made.labels)
            )
        )


@pytest.fixture
def open_executor():
    """An executor whose designs can read their own memory as a file."""
    unsafe = LocalExecutor("unsafe")
    yield unsafe
    unsafe.close()


def test_labels_never_enter_a_box_and_scored_inputs_only_one_that_does_not_train(open_executor):
    inputs, labels = (bytes(b ^ 0x5A for b in array.tobytes()) for array in (Marked.inputs, Marked.labels))
    narrow = [
        bytes(b ^ 0x5A for b in Marked.labels.astype(size).tobytes()) for size in ("i1", "<i2", "<i4", "<f4")
    ]
    searches_its_memory = network(
        top=f"""
        re, sys, np = import_("re"), import_("sys"), import_("numpy")
        INPUTS, LABELS = [{inputs!r}], [{labels!r}, *{narrow!r}]
        steps = 0

        def look():
            '''Search all memory that can be written, through a mask, so as not to find what is searched for.'''
            found = dict(inputs=0, labels=0)
            with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
                for line in maps.read().splitlines():
                    ends, rights, *_, place = (line + " -").split()[:2] + [line.split()[-1]]
                    start, end = (int(part, 16) for part in ends.split("-"))
                    if not rights.startswith("rw") or end - start > 2**27:
                        continue
                    memory.seek(start)
                    try:
                        piece = np.frombuffer(memory.read(end - start), np.uint8)
                    except OSError:
                        continue
                    masked = (piece ^ 0x5A).tobytes()
                    found["inputs"] += sum(masked.count(mark) for mark in INPUTS)
                    found["labels"] += sum(masked.count(mark) for mark in LABELS)
            return found
        """,
        forward="""
        global steps
        steps += 1
        if self.training and steps == 6:
            print("last step of training", look(), file=sys.stderr)
        if not self.training:
            print("predicting", look(), file=sys.stderr)
        """,
    )
    evaluation = evaluate(searches_its_memory, open_executor, rung=1, task=Marked())
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    training, *predicting = evaluation.output.splitlines()
    assert training == "last step of training {'inputs': 0, 'labels': 0}"
    assert all(line.endswith("'labels': 0}") for line in predicting)
    assert any("'inputs': 0" not in line for line in predicting)  # the search does find what is there


def test_a_box_has_no_environment_of_its_engine(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-secret")
    monkeypatch.setenv("AGENTARCH_SECRET", "the-other-secret")
    executor = LocalExecutor()
    try:
        lines = """
        os = import_("os")
        print(dict(os.environ), flush=True)
        """
        evaluation = evaluate(network(build=lines), executor)
    finally:
        executor.close()
    assert evaluation.outcome is Outcome.SCORED
    assert evaluation.output == "{}\n" * 3  # once in each box


def test_a_box_has_no_descriptors_but_the_standard_three_and_its_channel(executor, tmp_path):
    lines = """
    os = import_("os")
    for number in range(1024):
        try:
            print(oct(os.fstat(number).st_mode)[:-4], flush=True)
        except OSError:
            pass
    """
    with (tmp_path / "file").open("w"):
        evaluation = evaluate(network(build=lines), executor)
    pipe, socket = "0o1", "0o14"  # as stat(2) numbers kinds of files
    assert evaluation.output.split() == [pipe, pipe, pipe, socket] * 3  # once in each box


def test_a_box_reads_nothing_on_standard_input(executor):
    evaluation = evaluate(network(build="assert import_('sys').stdin.read() == ''"), executor)
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason


# What it costs.


@pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="a kernel without huge pages"
)
def test_a_warm_process_that_makes_many_boxes_lies_on_huge_pages_so_that_forks_are_cheap(
    own_executor, own_warm
):
    for seed in range(8):  # in three boxes each
        own_executor.run(small_job(SOUND, seed))
    huge = re.compile(r"AnonHugePages: +(\d+) kB")
    memory = Path(f"/proc/{own_warm()}/smaps_rollup")
    wait_until(lambda: int(huge.search(memory.read_text())[1]) > 50 * 1024, "most of torch is on huge pages")


def test_a_design_that_sleeps_costs_time_and_no_processor(executor):
    cost = evaluate(network(build="import_('time').sleep(1.5)"), executor).cost
    assert cost.wall_seconds >= 1.5
    assert cost.cpu_seconds < 1.5


BURN = "time = import_('time')\nwhile time.process_time() < {seconds}: pass"


def test_a_design_that_computes_costs_processor(executor):
    cost = evaluate(network(build=BURN.format(seconds=0.5)), executor).cost
    assert cost.cpu_seconds >= 0.5


@pytest.mark.parametrize("ending", ["os._exit(0)", "time.sleep(1000)"], ids=["that_ends", "that_is_killed"])
def test_what_children_of_a_design_compute_is_part_of_its_cost(ending, forking_executor):
    lines = f"""
    os, time = import_("os"), import_("time")
    start = time.monotonic()
    report, told = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        while time.process_time() < 0.5: pass
        os.write(told, b"done")
        {ending}
    os.read(report, 4)
    time.sleep(0.3)
    """
    evaluation = evaluate(network(build=lines), forking_executor)
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    assert evaluation.cost.cpu_seconds >= 0.5


def test_the_peak_of_memory_is_seen_though_it_was_given_back(executor):
    calm = evaluate(SOUND, executor).cost.peak_memory_bytes
    peak = evaluate(network(build="hoard = b'x' * (300 * 2**20); del hoard"), executor).cost.peak_memory_bytes
    assert calm < 600 * MIB
    assert calm + 250 * MIB < peak < calm + 400 * MIB


def test_a_design_that_is_stopped_has_a_cost_too(executor):
    evaluation = evaluate(network(build="while True: pass"), executor, wall_seconds=1.5)
    assert evaluation.outcome is Outcome.TIMEOUT
    assert evaluation.cost.wall_seconds >= 1.5
    assert evaluation.cost.cpu_seconds > 0
    assert evaluation.cost.peak_memory_bytes > 0


# How it ends.


def test_closing_while_designs_run_stops_them_and_leaves_no_process(own_executor, own_warm, nothing_left):
    running = [in_background(own_executor.run, job(WITH_CHILDREN)) for _ in range(2)]
    wait_until(
        lambda: len(descendants(own_warm())) >= 8, "two supervisors, two designs and their children run"
    )
    own_executor.close()
    for thread, outcome in running:
        thread.join(60)
        assert isinstance(outcome[0], ExecutionStopped)
    nothing_left()


def test_a_closed_executor_runs_nothing_and_can_be_closed_again(own_executor, nothing_left):
    own_executor.close()
    own_executor.close()
    with pytest.raises(ExecutionStopped):
        own_executor.run(job())
    nothing_left()


def test_an_executor_closed_before_it_was_started_stays_closed(nothing_left):
    executor = LocalExecutor()
    executor.close()
    with pytest.raises(ExecutionStopped):
        executor.run(job())
    nothing_left()


def test_an_executor_starts_by_itself_at_the_first_job():
    executor = LocalExecutor()
    try:
        assert executor.run(job()).outcome is Outcome.SCORED
    finally:
        executor.close()


ENGINE = """
import sys, threading
from support.designs import SOUND
from support.scoring import evaluate
from agentarch.execution import LocalExecutor

executor = LocalExecutor(lifted=("syscalls.processes", "syscalls.identity"))
executor.start()
for _ in range(2):
    threading.Thread(target=evaluate, args=(sys.stdin.read() if _ == 0 else SOUND, executor, 1000.0)).start()
"""


def test_an_engine_that_is_killed_leaves_no_process(nothing_left):
    engine = subprocess.Popen(
        [sys.executable, "-c", ENGINE],
        stdin=subprocess.PIPE,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(part for part in (str(Path(__file__).parent), *sys.path) if part)},
        text=True,
    )
    engine.stdin.write(WITH_CHILDREN)
    engine.stdin.close()
    wait_until(
        lambda: len(descendants(engine.pid)) >= 5, "warm process, supervisor, design and two children run"
    )
    engine.kill()
    engine.wait()
    nothing_left()
